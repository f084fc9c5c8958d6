"""A plugin of two detectors that cost nothing, for tests of runs that are stopped: what takes time there is a sleep.

Such a run writes a part every half second instead of every two. What it writes can wait for its name, so that a test
meets it there.
"""

import os
import time
from typing import Any

import torch
from torch import Tensor

from bench.scoring import loop
from detectors import Detector, View, register

SECONDS = "LIGHT_SECONDS_AN_IMAGE"
"""Variable that says how long an image takes; nothing without it."""
if float(os.environ.get(SECONDS, "0")):
    loop.SECONDS_BETWEEN_PARTS = 0.5
FILE_SECONDS = float(os.environ.get("LIGHT_SECONDS_A_FILE", "0"))
"""How long a file waits between being written and getting its name."""
if FILE_SECONDS:
    rename = os.replace

    def rename_slowly(*arguments: Any, **options: Any) -> None:
        time.sleep(FILE_SECONDS)
        rename(*arguments, **options)

    os.replace = rename_slowly


class _Light(Detector):
    paper = "none"
    view = View(32, "resize")
    passes = 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed


@register
class LightMean(_Light):
    """The mean of all pixels, slowly."""

    name = "light-mean"

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        time.sleep(float(os.environ.get(SECONDS, "0")) * len(images))
        return images.mean(dim=(1, 2, 3), dtype=torch.float64)


@register
class LightSpread(_Light):
    """The standard deviation of all pixels."""

    name = "light-spread"

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return images.double().flatten(1).std(dim=1)
