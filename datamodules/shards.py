"""Datasets packed into WebDataset ``.tar`` files, a few large ones instead of millions of small ones.

Samples are read at their offsets, not as a stream: a run that was interrupted goes on with exactly the images that are
missing, and each image is seen once on any number of devices. Nothing is ever unpacked.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from datamodules.base import DetectionData
from datamodules.items import CHUNK, ITEM_SCHEMA, Item
from datamodules.keys import sha256_of
from datamodules.reading import UnreadableImageError, check_size
from datamodules.shard_description import FILE, Description, load_description, make_source
from datamodules.shard_index import INDEX_SCHEMA, read_index
from datamodules.shard_reading import Shard, find_shards
from datamodules.tar_headers import ShardError

_FACTS = tuple(name for name in ITEM_SCHEMA if name != "mtime_ns")
_PLACE = ("path", "shard", "offset", "bytes", "sha256", "height", "width", "share")


class ShardsData(DetectionData):
    """Images in the ``.tar`` files of a folder.

    Shards that :func:`datamodules.packing.pack` wrote stand for the dataset that they were made of: the title, the
    contrasts, the protocol and so the scores and their fingerprints are those of its folders. The options of every
    dataset (``resize``, ``crop_seed``, ...) are chosen when the shards are read; the dataset's own ones, such as
    GenImage's protocol, are those that it was packed with.

    Of other shards, each sample must have one image and either a ``.json`` with ``label`` (0 or 1) and, where wanted,
    ``generator``, ``path``, ``group``, ``kind`` (partial) and ``share``, or a ``.cls`` with the label. All real images
    face every generator.

    Args:
        root: The folder with the shards.
        options: Those of :class:`~datamodules.base.DetectionData`.
    """

    name = "shards"

    def __init__(
        self,
        root: str | Path,
        **options: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(root, **options)
        self.shards: tuple[Shard, ...] = ()
        self.places: dict[str, Any] = {}

    @cached_property
    def description(self) -> Description | None:
        """What the packed shards say about their dataset; None for other shards."""
        return load_description(self.root)

    @cached_property
    def source(self) -> DetectionData | None:
        """The dataset that was packed; it answers for its protocol and lists nothing."""
        if self.description is None:
            return None
        if self.description.dataset == self.name:
            raise ShardError(f"{self.root / FILE} says that shards were packed as shards.")
        options = {"generators": self.generators, "resize": self.resize, "crop_seed": self.crop_seed, "num_workers": 0}
        return make_source(self.description, self.root, **options)

    @property
    def default_title(self) -> str:
        """That of the packed dataset."""
        return self.description.title if self.description else f"shards:{self.root.resolve().name}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the packed dataset, and how many of its images could not be opened."""
        if self.description is None:
            return ()
        lost = len(self.description.left_out)
        own = (f"Images that could not be opened when the shards were packed: {lost}.",) if lost else ()
        return (*self.description.notes, *own)

    @property
    def protocol(self) -> dict[str, Any]:
        """That of the packed dataset."""
        own = super().protocol
        return own if self.source is None else self.source.protocol | {"crop_seed": own["crop_seed"]}

    @property
    def preprocessing(self) -> str:
        """That of the packed dataset."""
        return super().preprocessing if self.source is None else self.source.preprocessing

    def preprocess(self, image: Image.Image, label: int, generator: str) -> Image.Image:
        """Does to an image what the packed dataset does."""
        if self.source is None:
            return super().preprocess(image, label, generator)
        return self.source.preprocess(image, label, generator)

    def list_items(self) -> Iterator[Item]:
        """Yields the samples of every shard."""
        index = self._read_shards()
        newest = pl.CompatLevel.newest()  # shares the memory of polars' strings
        self.places = {name: index[name].to_arrow(compat_level=newest) for name in _PLACE}
        if self.description is not None:
            self.declared_pairs = {name: set(reals) for name, reals in self.description.contrasts.items()}
        if self.source is not None:
            self.generators = self.source.generators  # under any of their names
        for part in index.iter_slices(CHUNK):
            for facts in part.select("shard", *_FACTS).iter_rows(named=True):
                yield Item(mtime_ns=self.shards[facts.pop("shard")].mtime_ns, **facts)

    def read_bytes(self, path: str) -> bytes:
        """Reads an image's bytes where they lie in their shard.

        Raises:
            UnreadableImageError: They are not those that were packed.
        """
        row = self._row_of(path)
        shard, offset, size, digest = (
            self.places[name][row].as_py() for name in ("shard", "offset", "bytes", "sha256")
        )
        data: bytes = self.shards[shard].read(offset, size)
        if len(data) < size or (digest is not None and sha256_of(data) != digest.hex()):
            raise UnreadableImageError("the shard is damaged here: these are not the bytes that were packed")
        return data

    def edited_share(self, path: str) -> float | None:
        """Returns what the sample says."""
        share: float | None = self.places["share"][self._row_of(path)].as_py()
        return share

    def decode(self, data: bytes, path: str) -> Image.Image:
        """Decodes a file, or makes a picture of raw pixels."""
        row = self._row_of(path)
        width, height = self.places["width"][row].as_py(), self.places["height"][row].as_py()
        if width is None:
            return super().decode(data, path)
        check_size(width, height, self.max_pixels)
        return Image.frombytes("RGB", (width, height), data)

    def _row_of(self, path: str) -> int:
        paths = self.places["path"]
        row = bisect_left(range(len(paths)), path, key=lambda at: paths[at].as_py())
        if row == len(paths) or paths[row].as_py() != path:
            raise FileNotFoundError(2, "No such sample", path)
        return row

    def _read_shards(self) -> pl.DataFrame:
        counts = find_shards(self.root, self.description)
        tables, self.shards = [pl.DataFrame(schema=INDEX_SCHEMA | {"shard": pl.Int32})], ()
        for number, (name, count) in enumerate(counts.items()):
            file = self.root / name
            index = read_index(file, packed=self.source is not None)
            if count is not None and count != len(index):
                raise ShardError(f"{file} holds {len(index)} images, and {FILE} says {count}; copy it again.")
            self.shards += (Shard.of(file),)
            if (index["group"] == index["path"]).all():
                index = index.with_columns(group=pl.col("path"))  # one copy of the strings
            tables.append(index.with_columns(shard=pl.lit(number, pl.Int32)))
        index = pl.concat(tables, rechunk=True)
        tables.clear()
        if not index["path"].is_sorted():  # packed shards are
            index = index.sort("path")
        twice = index.filter(pl.col("path") == pl.col("path").shift(1))["path"]
        if len(twice):
            raise ShardError(f"{self.root}: the path {twice[0]!r} comes twice; read the shards one folder at a time.")
        return index
