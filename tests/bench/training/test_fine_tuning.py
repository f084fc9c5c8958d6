"""Fine-tuning through the whole command: small timm models from random weights."""

from dataclasses import replace

import lightning as L
import pytest
import timm
import torch
import wandb
from lightning.pytorch.callbacks import Callback
from made_fits import fit_options, options, shared_prompts
from released_fitted import ARCHITECTURES
from safetensors.torch import load_file, save_file
from wandb_reader import read_run

from bench.errors import BenchError
from bench.scoring.training_record import read_record
from bench.training.classifier import Classifier
from bench.training.epochs import Augmented, batches_of, training_view
from bench.training.fine_tuning import fine_tune
from bench.training.fit import fit_detector
from bench.training.recipes import RECIPES
from bench.training.starting import RANDOM_STARTS, starting_state
from bench.training.training_set import training_set
from datamodules import Batch
from datamodules.conditions import CLEAN_IMAGES, Picture
from detectors import (
    Detector,
    UnknownNameError,
    View,
    WeightsError,
    WeightsNotFoundError,
    create_detector,
    find_detector,
)
from detectors.trained.networks.xception import PatchXception

SMALL = "timm:test_resnet"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared_prompts(tmp_path_factory.mktemp("data"))


def fit(file, **more):
    return fit_options(file, SMALL, **({"init": "random", "epochs": 3, "lr": 1e-3} | more))


def train(root, output, file, callbacks=(), wandb_project=None, **more):
    given, settings = fit(file, **more), options(root, output, resize=170, wandb=wandb_project)
    fine_tune(given, settings, training_set(given, settings), False, lambda sentence: None, callbacks)
    return load_file(file)


class Stop(Callback):
    """Ends the training as a crash would, in the middle of an epoch."""

    def on_train_batch_end(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.current_epoch == 1:
            raise RuntimeError("the power fails")


class Epochs(Callback):
    """Notes which epochs are run, and what is shown in them."""

    def __init__(self) -> None:
        self.run: list[int] = []
        self.shown: list[list[tuple[str, torch.Tensor]]] = []

    def on_train_epoch_start(self, trainer: L.Trainer, *_: object) -> None:
        self.run.append(trainer.current_epoch)
        self.shown.append([])

    def on_train_batch_start(self, trainer: L.Trainer, module: L.LightningModule, batch: Batch, index: int) -> None:
        (pixels,) = batch.views.values()
        self.shown[-1] += zip(batch.path, pixels, strict=True)


@pytest.mark.heavy
def test_an_interrupted_training_goes_on_to_the_same_weights(root, tmp_path):
    whole = train(root, tmp_path / "whole", tmp_path / "whole.safetensors")
    with pytest.raises(RuntimeError, match="the power fails"):
        train(root, tmp_path / "cut", tmp_path / "cut.safetensors", [Stop()])
    assert not (tmp_path / "cut.safetensors").exists()
    epochs, none_left = Epochs(), Epochs()
    resumed = train(root, tmp_path / "cut", tmp_path / "cut.safetensors", [epochs])
    train(root, tmp_path / "cut", tmp_path / "cut.safetensors", [none_left])
    assert (epochs.run, none_left.run) == ([1, 2], [])
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "cut.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


@pytest.mark.heavy
def test_every_epoch_shows_the_images_in_another_order_and_otherwise_cropped(root, tmp_path):
    epochs = Epochs()
    train(root, tmp_path / "r", tmp_path / "a.safetensors", [epochs])
    first, second, _ = epochs.shown
    assert [path for path, _ in first] != [path for path, _ in second]
    both = [(pixels, dict(second)[path]) for path, pixels in first if path in dict(second)]
    assert len(both) > 30
    same = sum(torch.equal(one, other) or torch.equal(one, other.flip(-1)) for one, other in both)
    assert same < len(both) / 5


@pytest.mark.parametrize("change", [{"seed": 1}, {"augment": "blur-jpeg"}, {"lr": 2e-3}, {"epochs": 2}])
@pytest.mark.heavy
def test_each_choice_makes_other_weights_and_a_training_of_its_own(root, tmp_path, change):
    first = train(root, tmp_path / "r", tmp_path / "a.safetensors", epochs=1)
    other = train(root, tmp_path / "r", tmp_path / "b.safetensors", **({"epochs": 1} | change))
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert len(list((tmp_path / "r" / "fitting").iterdir())) == 2


@pytest.mark.heavy
def test_it_learns_what_it_is_shown_and_the_saved_file_scores_as_in_the_table(root, tmp_path):
    file = tmp_path / "tuned.safetensors"
    result = fit_detector(fit(file, epochs=12, lr=3e-3), options(root, tmp_path / "r", resize=160))
    numbers = {row.generator: row.numbers["auroc"].value for _, row in result.rows}
    assert numbers["soft"] > 0.9
    assert result.record.facts["model"] == "test_resnet"
    assert [row.generator for mark, row in result.rows if mark == "seen"] == ["soft"]
    detector = create_detector("timm", model="test_resnet", checkpoint=str(file))
    scores = detector(torch.rand(4, 3, 160, 160), torch.arange(4))
    assert ((scores > 0) & (scores < 1)).all()
    assert not detector.network.training


@pytest.mark.heavy
def test_training_changes_every_parameter_and_the_batch_statistics(root, tmp_path):
    torch.manual_seed(0)
    start = timm.create_model("test_resnet", num_classes=1).state_dict()
    state = train(root, tmp_path / "r", tmp_path / "a.safetensors", epochs=1)
    assert start.keys() == state.keys()
    assert not [name for name in start if torch.equal(start[name], state[name])]


@pytest.mark.heavy
def test_npr_can_be_trained(root, small_views, tmp_path):
    file = tmp_path / "npr.safetensors"
    result = fit_detector(fit_options(file, "npr", epochs=1), options(root, tmp_path / "r"))
    assert result.record.facts["detector"] == "npr"
    assert result.record.facts["lr"] == 2e-4
    assert "fc1.weight" in load_file(file)


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "side", "more"), [("spec", 64, {"init": "random"}), ("patchfor", 48, {})])
def test_a_small_spec_and_patchfor_learn_to_take_generated_images_for_generated(
    name, side, more, root, tmp_path, monkeypatch
):
    cls = find_detector(name)
    monkeypatch.setattr(cls, "architecture", ARCHITECTURES[name])
    monkeypatch.setattr(cls, "view", replace(cls.view, size=side))
    monkeypatch.setitem(RECIPES, "spec", replace(RECIPES["spec"], model="test_resnet"))
    # With torch's own first weights: from the published ones, 50 times as small, it takes more steps than a test has.
    monkeypatch.setitem(
        RANDOM_STARTS, "patchfor", lambda seed: dict(PatchXception(1, **ARCHITECTURES["patchfor"]).state_dict())
    )
    file = tmp_path / "tuned.safetensors"
    result = fit_detector(fit_options(file, name, epochs=12, lr=1e-2, **more), options(root, tmp_path / "r"))
    aurocs = {row.generator: row.numbers["auroc"].value for _, row in result.rows}
    assert aurocs["soft"] > 0.8
    assert aurocs["softer"] > 0.8
    assert result.record.facts["detector"] == name
    assert create_detector(name, checkpoint=str(file)).trained_on == ("soft",)


