"""Random draws that depend on nothing but what they are for.

Torch's global generator is never used: a score must not depend on the batch, on the order of the images or on what
ran before. Every draw names its purpose, its seed and, per image, its key; the draw happens on the CPU in float32,
so that it is the same on every device.
"""

import hashlib

import torch
from torch import Tensor


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


def image_noise(images: Tensor, keys: Tensor, *parts: int | str) -> Tensor:
    """Draws standard normal noise, image by image.

    Args:
        images: ``(B, 3, H, W)``; only the shape and the device matter.
        keys: ``(B,)`` integer keys of the images.
        *parts: What else the draw depends on, for instance the method's name, seed and draw number.

    Returns:
        ``(B, 3, H, W)`` float32 noise on the device of ``images``.
    """
    noise = [torch.randn(images.shape[1:], generator=seeded_generator(*parts, key)) for key in keys.tolist()]
    return torch.stack(noise).to(images.device, non_blocking=True)
