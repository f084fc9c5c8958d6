"""The contract that every dataset keeps: which images there are, who faces whom, and how a batch is made of them."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
import polars as pl
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from datamodules.batch import Sample, collate, image_key, sha256_of
from datamodules.errors import DataOptionError, DatasetNotFoundError, UnknownDataNameError
from datamodules.reading import UnreadableImageError, decode_image
from datamodules.views import ViewSpec, cut_view, resize_short_side

REAL, GENERATED = 0, 1
NO_SHA256 = ""
"""Stands for the sha256 of a file of which not one byte could be read."""

ITEM_SCHEMA = {
    "path": pl.String,
    "label": pl.Int8,
    "generator": pl.String,
    "group": pl.String,
    "bytes": pl.Int64,
    "mtime_ns": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Item:
    """An image file before it is read.

    Args:
        path: Relative to the dataset's root, with forward slashes.
        label: 0 = real, 1 = generated.
        generator: Name of the generator, or of the source of a real image.
        group: What is not independent shares a group; by default the file itself.
        bytes: Size of the file.
        mtime_ns: When it was changed, in nanoseconds.
    """

    path: str
    label: int
    generator: str
    group: str
    bytes: int
    mtime_ns: int


class DetectionDataModule(L.LightningDataModule, ABC):
    """Images of one dataset, real and generated.

    A subclass states its ``name`` and lists its files; reading, preprocessing, sampling and batching live here.
    Both classes get the same treatment.

    Args:
        root: The dataset's folder.
        generators: The generators to take; all by default.
        limit: At most so many images of each generator and of each source of real images, chosen by a hash of the
            path, so that the choice is the same on every machine.
        resize: Length in pixels that the short side is scaled to before a view is cut; None keeps the native scale.
        crop_seed: Seed of random crops; fixed, so that seeds of a method see the same pixels.
        batch_size: Images in a batch.
        num_workers: Processes that decode; by default one a core.
    """

    name = ""
    citation: ClassVar[str] = ""
    licence: ClassVar[str] = ""

    def __init__(
        self,
        root: str | Path,
        *,
        generators: Sequence[str] | None = None,
        limit: int | None = None,
        resize: int | None = 256,
        crop_seed: int = 0,
        batch_size: int = 32,
        num_workers: int | None = None,
    ) -> None:
        super().__init__()
        for option, value, least in (("limit", limit, 1), ("resize", resize, 1), ("batch-size", batch_size, 1)):
            if value is not None and value < least:
                raise DataOptionError(f"--{option} must be at least {least}, got {value}.")
        if num_workers is not None and num_workers < 0:
            raise DataOptionError(f"--num-workers must be at least 0, got {num_workers}.")
        self.root = Path(root)
        self.generators, self.limit = generators, limit
        self.resize, self.crop_seed = resize, crop_seed
        self.batch_size = batch_size
        self.num_workers = os.cpu_count() or 1 if num_workers is None else num_workers
        self.views: tuple[ViewSpec, ...] = ()
        self.batches: list[list[int]] | None = None
        self.items = pl.DataFrame(schema=ITEM_SCHEMA)
        self.ignored: Counter[str] = Counter()

    @abstractmethod
    def list_items(self) -> Iterator[Item]:
        """Yields every image file of the dataset, in a fixed order.

        Raises:
            DatasetNotFoundError: The root is missing or is laid out otherwise.
        """

    @property
    def title(self) -> str:
        """What the store and the tables call this dataset."""
        return self.name

    @property
    def contrasts(self) -> dict[str, tuple[str, ...]]:
        """Which sources of real images face each generator: here all of them."""
        return {generator: self.sources(REAL) for generator in self.sources(GENERATED)}

    @property
    def protocol(self) -> dict[str, Any]:
        """Everything that is done to an image before a view is cut, as part of the scores' fingerprint."""
        return {"resize": self.resize, "crop_seed": self.crop_seed}

    def sources(self, label: int) -> tuple[str, ...]:
        """Returns the names of the generators, or of the sources of real images, in alphabetical order."""
        return tuple(self.items.filter(pl.col("label") == label)["generator"].unique().sort())

    def setup(self, stage: str | None = None) -> None:
        """Lists the images once and samples them.

        Raises:
            DatasetNotFoundError: There are no images.
            UnknownDataNameError: A generator was asked for that is not there.
        """
        if not self.items.is_empty():
            return
        try:
            items = pl.DataFrame(self.list_items(), schema=ITEM_SCHEMA, orient="row")
        except PermissionError as error:
            raise DatasetNotFoundError(f"May not read {error.filename}: check its permissions.") from error
        items = items.sort("path")
        if self.generators is not None:
            items = _only(items, self.generators)
        if self.limit is not None:
            items = _limited(items, self.limit)
        if items.is_empty():
            raise DatasetNotFoundError(f"There is no image under {self.root}.")
        self.items = items

    def preprocess(self, image: Image.Image, index: int) -> Image.Image:
        """Applies the dataset's protocol to a decoded image, before a view is cut."""
        return image if self.resize is None else resize_short_side(image, self.resize)

    def read_bytes(self, index: int) -> bytes:
        """Reads the file of one item."""
        path: str = self.items["path"][index]
        return (self.root / path).read_bytes()

    def test_dataloader(self) -> DataLoader[Sample]:
        """Reads the batches that were asked for, or all images in order."""
        batches = self.batches
        if batches is None:
            indices = range(len(self.items))
            batches = [list(indices[i : i + self.batch_size]) for i in range(0, len(indices), self.batch_size)]
        return DataLoader(
            ImageDataset(self),
            batch_sampler=batches,
            num_workers=min(self.num_workers, len(batches)),
            collate_fn=collate,
            pin_memory=self.trainer is not None and self.trainer.num_devices > 0 and _on_gpu(self.trainer),
        )


