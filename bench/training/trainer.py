"""Makes Lightning's trainer for training and for computing features."""

import warnings
from collections.abc import Sequence
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, RichProgressBar

from bench.errors import BenchError
from bench.scoring.machine.memory import keep_freed_memory
from bench.scoring.machine.precision import LIGHTNING, set_tf32
from bench.scoring.machine.trainer import quieten_lightning
from bench.scoring.options import RunOptions

# Lightning would like more workers than there are cores, has a word for every short epoch and for a skipped batch, and
# warns of the very checkpoint that an interrupted training goes on from. None of these is for the user to mend.
_ADVICE = (
    r"The 'train_dataloader' does not have many workers",
    r"The number of training batches",
    r"`training_step` returned `None`",
    r"Checkpoint directory .* exists and is not empty",
)


def fitting_trainer(
    options: RunOptions,
    progress: bool,
    callbacks: Sequence[Callback] = (),
    **more: Any,  # noqa: ANN401 - Lightning's
) -> L.Trainer:
    """Makes a trainer for one device.

    Args:
        options: The machine.
        progress: Whether to draw a progress bar.
        callbacks: Beside the progress bar.
        **more: Passed to Lightning.

    Raises:
        BenchError: There is no such device here.
    """
    keep_freed_memory()
    quieten_lightning()
    for message in _ADVICE:
        warnings.filterwarnings("ignore", message=message)
    try:
        trainer = L.Trainer(
            devices=1,
            accelerator=options.accelerator,
            precision=LIGHTNING[options.precision],  # type: ignore[arg-type] # one of Lightning's words
            callbacks=[*callbacks, *([RichProgressBar()] if progress else [])],
            enable_progress_bar=progress,
            enable_model_summary=False,
            **more,
        )
    except MisconfigurationException as error:
        raise BenchError(f"--accelerator {options.accelerator}: {error}") from error
    set_tf32(options.precision, trainer.strategy.root_device)
    return trainer