def test_the_record_names_the_training_images(root, tmp_path):
    train(root, tmp_path / "r", tmp_path / "a.safetensors", epochs=1)
    record, settings = read_record(tmp_path / "a.safetensors"), options(root, tmp_path / "r", resize=170)
    data = training_set(fit(tmp_path / "a.safetensors"), settings)
    assert record.keys.tolist() == data.record({}).keys.tolist()
    assert len(record.keys) == len(data.items)
    assert record.facts["recipe"] == {"augment": "none", "epochs": 1, "init": "random", "seed": 0}
    assert record.facts["protocol"] == {"resize": 170, "crop_seed": 0}


def test_augmentation_depends_on_seed_epoch_and_image_alone(photograph):
    image = photograph(1)

    def draw(key, recipe="blur-jpeg", seed=0, epoch=0):
        return Augmented(CLEAN_IMAGES, recipe, seed, epoch).apply(image, key, 0).tobytes()

    keys = range(200)
    assert [draw(key) for key in keys] == [draw(key) for key in keys]
    for change in ({"seed": 1}, {"epoch": 1}):
        assert sum(draw(key) != draw(key, **change) for key in keys) > 100


def test_half_of_the_images_are_flipped_blurred_and_compressed(photograph):
    from PIL import ImageOps

    image = photograph(1)
    plain, mirrored = image.tobytes(), ImageOps.mirror(image).tobytes()
    only_flips = [Augmented(CLEAN_IMAGES, "none", 0, 0).apply(image, key, 0).tobytes() for key in range(400)]
    assert set(only_flips) == {plain, mirrored}
    assert 160 < only_flips.count(mirrored) < 240
    degraded = [Augmented(CLEAN_IMAGES, "blur-jpeg", 0, 0).apply(image, key, 0).tobytes() for key in range(400)]
    untouched = sum(one in (plain, mirrored) for one in degraded)
    assert 65 < untouched < 135  # a quarter is neither blurred nor compressed


def test_every_epoch_has_an_order_of_its_own_and_full_batches():
    first, second = (batches_of(list(range(50)), 8, 0, epoch) for epoch in (0, 1))
    assert [len(batch) for batch in first] == [8] * 6
    assert first != second
    assert batches_of(list(range(5)), 8, 0, 0) != batches_of(list(range(5)), 8, 1, 0)
    assert [len(batch) for batch in batches_of(list(range(5)), 8, 0, 0)] == [5]


