"""OpenCV's bilinear scaling of 8-bit images, to the bit, without OpenCV.

It is not antialiased, and works with weights of 11 bits, whose products are cut off. Checked against OpenCV 5.0.
"""

import torch
from torch import Tensor

ONE = 2048
"""The fixed-point number that stands for a weight of 1."""


def opencv_resized(image: Tensor, side: int) -> Tensor:
    """Scales an image to a square, the aspect not kept, as ``cv2.resize`` with ``INTER_LINEAR`` does.

    Args:
        image: ``(3, H, W)`` in [0, 1], of 8 bits.
        side: Height and width to have, in pixels.

    Returns:
        ``(3, side, side)`` in [0, 1], of 8 bits.

    Examples:
        >>> row = torch.tensor([[[0.0, 51.0, 204.0, 255.0]]]) / 255
        >>> (opencv_resized(row, 2) * 255).round().tolist()
        [[[25.0, 229.0], [25.0, 229.0]]]
    """
    height, width = image.shape[1:]
    left, right, left_weight, right_weight = _taps(width, side, image.device)
    above, below, upper_weight, lower_weight = (taps[:, None] for taps in _taps(height, side, image.device))
    levels = (image * 255).round()
    rows = levels[..., left].long() * left_weight + levels[..., right].long() * right_weight
    upper = (rows[:, above[:, 0]] >> 4) * upper_weight >> 16
    lower = (rows[:, below[:, 0]] >> 4) * lower_weight >> 16
    return (upper + lower + 2 >> 2).to(image.dtype) / 255


def _taps(length: int, side: int, device: torch.device) -> tuple[Tensor, ...]:
    """Gives the two pixels of an axis that each new one lies between, and their weights in fixed point, ``(side,)``."""
    centres = ((torch.arange(side, dtype=torch.float64) + 0.5) * (length / side) - 0.5).float()
    first = centres.floor()
    share = centres - first
    pixels = [(first.long() + step).clamp(0, length - 1) for step in (0, 1)]
    weights = [(part * ONE).round().long() for part in (1 - share, share)]
    return tuple(values.to(device) for values in (*pixels, *weights))
