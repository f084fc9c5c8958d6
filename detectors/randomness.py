"""Random draws that depend on nothing but what they are for.

Torch's global generator is never used: a score must not depend on the batch, on the order of the images or on what
ran before. Every draw names its purpose, its seed and, per image, its key; the draw happens on the CPU in float32,
so that it is the same on every device.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
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
    return fill_with_noise(torch.empty(shape), generator, family, match)


def fill_with_noise(noise: Tensor, generator: torch.Generator, family: Family, match: Match = "std") -> Tensor:
    """Draws as :func:`draw_noise` does, in place: a large tensor anew costs as much as its noise."""
    if family == "gaussian":
        return noise.normal_(generator=generator)
    if family == "uniform":
        half_width = 3**0.5 if match == "std" else 1.0
        return noise.uniform_(generator=generator).mul_(2).sub_(1).mul_(half_width)
    # A difference of two exponentials: the inverse cumulative distribution is infinite once in 2^24 draws.
    noise.exponential_(generator=generator)
    second = torch.empty_like(noise).exponential_(generator=generator)
    return noise.sub_(second).mul_(0.5**0.5 if match == "std" else 1.0)


def image_noise(images: Tensor, keys: Tensor, *parts: int | str, family: Family = "gaussian") -> Tensor:
    """Draws noise of standard deviation 1, image by image, several images at once.

    Torch draws on one core, and lets other threads go on meanwhile. As each image has a generator of its own, threads
    change no bit.

    Args:
        images: ``(B, 3, H, W)``; only the shape and the device matter.
        keys: ``(B,)`` integer keys of the images.
        *parts: What else the draw depends on, for instance the method's name, seed and draw number.
        family: Its distribution.

    Returns:
        ``(B, 3, H, W)`` float32 noise on the device of ``images``.
    """
    with torch.inference_mode(False):  # a tensor made in that mode cannot be filled by another thread
        noise = torch.empty(len(keys), *images.shape[1:])

    def draw(place: Tensor, key: int) -> None:
        fill_with_noise(place, seeded_generator(*parts, key), family)

    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        list(pool.map(draw, noise, keys.tolist()))
    return noise.to(images.device, non_blocking=True)
