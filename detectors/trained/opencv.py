"""Scales images as OpenCV does, to the last bit, for detectors whose published code takes it; OpenCV is not needed."""

import torch
from torch import Tensor

ONE = 2048
"""OpenCV's weights are whole multiples of 1/2048."""


def resize_linear(images: Tensor, height: int, width: int) -> Tensor:
    """Scales images of 8 bits bilinearly, without antialiasing and without keeping the aspect: ``cv2.resize``.

    Two pixels of a row are mixed to 1/128 of a grey level, cut off, then each of two rows weighted to a quarter, cut
    off, too; the sum is rounded.

    Args:
        images: ``(..., H, W)`` in [0, 1], in steps of 1/255.
        height: Of the result, in pixels.
        width: Of the result, in pixels.

    Returns:
        ``(..., height, width)`` in [0, 1], in steps of 1/255.

    References:
        opencv/opencv, ``modules/imgproc/src/resize.cpp``; equal to OpenCV 4.14 and 5.0 on all sizes tried.
    """
    levels = (images * 255).round().long()
    last_row, last_column = levels.shape[-2] - 1, levels.shape[-1] - 1
    left, share = _places(last_column + 1, width, images.device)
    share = share.masked_fill((left < 0) | (left >= last_column), 0)  # beyond the border all weight is on it; below not
    left, right = left.clamp(0, last_column), (left + 1).clamp(0, last_column)
    mixed = (levels[..., left] * (ONE - share) + levels[..., right] * share) >> 4
    top, share = _places(last_row + 1, height, images.device)
    top, bottom, share = top.clamp(0, last_row), (top + 1).clamp(0, last_row), share[:, None]
    quarters = (mixed[..., top, :] * (ONE - share) >> 16) + (mixed[..., bottom, :] * share >> 16)
    return ((quarters + 2) >> 2) / 255


def _places(size: int, wanted: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns for each new pixel the old one before it, from -1 on, and the weight of the next one in 1/2048."""
    places = ((torch.arange(wanted, dtype=torch.float64) + 0.5) * (size / wanted) - 0.5).float()
    before = places.floor()
    return before.long().to(device), ((places - before) * ONE).round().long().to(device)
