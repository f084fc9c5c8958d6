"""The batches of one epoch after another, each a function of the seed and the epoch's number."""

import lightning as L
import numpy as np
from torch.utils.data import DataLoader

from bench.training.augment import Augmented
from bench.training.training_set import TrainingSet
from datamodules import Sample
from datamodules.conditions import Picture
from detectors import View

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


class Epochs(L.LightningDataModule):
    """Hands a training set to Lightning, augmented anew in every epoch.

    Args:
        data: What to train on.
        view: The picture to cut.
        recipe: Of the augmentation.
        seed: Of the order, the crops and the augmentation.
    """

    def __init__(self, data: TrainingSet, view: View, recipe: str, seed: int) -> None:
        super().__init__()
        self.data, self.view, self.recipe, self.seed = data, view, recipe, seed

    @property
    def picture(self) -> Picture:
        """What the network is shown."""
        return Picture(self.data.condition.name, self.view)

    def train_dataloader(self) -> DataLoader[Sample]:
        """Reads the batches of the trainer's current epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        source = self.data.datamodule
        source.views = (self.view,)
        source.conditions = (Augmented(self.data.condition, self.recipe, self.seed, epoch),)
        source.crop_seed = 1 + self.seed * SEEDS_APART + epoch
        source.batches = batches_of(self.data.split.indices, source.batch_size, self.seed, epoch)
        return source.test_dataloader()
