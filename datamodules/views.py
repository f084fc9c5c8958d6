"""Cuts the picture that a detector wants out of an image."""

import hashlib
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from datamodules.reading import UnreadableImageError, may_become
from datamodules.tensor_pictures import TensorPicture
from datamodules.view_spec import ViewSpec

Picture = TypeVar("Picture", Image.Image, TensorPicture)

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def cut_view(image: Image.Image, view: ViewSpec, key: int, crop_seed: int = 0) -> Tensor:
    """Cuts one view.

    Args:
        image: An RGB picture.
        view: The size and the way to reach it.
        key: The image's key: a random crop depends on it and on ``crop_seed``, on nothing else.
        crop_seed: Seed of random crops.

    Returns:
        ``(3, H, W)`` uint8.

    Raises:
        UnreadableImageError: A strip would have to be padded or scaled to more pixels than any image that is read.
    """
    return torch.from_numpy(np.array(fitted(image, view, key, crop_seed))).permute(2, 0, 1).contiguous()


def fitted(image: Picture, view: ViewSpec, key: int, crop_seed: int = 0) -> Picture:
    """Cuts one view of a picture of either kind, as `cut_view` does."""
    if view.fit == "resize":
        image = _scaled(image, view.size, view.size, view)
    elif view.fit == "short-side":
        short = view.scaled or view.size
        width, height = (int(short * side / min(image.size)) for side in image.size)  # as torchvision's Resize
        if not may_become(width, height, image):
            size = f"{image.width} x {image.height}"
            raise UnreadableImageError(f"{size} is too narrow to be scaled to a short side of {short}")
        image = _centre(_scaled(image, width, height, view), view.size)
    elif view.fit == "square":
        if image.width != image.height:
            side = min(image.size)
            left, top = ((length - side) // 2 for length in image.size)  # as junz-debug/ConV at 8405a0b
            image = _scaled(image.crop((left, top, left + side, top + side)), view.size, view.size, view)
    elif view.fit != "native":
        image = _crop(_padded(image, view), view, key, crop_seed)
    return image


def _scaled(image: Picture, width: int, height: int, view: ViewSpec) -> Picture:
    return image if (width, height) == image.size else image.resize((width, height), FILTERS[view.interpolation])


def _centre(image: Picture, side: int) -> Picture:
    left, top = (round((length - side) / 2) for length in image.size)  # as torchvision's CenterCrop, which papers use
    return image.crop((left, top, left + side, top + side))


def _crop(image: Picture, view: ViewSpec, key: int, crop_seed: int) -> Picture:
    if view.fit == "centre-crop":
        return _centre(image, view.size)
    free = zip((image.width - view.size, image.height - view.size), "xy", strict=True)
    left, top = (_uniform(room + 1, crop_seed, key, axis) for room, axis in free)
    return image.crop((left, top, left + view.size, top + view.size))


def _padded(image: Picture, view: ViewSpec) -> Picture:
    """Grows an image that is smaller than the view: zeros around its centre, or whole copies of itself.

    Copies are never cut here, as in ``translate_duplicate`` of chuangchuangtan/NPR-DeepfakeDetection at 73cde1c: a crop
    is taken of all of them.
    """
    width, height = (max(side, view.size) for side in image.size)
    if (width, height) == image.size:
        return image
    if not may_become(width, height, image):
        raise UnreadableImageError(f"{image.width} x {image.height} is too narrow to be padded to {view.size} pixels")
    if view.pad == "tile":
        across, down = -(-width // image.width), -(-height // image.height)
        if isinstance(image, TensorPicture):
            return image.tiled(across, down)
        return Image.fromarray(np.tile(np.asarray(image), (down, across, 1)))
    left, top = (width - image.width) // 2, (height - image.height) // 2
    return image.crop((-left, -top, width - left, height - top))  # black beyond the picture


def _uniform(count: int, *parts: int | str) -> int:
    """Draws from 0 .. count - 1 as a function of the parts (bias under 2^-40)."""
    digest = hashlib.blake2b("\x1f".join(map(str, ("crop", *parts))).encode(), digest_size=8).digest()
    return int.from_bytes(digest) * count >> 64
