"""Fine-tunes a classifier with Lightning; an interrupted training goes on with its last finished epoch.

What is published of the recipes, and what is not:

- GenImage's table of detectors trained on Stable Diffusion 1.4 (ResNet-50, DeiT-S, Swin-T) comes without the options
  of those trainings. Its README has one "typical example", for all generators at once: timm's script with SGD, a
  learning rate of 0.05 and a cosine schedule, 200 epochs, batches of 64 on two GPUs, RandAugment, random erasing, the
  JSD loss on three splits, two classes (GenImage-Dataset/GenImage@613c8c7, Readme.md). That is not what runs here.
- CNNspot: a ResNet-50 with ImageNet weights, Adam at 1e-4, batches of 64, short side 256, random crops of 224 and
  flips, blur and JPEG each with probability 0.5; the learning rate falls tenfold when the validation accuracy has not
  risen for five epochs (PeterWang512/CNNDetection@1f9a326). Here it stays, for a fixed number of epochs: no image but
  the training images has a say in the weights.
- NPR: random weights, Adam at 2e-4, batches of 32, 50 epochs, times 0.8 every ten epochs, 256 x 256 and random crops of
  224 and flips, no blur or JPEG (chuangchuangtan/NPR-DeepfakeDetection@0c8fd3b, README and train.py). Here the learning
  rate stays, and the whole 256 x 256 are shown.
- Spec: a ResNet-34 with ImageNet weights, SGD at 0.01 with momentum and dampening 0.9, batches of 16, 20 epochs, random
  crops of 224 of 256 (ColumbiaDVMM/AutoGAN@69e691c and @516dd66). Here Adam, and flips, too.
- PatchFor: random weights, Adam at 1e-3, batches of 32, flips, until the validation accuracy has not risen for 10 to 50
  epochs (chail/patch-forensics@e676e41). Here for a fixed number of epochs.

Weights come out the same again on the same machine with the same number of threads; on a GPU some kernels round by
chance.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from safetensors.torch import save_file
from torch import Tensor

from bench.errors import BenchError
from bench.report.loggers.session import logging_session
from bench.scoring.build import VIEWS
from bench.scoring.machine.trainer import training_trainer
from bench.scoring.options import RunOptions
from bench.scoring.training_record import save_fitted
from bench.statistics.names import hash_of
from bench.training.classifier import Classifier
from bench.training.epochs import Epochs, training_view
from bench.training.options import FitOptions
from bench.training.starting import starting_state
from bench.training.training_set import TrainingSet
from datamodules import GENERATED, REAL
from datamodules.conditions import Picture
from detectors import Detector, create_detector
from detectors.trained.fitted_file import FACTS

FOLDER, LAST = "fitting", "last"


def fine_tune(
    fit: FitOptions,
    options: RunOptions,
    data: TrainingSet,
    progress: bool,
    say: Callable[[str], None],
    callbacks: Sequence[Callback] = (),
) -> None:
    """Fine-tunes a network and saves it; ``say`` is told what happened, a sentence each.

    Raises:
        BenchError: The training was interrupted, or came to weights that are not finite.
    """
    facts = data.facts(fit)  # before training changes the crops' seed
    start = starting_state(fit)
    detector = starting_detector(fit, start)
    network = next(module for module in detector.modules() if module.state_dict().keys() == start.keys())
    view = training_view(VIEWS[options.view] or detector.view)
    epochs, picture = Epochs(data, view, fit.augment, fit.seed), Picture(data.condition.name, view)
    labels = data.items["label"]
    counts = (int((labels == REAL).sum()), int((labels == GENERATED).sum()))
    module = Classifier(detector, network, picture, counts, fit.learning_rate, fit.seed)
    facts |= {
        "detector": fit.name,
        "model": fit.model,
        "recipe": {"augment": fit.augment, "epochs": fit.epochs, "init": Path(fit.init).name, "seed": fit.seed},
        "lr": fit.learning_rate,
        "batch_size": options.batch_size,
        "precision": options.precision,
        "view": asdict(view),
    }
    folder = options.output / FOLDER / _name_of(facts, data, detector)
    keeper = ModelCheckpoint(
        folder, filename=LAST, save_top_k=1, enable_version_counter=False, save_on_train_epoch_end=True
    )
    with logging_session(options) as loggers:
        trainer = training_trainer(options, progress, [keeper, *callbacks], loggers.start(), fit.epochs)
        _train(trainer, module, epochs, folder / f"{LAST}.ckpt")
    if module.unreadable:
        say(f"Unreadable, not trained on: {'; '.join(f'{p} ({r})' for p, r in sorted(module.unreadable.items()))}.")
    state: dict[str, Tensor] = network.state_dict()
    broken = next((name for name, tensor in state.items() if not tensor.isfinite().all()), None)
    if broken is not None:
        raise BenchError(f"The training came to weights that are not finite ({broken}): take a smaller --lr.")
    save_fitted(state, data.record(facts), fit.save)
    say(
        f"Trained for {fit.epochs} epochs on {counts[0]} real and {counts[1]} generated images of "
        f"{len(data.split.groups)} groups ({', '.join(data.generators)}; {data.condition.name}; {view})."
    )


def starting_detector(fit: FitOptions, state: dict[str, Tensor]) -> Detector:
    """Builds the detector with the weights to start from, loaded as any file of it is."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "start.safetensors"
        # The record, too: it says which of two logits is that of generated images.
        facts = {FACTS: json.dumps({"detector": fit.name})}
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, file, facts)
        model: dict[str, Any] = {"model": fit.model} if fit.model else {}
        return create_detector(fit.name, checkpoint=str(file), seed=fit.seed, **model)


def _name_of(facts: Mapping[str, Any], data: TrainingSet, detector: Detector) -> str:
    """Names a training by everything that its weights depend on."""
    items = [f"{path} {size} {mtime}" for path, size, mtime in data.items.select("path", "bytes", "mtime_ns").rows()]
    return hash_of([json.dumps(facts, sort_keys=True), detector.fingerprint(), *items])[:16]


def _train(trainer: L.Trainer, module: Classifier, epochs: Epochs, last: Path) -> None:
    """Runs the epochs that are not done yet."""
    trainer.fit(module, epochs, ckpt_path=last if last.is_file() else None)
    done, wanted = trainer.current_epoch, trainer.max_epochs or 0
    if done < wanted:
        raise BenchError(f"The training stopped after {done} of {wanted} epochs: run the same command again to go on.")