@pytest.mark.parametrize(
    ("view", "trained"),
    [
        (View(160, "centre-crop"), View(160, "random-crop")),
        (View(fit="native"), View(224, "random-crop")),
        (View(256, "resize"), View(256, "resize")),
        (View(224, "random-crop", "tile"), View(224, "random-crop", "tile")),
    ],
)
def test_training_crops_at_random_where_the_test_crops_the_centre_or_nothing(view, trained):
    assert training_view(view) == trained


class Bright(Detector):
    """Its logit is the mean pixel times a weight that can be trained."""

    name, paper = "bright", "arXiv 0"

    def __init__(self) -> None:
        super().__init__()
        self.network = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(self.network.weight, 2.0)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images.mean(dim=(1, 2, 3)).unsqueeze(1)).squeeze(1)

    training_logits = logits

    def forward(self, images: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.logits(images).double())

    @property
    def passes(self) -> int:
        return 1


def test_both_classes_weigh_the_same_in_the_loss():
    detector, picture = Bright(), Picture("clean", View(4, "resize"))
    module = Classifier(detector, detector.network, picture, counts=(30, 10), lr=0.1, seed=0)
    module.log = lambda *_, **__: None
    values, labels = torch.tensor([0.1, 0.4, 0.5, 0.9]), torch.tensor([0, 0, 0, 1])
    pixels = values.view(4, 1, 1, 1).expand(4, 3, 4, 4)
    batch = Batch({picture: pixels}, labels, labels, labels, [], ["a", "b", "c", "d"], [], [], [], [])
    loss = module.training_step(batch, 0)
    real, generated = -torch.log(torch.sigmoid(-2 * values[:3])), -torch.log(torch.sigmoid(2 * values[3:]))
    by_hand = (40 / 60 * real.sum() + 40 / 20 * generated.sum()) / 4
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert module.network.training


@pytest.mark.heavy
def test_the_loss_of_every_epoch_goes_to_wandb(root, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    wandb.teardown()  # it reads the environment once
    train(root, tmp_path / "r", tmp_path / "a.safetensors", wandb_project="fits")
    wandb.teardown()
    run = read_run(tmp_path / "r")
    losses = [row["loss"] for row in run.history if "loss" in row]
    assert len(losses) == 3
    assert all(0 < loss < 2 for loss in losses)
    assert run.exit_code == 0


def test_training_starts_from_a_file_with_a_new_head(tmp_path):
    torch.manual_seed(1)
    published = timm.create_model("test_resnet", num_classes=1000).state_dict()
    save_file(published, tmp_path / "published.safetensors")
    start = starting_state(fit(tmp_path / "a.safetensors", init=str(tmp_path / "published.safetensors")))
    assert start["fc.weight"].shape == (1, 96)
    assert all(torch.equal(start[name], published[name]) for name in published if not name.startswith("fc."))
    other = starting_state(fit(tmp_path / "a.safetensors", init=str(tmp_path / "published.safetensors"), seed=1))
    assert not torch.equal(start["fc.weight"], other["fc.weight"])


def test_a_file_of_another_model_is_refused(tmp_path):
    save_file(timm.create_model("test_efficientnet").state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="does not fit ResNet"):
        starting_state(fit(tmp_path / "a.safetensors", init=str(tmp_path / "other.safetensors")))


def test_pretrained_weights_that_are_not_here_are_refused_with_the_ways_out(tmp_path, hub_cache):
    with pytest.raises(WeightsNotFoundError, match=r"of test_resnet are not cached.*--init FILE.*--init random"):
        starting_state(fit(tmp_path / "a.safetensors", init="pretrained"))


def test_a_model_that_timm_lacks_and_a_start_that_npr_lacks_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="Unknown timm model 'resnet5000'"):
        starting_state(fit_options(tmp_path / "a.safetensors", "timm:resnet5000"))
    with pytest.raises(BenchError, match=r"npr starts from random weights, as published; got --init some\.pth"):
        starting_state(fit_options(tmp_path / "a.safetensors", "npr", init="some.pth"))


def test_npr_starts_with_the_published_number_of_parameters(tmp_path):
    state = starting_state(fit_options(tmp_path / "a.safetensors", "npr"))
    counted = sum(t.numel() for name, t in state.items() if "running" not in name and "tracked" not in name)
    assert (len(state), counted) == (146, 1_437_761)


def test_weights_that_are_not_finite_are_not_saved(root, tmp_path):
    with pytest.raises(BenchError, match=r"weights that are not finite \(.*\): take a smaller --lr"):
        train(root, tmp_path / "r", tmp_path / "a.safetensors", lr=1e30, epochs=1)
    assert not (tmp_path / "a.safetensors").exists()
