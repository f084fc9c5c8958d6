"""Random draws that depend on nothing but what they are for.

Torch's global generator is never used: a score must not depend on the batch, on the order of the images or on what
ran before. Every draw names its purpose, its seed and, per image, its key; the draw happens on the CPU in float32,
so that it is the same on every device.
"""

import hashlib
from typing import Literal

import torch
from torch import Tensor

Family = Literal["gaussian", "uniform", "laplace"]
Match = Literal["std", "scale"]


def seeded_generator(*parts: int | str) -> torch.Generator:
    """Makes a CPU generator from whatever the draw is for.

    Args:
        *parts: What the draw depends on, for instance ``("wepe", seed, tensor_name)``.

    Returns:
        A generator whose stream is a function of ``parts`` alone.

    Examples:
        >>> a = torch.rand(1, generator=seeded_generator("noise", 0, 7))
        >>> b = torch.rand(1, generator=seeded_generator("noise", 0, 7))
        >>> bool(a == b)
        True
    """
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest) >> 1)


def draw_noise(shape: torch.Size, generator: torch.Generator, family: Family, match: Match = "std") -> Tensor:
    """Draws noise of zero mean.

    Args:
        shape: Of the noise.
        generator: On the CPU.
        family: Its distribution.
        match: ``std`` gives all families a standard deviation of 1, ``scale`` draws from U(-1, 1) and Laplace(0, 1).

    Returns:
        float32 noise on the CPU.
    """
    if family == "gaussian":
        return torch.randn(shape, generator=generator)
    if family == "uniform":
        half_width = 3**0.5 if match == "std" else 1.0
        return (2 * torch.rand(shape, generator=generator) - 1) * half_width
    # A difference of two exponentials: the inverse cumulative distribution is infinite once in 2^24 draws.
    first, second = (torch.empty(shape).exponential_(generator=generator) for _ in range(2))
    return (first - second) * (0.5**0.5 if match == "std" else 1.0)


def image_noise(images: Tensor, keys: Tensor, *parts: int | str, family: Family = "gaussian") -> Tensor:
    """Draws noise of standard deviation 1, image by image.

    Args:
        images: ``(B, 3, H, W)``; only the shape and the device matter.
        keys: ``(B,)`` integer keys of the images.
        *parts: What else the draw depends on, for instance the method's name, seed and draw number.
        family: Its distribution.

    Returns:
        ``(B, 3, H, W)`` float32 noise on the device of ``images``.
    """
    drawn = [draw_noise(images.shape[1:], seeded_generator(*parts, key), family) for key in keys.tolist()]
    return torch.stack(drawn).to(images.device, non_blocking=True)