class ImageDataset(Dataset[Sample]):
    """Reads, checks and cuts single images; each file is read and decoded once for all views."""

    def __init__(self, datamodule: DetectionDataModule) -> None:
        self.views, self.crop_seed = datamodule.views, datamodule.crop_seed
        self.read_bytes, self.preprocess = datamodule.read_bytes, datamodule.preprocess
        # Arrow columns: compact, and safe in forked workers, where polars is not.
        self.columns = {name: datamodule.items[name].to_arrow() for name in ("path", "label", "generator", "group")}

    def __len__(self) -> int:
        return len(self.columns["path"])

    def __getitem__(self, index: int) -> Sample:
        facts: dict[str, Any] = {name: column[index].as_py() for name, column in self.columns.items()}
        sha256 = NO_SHA256
        try:
            data = self.read_bytes(index)
            sha256 = sha256_of(data)
            image = self.preprocess(decode_image(data), index)
            key = image_key(sha256)
            views = {view: cut_view(image, view, key, self.crop_seed) for view in self.views}
        except UnreadableImageError as error:
            return Sample(index, sha256=sha256, views=None, reason=str(error), **facts)
        except OSError as error:
            return Sample(index, sha256=sha256, views=None, reason=error.strerror or type(error).__name__, **facts)
        return Sample(index, sha256=sha256, views=views, **facts)


def _only(items: pl.DataFrame, generators: Iterable[str]) -> pl.DataFrame:
    present = set(items.filter(pl.col("label") == GENERATED)["generator"].unique())
    for generator in generators:
        if generator not in present:
            raise UnknownDataNameError("generator", generator, present)
    return items.filter((pl.col("label") == REAL) | pl.col("generator").is_in(list(generators)))


def _limited(items: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Keeps the images of each source whose paths have the smallest hashes."""
    ranks = [hashlib.blake2b(path.encode(), digest_size=8).digest() for path in items["path"]]
    order = pl.Series("order", ranks, dtype=pl.Binary)
    chosen = items.with_columns(order).sort("order").group_by("label", "generator", maintain_order=True).head(limit)
    return chosen.drop("order").select(items.columns).sort("path")


def _on_gpu(trainer: L.Trainer) -> bool:
    return trainer.strategy.root_device.type == "cuda"


def index_of(names: Mapping[str, type[DetectionDataModule]], name: str) -> type[DetectionDataModule]:
    """Looks a dataset up by name.

    Raises:
        UnknownDataNameError: There is none of that name.
    """
    if name not in names:
        raise UnknownDataNameError("dataset", name, names)
    return names[name]
