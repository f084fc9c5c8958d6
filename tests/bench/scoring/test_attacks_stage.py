"""Pictures that were attacked: within the budget, alone, and named by their bytes."""

import hashlib

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.scoring.attacks.condition import Attack, parse_attack
from bench.scoring.attacks.stage import AttackedPictures, gradient_of, key_of_step
from datamodules import Batch
from datamodules.conditions import WHOLE, Picture
from datamodules.keys import image_key
from datamodules.tensor_pictures import TensorPicture
from datamodules.views import fitted
from detectors import Detector, View, create_detector

pytestmark = pytest.mark.usefixtures("small_views")
ATTACK = parse_attack("attack:pgd:3/255,steps=3")
STEP = 1e-6
"""Of a difference of two scores: within it a network of ReLUs is all but linear."""


class Slope(Detector):
    """A weighted sum of pixels, whose gradient is known."""

    name, paper, view = "slope", "none", View(8, "centre-crop")

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.weights = torch.linspace(-1, 1, 3 * 64).view(3, 8, 8)

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return (images * self.weights).sum(dim=(1, 2, 3)).sigmoid()

    def objective(self, images: Tensor, keys: Tensor) -> Tensor:
        return (images * self.weights).sum(dim=(1, 2, 3))


def batch_of(photograph, labels: list[int], sizes: list[tuple[int, int]], attack: Attack = ATTACK) -> Batch:
    pictures = [np.asarray(photograph(seed, size)) for seed, size in enumerate(sizes)]
    whole = [torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255 for picture in pictures]
    names = [str(number) for number in range(len(labels))]
    return Batch(
        views={Picture(attack.name, WHOLE): whole},
        label=torch.tensor(labels),
        key=torch.arange(len(labels)) + 100,
        index=torch.arange(len(labels)),
        generator=names,
        path=names,
        sha256=names,
        group=names,
        share=[None] * len(labels),
        unreadable=[],
    )


def levels(pixels: Tensor) -> Tensor:
    return (pixels * 255).round()


class NoSteps(AttackedPictures):
    """Leaves the pictures as they are; their keys are from their bytes, too."""

    def lowered(self, levels: Tensor, key: int) -> Tensor:
        return levels


DETECTORS = {
    "rigid": {},
    "wepe": {},
    "gradient-cuff": {"directions": 2},
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", DETECTORS)
def test_an_attack_lowers_the_score_and_never_leaves_the_budget(photograph, cnn, name):
    detector = create_detector(name, cnn, **DETECTORS[name])
    batch = batch_of(photograph, [1, 1, 0], [(80, 64), (64, 90), (80, 64)])
    made = AttackedPictures(ATTACK, detector, 0)
    whole, _ = made.shown(batch, View(fit="native"), 0)
    moved = [
        (levels(after) - levels(before)).abs().max().item()
        for after, before in zip(whole, batch.views[Picture(ATTACK.name, WHOLE)], strict=True)
    ]
    assert moved == [3, 3, 0]
    shown, keys = made.shown(batch, detector.view, 0)
    before, _ = NoSteps(ATTACK, detector, 0).shown(batch, detector.view, 0)
    change = detector(shown, keys) - detector(before, keys)
    assert (change[:2] < 0).all()
    assert change[2] == 0


def test_the_key_of_an_attacked_picture_is_that_of_its_bytes(photograph):
    batch = batch_of(photograph, [1, 0], [(20, 16), (20, 16)])
    whole, keys = AttackedPictures(ATTACK, Slope(), 0).shown(batch, View(fit="native"), 0)
    data = levels(whole[0]).byte().permute(1, 2, 0).numpy().tobytes()
    assert keys.tolist() == [image_key(hashlib.sha256(data).hexdigest()), 101]


def test_a_picture_is_attacked_by_itself(photograph, cnn):
    detector = create_detector("rigid", cnn)
    together = batch_of(photograph, [1, 1], [(80, 64), (80, 64)])
    both, keys = AttackedPictures(ATTACK, detector, 0).shown(together, detector.view, 0)
    for row in range(2):
        alone, key = AttackedPictures(ATTACK, detector, 0).shown(together.part(row, row + 1), detector.view, 0)
        assert torch.equal(alone[0], both[row])
        assert key[0] == keys[row]


def test_the_gradient_is_that_of_the_picture_before_the_view_is_cut():
    slope = Slope()
    gradient = gradient_of(slope, torch.rand(3, 12, 10, generator=torch.Generator().manual_seed(0)), key=5)
    expected = torch.zeros(3, 12, 10)
    expected[:, 2:10, 1:9] = slope.weights
    assert torch.equal(gradient, expected)


@pytest.mark.heavy
def test_the_gradient_of_a_scaled_view_is_that_of_small_changes(photograph):
    detector = create_detector("rigid").double()  # a backbone of its own; in float32 no step is small and exact enough
    pixels = torch.from_numpy(np.array(photograph(4, (90, 70)))).permute(2, 0, 1).double() / 255
    direction = STEP * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def score(moved: Tensor) -> float:
        return detector(fitted(TensorPicture(moved), detector.view, 9).pixels[None], torch.tensor([9])).item()

    change = (score(pixels + direction) - score(pixels - direction)) / 2
    assert (gradient_of(detector, pixels, key=9) * direction).sum().item() == pytest.approx(change, rel=1e-3)


def test_targets_of_one_view_share_the_pictures_and_the_pass(photograph, cnn):
    source = create_detector("wepe", cnn)
    made = AttackedPictures(ATTACK, source, 0)
    batch = batch_of(photograph, [1, 0], [(80, 64), (80, 64)])
    first, second = (made.shown(batch, view, 0)[0] for view in (source.view, create_detector("rigid", cnn).view))
    assert first is second
    assert made.shown(batch.part(0, 1), source.view, 0)[0] is not first


def test_every_step_draws_anew():
    assert len({key_of_step(key, step) for key in (1, 2) for step in range(10)}) == 20
    assert all(0 <= key_of_step(2**63 - 1, step) < 2**63 for step in range(50))
