import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms import functional as old

from detectors import Backbone, ConV, OptionError, UnknownNameError, View
from detectors.randomness import seeded_generator

NAMES = ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue")


def draws(generator: torch.Generator) -> tuple[list[int], list[float], float]:
    """The order, the four amounts and the blur, in the order of the facts."""
    order = torch.randperm(4, generator=generator).tolist()
    widths = (0.18, 0.24, 0.12, 0.03)
    amounts = [middle + width * (2 * torch.rand((), generator=generator).item() - 1)
               for middle, width in zip((1, 1, 1, 0), widths, strict=True)]  # fmt: skip
    return order, amounts, 0.7 + 0.3 * torch.rand((), generator=generator).item()


def plain_transform(crop: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """With torchvision's older functions, of a picture of 8 bits."""
    order, amounts, sigma = draws(generator)
    image = old.hflip(old.to_pil_image((crop * 255).round().byte()))
    for index in order:
        image = getattr(old, NAMES[index])(image, amounts[index])
    return old.to_tensor(old.gaussian_blur(image, [9, 9], [sigma, sigma]))


def plain_similarities(backbone: Backbone, image: torch.Tensor, key: int, side: int, crops: int) -> list[float]:
    if min(image.shape[1:]) < side:
        image = old.center_crop(image, [side, side])
    found = []
    for number in range(crops):
        generator = seeded_generator("conv", 0, number, key)
        top, left = (int(torch.randint(n - side + 1, (), generator=generator)) for n in image.shape[1:])
        crop = old.crop(image, top, left, side, side)
        first, second = (backbone.compute(one[None])[0].double() for one in (crop, plain_transform(crop, generator)))
        found.append((first @ second / (first.norm() * second.norm())).item())
    return found


@pytest.fixture
def pictures(photograph):
    """Squares of their own sizes, one of them smaller than a crop."""
    arrays = [np.asarray(photograph(seed, (side, side))) for seed, side in ((0, 80), (1, 56), (2, 40))]
    return [torch.from_numpy(array.copy()).permute(2, 0, 1) / 255 for array in arrays]


@pytest.mark.parametrize("reduction", ["mean", "max", "min", "median"])
def test_score_is_that_of_a_plain_twin(vit, pictures, reduction):
    keys = torch.tensor([3, 4, 5])
    found = [plain_similarities(vit, image, key, 56, 4) for image, key in zip(pictures, keys.tolist(), strict=True)]
    expected = [1 - getattr(np, reduction)(similarities) for similarities in found]
    scores = ConV(vit, crops=4, crop=56, reduction=reduction)(pictures, keys)
    assert len(scores.unique()) == 3
    assert scores.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_score_by_hand():
    """Left half black, right half white: mirrored, the features (left, right) swap, and the cosine is near 0."""

    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.Sequential(nn.Identity())

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.stack([images[..., :8].mean(dim=(1, 2, 3)), images[..., 24:].mean(dim=(1, 2, 3))], dim=1)

    backbone = Backbone("halves", Halves(), ["blocks.0"], mean=(0, 0, 0), std=(1, 1, 1))
    image = torch.zeros(1, 3, 32, 32)
    image[..., 16:] = 1
    score = ConV(backbone, crop=32)(image, torch.tensor([0])).item()
    # The features are (0, 1), and mirrored (w, b), where contrast turns black into b, at most .24 of the mean.
    assert 0.85 < score <= 1
    grey = torch.full((1, 3, 32, 32), 0.5)  # only its brightness changes, and no angle
    assert ConV(backbone, crop=32)(grey, torch.tensor([0])).item() == pytest.approx(0, abs=1e-9)


def test_a_crop_depends_on_seed_key_and_number_alone(vit, pictures):
    keys = torch.tensor([3, 4, 5])
    whole = ConV(vit, crop=56)(pictures, keys)
    alone = torch.cat([ConV(vit, crop=56)([one], keys[i : i + 1]) for i, one in enumerate(pictures)])
    torch.testing.assert_close(alone, whole, rtol=1e-5, atol=0)
    assert not torch.allclose(ConV(vit, crop=56, seed=1)(pictures, keys), whole)
    assert not torch.allclose(ConV(vit, crop=56)(pictures, keys + 1), whole)
    # The first crops are the same however many there are.
    one, two = (ConV(vit, crop=56, crops=crops, reduction="min")(pictures, keys) for crops in (1, 2))
    assert (two >= one).all()


def test_passes_are_two_a_crop(vit, pictures):
    before = vit.counter.images
    detector = ConV(vit, crop=56)
    detector(pictures, torch.arange(3))
    assert vit.counter.images - before == 3 * detector.passes == 3 * 10
    assert ConV.view == View(256, "square", interpolation="bicubic")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crops": 0}, "crops must be at least 1, got 0"),
        ({"crop": 4}, "crop must be larger than 4 pixels, half of the blur's kernel, got 4"),
        ({"reduction": "sum"}, "Unknown reduction 'sum'"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, options, message):
    with pytest.raises((OptionError, UnknownNameError), match=message):
        ConV(vit, **options)
