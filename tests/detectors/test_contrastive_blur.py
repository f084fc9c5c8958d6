import math

import pytest
import torch
from torch import nn

from detectors import Backbone, ContrastiveBlur, OptionError, View, create_detector
from detectors.contrastive_blur import soft_and_sharp


def kernel(sigma: float) -> list[list[float]]:
    line = [math.exp(-(place**2) / (2 * sigma**2)) for place in (-1, 0, 1)]
    return [[a * b / sum(line) ** 2 for a in line] for b in line]


def plain_pair(image: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixel by pixel; beyond the border the picture is mirrored, the border's own pixels not repeated."""
    soft, weights = torch.zeros_like(image), kernel(sigma)
    height, width = image.shape[1:]
    for row in range(height):
        for column in range(width):
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    y, x = abs(row + down), abs(column + right)
                    y, x = min(y, 2 * (height - 1) - y), min(x, 2 * (width - 1) - x)
                    soft[:, row, column] += weights[down + 1][right + 1] * image[:, y, x]
    return soft, (2 * image - soft).clamp(0, 1)


def plain_score(backbone: Backbone, image: torch.Tensor, sigma: float) -> float:
    soft, sharp = (backbone.compute(one[None])[0].double() for one in plain_pair(image, sigma))
    return 1 - (soft @ sharp / (soft.norm() * sharp.norm())).item()


def test_score_by_hand():
    """One white pixel in the middle of black: soft has e/(1+2e) of it left and right, and sharp is it alone."""
    edge = math.exp(-1 / (2 * 0.55**2))
    share = 1 / (1 + 2 * edge) ** 2  # of the middle of the kernel
    image = torch.zeros(1, 3, 5, 5)
    image[..., 2, 2] = 1
    backbone = Backbone("pixels", nn.Sequential(nn.Flatten()), ["0"], mean=(0, 0, 0), std=(1, 1, 1))
    side, corner = share * edge, share * edge**2
    cosine = share / (share**2 + 4 * side**2 + 4 * corner**2) ** 0.5
    score = ContrastiveBlur(backbone)(image, torch.tensor([0]))
    assert score.item() == pytest.approx(1 - cosine, rel=1e-5)


@pytest.mark.heavy
def test_score_is_that_of_a_plain_twin(vit, photographs):
    scores = ContrastiveBlur(vit, sigma=0.8)(photographs, torch.arange(3))
    assert len(scores.unique()) == 3
    assert scores.tolist() == pytest.approx([plain_score(vit, image, 0.8) for image in photographs], rel=1e-4, abs=1e-6)


def test_pair_is_clipped_and_depends_on_sigma():
    image = torch.zeros(1, 3, 5, 5)
    image[..., 2, 2] = 1
    soft, sharp = soft_and_sharp(image, 0.55)
    assert (sharp.min().item(), sharp.max().item()) == (0, 1)
    assert soft[0, 0, 2, 2] > soft_and_sharp(image, 0.8)[0][0, 0, 2, 2]


def test_picture_is_the_short_side_scaled_bicubically():
    assert ContrastiveBlur.view == View(224, "short-side", interpolation="bicubic")


def test_passes_are_shared_with_minder(vit, photographs):
    """Three noisy copies, the image, and the blurred and the sharpened image once."""
    images, before = photographs.clone(), vit.counter.images
    for name in ("contrastive-blur", "minder"):
        create_detector(name, vit)(images, torch.arange(3))
    assert vit.counter.images - before == 3 * 6


@pytest.mark.parametrize("sigma", [0, -1.0, float("inf"), float("nan")])
def test_impossible_sigma_says_what_is_wrong(vit, sigma):
    with pytest.raises(OptionError, match="sigma must be a number greater than 0, got"):
        ContrastiveBlur(vit, sigma=sigma)
