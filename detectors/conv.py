"""ConV: a generated image's features differ more between two views that a photograph's features do not tell apart.

``score(x) = 1 - 1/K sum_k cos(f(c_k), f(t_k(c_k)))`` over random crops ``c_k`` of the image, each with a transform
``t_k`` that a vision model was trained to ignore: mirrored, its colours changed a little, blurred.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torchvision.transforms import functional as transforms  # type: ignore[import-untyped]

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.randomness import seeded_generator
from detectors.similarity import cosine_distance

Reduction = Literal["mean", "max", "min", "median"]
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.18, 0.24, 0.12, 0.03
"""How far each factor, or the hue's turn, may lie from doing nothing."""
KERNEL, LEAST_SIGMA, MOST_SIGMA = 9, 0.7, 1.0


class ConV(Detector):
    """Consistency of views.

    The published code takes crops of square images at their own size, and scales the largest centred square of others
    to 256 px. Its colours and its blur round to 8 bits, as here; with floats scores would be up to twice as high, in
    another order (rank correlation 0.93 on 40 images with EfficientNet-Lite0). It computes in half precision, which is
    not done here by default.

    Score:
        Cosine distance of a crop's features to those of its transform, in [0, 2], over the crops; higher means more
        likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        crops: Number of crops K, 5 as published; each costs two passes.
        crop: Side of a crop in pixels, 224 as published; smaller images are surrounded by black.
        reduction: How the crops' similarities become one: their ``mean`` as published, or ``max``, ``min`` or
            ``median``, which the published code offers.
        seed: Seed of crops and transforms, which also depend on the image's key.

    References:
        arXiv 2511.01293; the authors' code, junz-debug/ConV, ``srcs/ConV.py`` at 8405a0b and ``augmentation.py`` at
        f437d53. F-ConV, which trains a flow on real images, is another method.
    """

    name = "conv"
    paper = "arXiv 2511.01293"
    citations = (
        {
            "key": "zhang2025detecting",
            "author": "Zhang, Yonggang and Nie, Jun and Tian, Xinmei and Gong, Mingming and Zhang, Kun and Han, Bo",
            "title": "Detecting Generated Images by Fitting Natural Image Distributions",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2025",
            "eprint": "2511.01293",
        },
    )
    tuned_on = "not known here: on which images the strength of the transforms was chosen"
    view = View(256, "square", interpolation="bicubic")
    unscaled = True

    def __init__(
        self, backbone: Backbone, *, crops: int = 5, crop: int = 224, reduction: Reduction = "mean", seed: int = 0
    ) -> None:
        super().__init__()
        check_count("crops", crops)
        if crop <= KERNEL // 2:
            raise OptionError(f"crop must be larger than {KERNEL // 2} pixels, half of the blur's kernel, got {crop}.")
        if reduction not in get_args(Reduction):
            raise UnknownNameError("reduction", str(reduction), get_args(Reduction))
        self.backbone, self.seed = backbone, seed
        self.crops, self.crop, self.reduction = crops, crop, reduction

    def forward(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Scores images of any sizes.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)`` scores, float64.
        """
        distances = []
        for number in range(self.crops):
            pairs = [self._views(image, key, number) for image, key in zip(images, keys.tolist(), strict=True)]
            first, second = (torch.stack(views) for views in zip(*pairs, strict=True))
            distances.append(cosine_distance(self.backbone(first), self.backbone(second)))
        reduced: Tensor = _REDUCTIONS[self.reduction](torch.stack(distances))
        return reduced

    def _views(self, image: Tensor, key: int, number: int) -> tuple[Tensor, Tensor]:
        """Draws a crop ``(3, S, S)`` and its transform."""
        generator = seeded_generator("conv", self.seed, number, key)
        if min(image.shape[1:]) < self.crop:
            image = transforms.center_crop(image, [self.crop, self.crop])
        top, left = (_draw(side - self.crop + 1, generator) for side in image.shape[1:])
        crop = image[:, top : top + self.crop, left : left + self.crop]
        return crop, transformed(crop, generator)

    @property
    def passes(self) -> int:
        """Two for each crop; the image as a whole does not pass."""
        return 2 * self.crops


def transformed(crop: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrors a crop, changes its colours in a random order, and blurs it.

    Args:
        crop: ``(3, S, S)`` in [0, 1].
        generator: Draws the order, the strengths and the blur.

    Returns:
        ``(3, S, S)`` in [0, 1], in steps of 1/255, on the device of the crop.
    """
    order = torch.randperm(4, generator=generator).tolist()
    amounts = [
        1 + _within(BRIGHTNESS, generator),
        1 + _within(CONTRAST, generator),
        1 + _within(SATURATION, generator),
        _within(HUE, generator),
    ]
    sigma = LEAST_SIGMA + (MOST_SIGMA - LEAST_SIGMA) * torch.rand((), generator=generator).item()
    picture = transforms.to_pil_image((crop.flip(-1) * 255).round().to("cpu", torch.uint8))
    for index in order:
        picture = _ADJUSTMENTS[index](picture, amounts[index])
    blurred: Tensor = transforms.to_tensor(transforms.gaussian_blur(picture, [KERNEL, KERNEL], [sigma, sigma]))
    return blurred.to(crop.device, crop.dtype)


_ADJUSTMENTS = (
    transforms.adjust_brightness,
    transforms.adjust_contrast,
    transforms.adjust_saturation,
    transforms.adjust_hue,
)
# Of distances: the largest similarity is the smallest distance.
_REDUCTIONS = {
    "mean": lambda distances: distances.mean(dim=0),
    "max": lambda distances: distances.amin(dim=0),
    "min": lambda distances: distances.amax(dim=0),
    "median": lambda distances: distances.quantile(0.5, dim=0),
}


def _within(most: float, generator: torch.Generator) -> float:
    return most * (2 * torch.rand((), generator=generator).item() - 1)


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
