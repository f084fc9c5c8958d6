"""Reads single images in worker processes, and says which of them make a batch."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from datamodules.batch import Sample, collate
from datamodules.conditions import WHOLE, HandedOnWhole, Picture
from datamodules.keys import image_key, sha256_of
from datamodules.readers import Readers
from datamodules.reading import UnreadableImageError, pillow_unlimited
from datamodules.views import cut_view

if TYPE_CHECKING:
    from datamodules.base import DetectionData

NO_SHA256 = ""
"""Stands for the sha256 of a file of which not one byte could be read."""


class BatchList(Sampler[list[int]]):
    """Batches that were planned, one after the other; an empty one is a batch, too.

    Args:
        batches: Positions of the images of each; as arrays they take an eighth of the memory of lists.
    """

    def __init__(self, batches: Sequence[Sequence[int] | NDArray[np.intp]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return (rows.tolist() if isinstance(rows, np.ndarray) else list(rows) for rows in self.batches)


class ImageDataset(Dataset[Sample]):
    """Reads, checks and cuts single images; each file is read and decoded once for all views."""

    def __init__(self, datamodule: "DetectionData", readers: Readers | None = None) -> None:
        self.readers = readers or Readers(0)
        self.views, self.crop_seed = datamodule.views, datamodule.crop_seed
        self.crops = datamodule.crops or (0,)
        self.conditions, self.wanted = datamodule.conditions, datamodule.wanted
        self.read_bytes, self.picture = datamodule.read_bytes, datamodule.picture
        self.preprocess, self.edited_share = datamodule.preprocess, datamodule.edited_share
        # Arrow columns: compact, and safe in forked workers, where polars is not.
        newest = pl.CompatLevel.newest()  # shares the memory of polars' strings
        names = ("path", "label", "generator", "group", "kind")
        self.columns = {name: datamodule.items[name].to_arrow(compat_level=newest) for name in names}

    def __len__(self) -> int:
        return len(self.columns["path"])

    def __getitem__(self, index: int) -> Sample:
        with self.readers.on(index), pillow_unlimited():
            return self._sample(index)

    def _sample(self, index: int) -> Sample:
        facts: dict[str, Any] = {name: column[index].as_py() for name, column in self.columns.items()}
        sha256 = NO_SHA256
        try:
            data = self.read_bytes(facts["path"])
            sha256 = sha256_of(data)
            views = self._pictures(index, self.picture(data, facts["path"]), image_key(sha256), facts)
            share = None if facts["kind"] is None else self.edited_share(facts["path"])
        except UnreadableImageError as error:
            return Sample(index, sha256=sha256, views=None, reason=str(error), **facts)
        except OSError as error:
            return Sample(index, sha256=sha256, views=None, reason=error.strerror or type(error).__name__, **facts)
        return Sample(index, sha256=sha256, views=views, share=share, **facts)

    def _pictures(self, index: int, image: Image.Image, key: int, facts: dict[str, Any]) -> dict[Picture, Tensor]:
        """Treats the decoded image once for each condition that is wanted of it, and cuts each view once."""
        label, generator = facts["label"], facts["generator"]
        pictures = {}
        for position, condition in enumerate(self.conditions):
            if self.wanted is not None and not self.wanted[index, position]:
                continue
            if condition.where == "original":
                treated = self.preprocess(condition.apply(image, key, label), label, generator)
            else:
                treated = condition.apply(self.preprocess(image, label, generator), key, label)
            for view in (WHOLE,) if isinstance(condition, HandedOnWhole) else self.views:
                for crop in self.crops if view.fit == "random-crop" else (0,):
                    pictures[Picture(condition.name, view, crop)] = cut_view(treated, view, key, self.crop_seed + crop)
        return pictures


def create_loader(
    data: "DetectionData", batches: Sequence[Sequence[int] | NDArray[np.intp]]
) -> tuple[DataLoader[Sample], Readers]:
    """Makes what reads batches of a dataset, and the processes that do, which know the images that they are on."""
    workers = min(data.num_workers, len(batches))
    readers = Readers(workers)
    loader = DataLoader(
        ImageDataset(data, readers),
        batch_sampler=BatchList(batches),
        num_workers=workers,
        collate_fn=collate,
        pin_memory=data.pin_memory,
    )
    return loader, readers
