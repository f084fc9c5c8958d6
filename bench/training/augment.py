"""What training does to an image beside the data set's own protocol: drawn from seed, epoch and image alone.

So an interrupted training goes on exactly where it stopped, whatever the number of workers.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from datamodules.conditions import Condition
from datamodules.degradation_steps import Blur, Compression, kernel_of

LIKELY = 0.5
MOST_BLUR = 3.0
LEAST_QUALITY, MOST_QUALITY = 30, 100


@dataclass(frozen=True)
class Augmented:
    """A condition, and after it what training draws: a flip and, with ``blur-jpeg``, blur and compression.

    Args:
        condition: What is done in the test, too.
        recipe: ``none``, or ``blur-jpeg``: a Gaussian blur of sigma up to 3 px and a JPEG of quality 30 to 100, each
            with probability 0.5.
        seed: Of the training.
        epoch: Number of the pass over the images.

    References:
        Wang et al., arXiv 1912.11035; PeterWang512/CNNDetection@0d78cc1, README, "Blur+JPEG(0.5)", and @1f9a326,
        data/datasets.py: resize, blur, JPEG, random crop, flip. There half of the JPEGs are written by OpenCV, here
        all by Pillow, and the blur's borders are reflected otherwise.
    """

    condition: Condition
    recipe: str
    seed: int
    epoch: int

    @property
    def name(self) -> str:
        """What results are filed under."""
        return self.condition.name

    @property
    def where(self) -> str:
        """Where the condition belongs."""
        return self.condition.where

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Treats and augments an RGB picture."""
        image = self.condition.apply(image, key, label)
        draw = np.random.default_rng([self.seed, self.epoch, key])
        flip, blur, compress = draw.random(3) < LIKELY
        sigma, quality = draw.uniform(0, MOST_BLUR), int(draw.integers(LEAST_QUALITY, MOST_QUALITY + 1))
        if self.recipe == "blur-jpeg":
            image = Blur(sigma, kernel_of(sigma)).apply(image, key, 0) if blur else image
            image = Compression("JPEG", quality).apply(image, key, 0) if compress else image
        return ImageOps.mirror(image) if flip else image
