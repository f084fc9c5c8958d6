"""All that the scripts take from the suite: what fixes their random draws, so that the scores can be compared.

``BORROWED`` is the time that importing it took. A script of one's own would not pay it, so the benchmark subtracts it
from the time of the whole script; what such a script does import comes first, and is not counted.
"""

import time

import numpy as np  # noqa: F401 - imported before the clock starts
import timm  # noqa: F401 - likewise
import torch
from PIL import Image
from scipy import ndimage  # noqa: F401 - likewise

_STARTED = time.perf_counter()
from datamodules.degradations import Noise  # noqa: E402
from datamodules.keys import image_key, sha256_of  # noqa: E402
from datamodules.views import cut_view  # noqa: E402
from detectors.base import View  # noqa: E402
from detectors.randomness import image_noise, seeded_generator  # noqa: E402

BORROWED = time.perf_counter() - _STARTED


def key_of(data: bytes) -> int:
    """Returns the number that the draws for an image depend on."""
    return image_key(sha256_of(data))


def picture_of(image: Image.Image, key: int, view: str) -> torch.Tensor:
    """Makes ``(3, 224, 224)`` uint8: a crop at a place that depends on the key (``common``), or all of it scaled."""
    return cut_view(image, View(224, "random-crop" if view == "common" else "resize"), key)


def noisy_picture(image: Image.Image, std: float, key: int) -> Image.Image:
    """Adds noise that depends on the key to an RGB picture, and rounds it to 8 bits."""
    return Noise(std, "pixel").apply(image, key, 0)


__all__ = ["BORROWED", "image_noise", "key_of", "noisy_picture", "picture_of", "seeded_generator"]
