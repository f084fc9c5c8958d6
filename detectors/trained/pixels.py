"""What trained detectors do to pixels before their networks see them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode  # type: ignore[import-untyped]
from torchvision.transforms.v2 import functional as transforms

from detectors.backbones.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD


def imagenet_normalised(images: Tensor) -> Tensor:
    """Normalises images as networks trained on ImageNet want them.

    Args:
        images: ``(..., 3, H, W)`` in [0, 1].

    Examples:
        >>> imagenet_normalised(torch.tensor([0.485, 0.456, 0.635]).reshape(3, 1, 1)).flatten().round(decimals=4)
        tensor([0.0000, 0.0000, 1.0178])
    """
    return _normalised(images, IMAGENET_MEAN, IMAGENET_STD)


def clip_normalised(images: Tensor) -> Tensor:
    """Normalises images as CLIP wants them.

    Args:
        images: ``(..., 3, H, W)`` in [0, 1].
    """
    return _normalised(images, CLIP_MEAN, CLIP_STD)


def _normalised(images: Tensor, *moments: Sequence[float]) -> Tensor:
    mean, std = (torch.tensor(values, device=images.device).reshape(3, 1, 1) for values in moments)
    return (images - mean) / std


def to_square(images: Tensor, side: int, interpolation: InterpolationMode = InterpolationMode.BILINEAR) -> Tensor:
    """Scales images to the size that a network takes, unless the view has done so.

    Args:
        images: ``(B, 3, H, W)`` in [0, 1].
        side: Height and width to have.
        interpolation: Antialiased.

    Returns:
        ``(B, 3, side, side)`` in [0, 1], the aspect not kept; bicubic, it may go a little beyond.
    """
    if images.shape[2:] == (side, side):
        return images
    scaled: Tensor = transforms.resize(images, [side, side], interpolation, antialias=True)
    return scaled
