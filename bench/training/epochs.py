"""The batches of one epoch after another, and what is drawn for each image beside the data set's own protocol.

Everything is a function of seed, epoch and image alone, so an interrupted training goes on exactly where it stopped,
whatever the number of workers.
"""

from dataclasses import dataclass

import lightning as L
import numpy as np
from PIL import Image, ImageOps
from torch.utils.data import DataLoader

from bench.training.training_set import TrainingSet
from datamodules import Sample
from datamodules.conditions import Condition
from datamodules.degradations import Blur, Compression, kernel_of
from detectors import View

LIKELY = 0.5
MOST_BLUR = 3.0
LEAST_QUALITY, MOST_QUALITY = 30, 100
NATIVE_CROP = 224
"""Images of their own sizes make no batch; training crops them to this."""
SEEDS_APART = 1_000_003
"""More epochs than anyone takes: so far apart are the numbers that two seeds draw from."""


def training_view(view: View) -> View:
    """Returns the picture that training takes: where a method crops the centre or nothing, a random crop."""
    if view.fit == "native":
        return View(NATIVE_CROP, "random-crop", view.pad)
    return View(view.size, "random-crop", view.pad) if view.fit == "centre-crop" else view


def batches_of(indices: list[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """Shuffles the images; what does not fill a batch waits for another epoch, unless it is all there is.

    Examples:
        >>> sorted(len(batch) for batch in batches_of(list(range(10)), 4, seed=0, epoch=0))
        [4, 4]
    """
    order = np.random.default_rng([seed, epoch]).permutation(indices).tolist()
    whole = len(order) - len(order) % size or len(order)
    return [order[start : start + size] for start in range(0, whole, size)]


@dataclass(frozen=True)
class Augmented:
    """A condition, and after it what training draws: a flip and, with ``blur-jpeg``, blur and compression.

    Args:
        condition: What is done in the test, too.
        recipe: ``none``, or ``blur-jpeg``: a Gaussian blur of sigma up to 3 px and a JPEG of quality 30 to 100, each
            with probability 0.5.
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


class Epochs(L.LightningDataModule):
    """Hands a training set to Lightning; ``seed`` and epoch draw the order, the crops and the augmentation."""

    def __init__(self, data: TrainingSet, view: View, recipe: str, seed: int) -> None:
        super().__init__()
        self.data, self.view, self.recipe, self.seed = data, view, recipe, seed

    def train_dataloader(self) -> DataLoader[Sample]:
        """Reads the batches of the trainer's current epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        source = self.data.datamodule
        source.views = (self.view,)
        source.conditions = (Augmented(self.data.condition, self.recipe, self.seed, epoch),)
        source.crop_seed = 1 + self.seed * SEEDS_APART + epoch
        source.batches = batches_of(self.data.split.indices, source.batch_size, self.seed, epoch)
        return source.test_dataloader()
