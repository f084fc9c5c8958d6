"""Writes a dataset as WebDataset ``.tar`` files, which :class:`datamodules.shards.ShardsData` reads.

Images are packed as they are, bit for bit, in the order of their paths: ``<key>.json`` says what an image is, and
``<key>.<ending>`` is the image. Images of ``.npz`` archives are packed as their raw pixels. The same images give the
same files. A shard is written under another name and renamed when it is whole, so a run that was killed goes on after
the last whole one.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import polars as pl

from datamodules.archives import split_item
from datamodules.base import DetectionData
from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.image_formats import IMAGE_ENDINGS, ending_of
from datamodules.items import plain_name
from datamodules.keys import sha256_of
from datamodules.reading import UnreadableImageError
from datamodules.shard_description import Description, describe, load_description, make_source
from datamodules.shard_index import INDEX_ENDING, PIXELS_ENDING, read_index
from datamodules.shards import ShardsData
from datamodules.tar_headers import ShardError
from datamodules.tar_writing import END_MARK, member, new_tar, sole_writer

GIB = 1 << 30
_FACTS = ("path", "label", "generator", "group")
_PRESENT = (*_FACTS, "bytes")


@dataclass(frozen=True)
class PackResult:
    """What packing came to.

    Args:
        shards: All shards, in order.
        images: Number of images in them.
        kept: Number of shards that an earlier run had written.
        left_out: Path and reason of each image that could not be opened, and so is in no shard.
    """

    shards: tuple[Path, ...]
    images: int
    kept: int
    left_out: dict[str, str]


def pack(
    datamodule: DetectionData,
    output: Path,
    shard_bytes: int = GIB,
    progress: Callable[[int, int], None] | None = None,
) -> PackResult:
    """Writes a dataset's images into shards.

    Args:
        datamodule: Any dataset; its limits, generators and balance choose the images.
        output: Folder of the shards.
        shard_bytes: The size that no shard of more than one image exceeds.
        progress: Called with the number of images that are done, and of all.

    Returns:
        What was written.

    Raises:
        DataOptionError: The dataset cannot be packed, or the folder holds something else.
        DatasetNotFoundError: Not one image could be opened.
    """
    if shard_bytes < 1:
        raise DataOptionError(f"--shard-bytes must be at least 1, got {shard_bytes}.")
    if isinstance(datamodule, ShardsData):
        raise DataOptionError(f"{datamodule.root} holds shards already; pack the folders that they were made of.")
    datamodule.setup()
    description = describe(datamodule, shard_bytes)
    make_source(description, output)  # fails now rather than when the shards are read
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataOptionError(f"Cannot write to --output {output}: {error.strerror}.") from error
    with sole_writer(output):
        there = load_description(output)
        if there is not None:
            there.check_same(description, output)
        elif any(output.glob("*.tar")):
            raise DataOptionError(f"{output} holds .tar files of something else; give another --output.")
        description.save(output)
        return _Packing(datamodule, output, description, progress or (lambda done, total: None)).run()


class _Packing:
    """One run over the images, shard by shard."""

    def __init__(
        self,
        datamodule: DetectionData,
        output: Path,
        description: Description,
        progress: Callable[[int, int], None],
    ) -> None:
        self.datamodule, self.output, self.description, self.progress = datamodule, output, description, progress
        self.items = datamodule.items.select(*_PRESENT, "mtime_ns", "kind")
        self.stem = re.sub(r"[^\w.-]+", "-", description.title).strip("-.") or datamodule.name
        self.counts: dict[str, int] = {}
        self.left_out: dict[str, str] = {}

    def run(self) -> PackResult:
        position = number = kept = 0
        while position < len(self.items):
            end = self._end_of_kept(number, position)
            kept += end is not None
            position = self._write(number, position) if end is None else end
            number += 1
            self.progress(position, len(self.items))
        if not self.counts:
            path, reason = next(iter(self.left_out.items()))
            raise DatasetNotFoundError(f"Not one image could be opened; the first is {path}: {reason}.")
        self._remove_surplus()
        replace(self.description, shards=self.counts, left_out=self.left_out, complete=True).save(self.output)
        shards = tuple(self.output / name for name in self.counts)
        return PackResult(shards, sum(self.counts.values()), kept, self.left_out)

    def _file(self, number: int) -> Path:
        return self.output / f"{self.stem}-{number:06d}.tar"

    def _write(self, number: int, position: int) -> int:
        """Writes one shard from an image on; returns the position of the first image after it."""
        target = self._file(number)
        with new_tar(target) as stream:
            end, count = self._fill(stream, number, position)
        if count:
            self.counts[target.name] = len(read_index(target, packed=True))
        return end

    def _fill(self, stream: BinaryIO, number: int, position: int) -> tuple[int, int]:
        """Writes the images that fit; returns the position of the first that does not, and how many do."""
        size, count = len(END_MARK), 0
        for end in range(position, len(self.items)):
            sample = self._sample(end, f"{number:06d}-{count:06d}")
            if count and size + len(sample) > self.description.shard_bytes:
                break
            stream.write(sample)
            size, count = size + len(sample), count + bool(sample)
            self.progress(end, len(self.items))
        else:
            end = len(self.items)
        return end, count

    def _sample(self, position: int, key: str) -> bytes:
        """Makes the members of one image; none where it cannot be opened."""
        facts = dict(zip(_FACTS, self.items.row(position), strict=False))
        path, kind = str(facts["path"]), self.items["kind"][position]
        facts["generator"] = plain_name(str(facts["generator"]))
        try:
            data = self.datamodule.read_bytes(path)
            picture = self.datamodule.picture(data, path) if split_item(path) is not None else None
        except (OSError, UnreadableImageError) as error:
            self.left_out[path] = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
            return b""
        self.left_out.pop(path, None)
        facts["sha256"] = sha256_of(data)
        facts |= {"kind": kind, "share": self.datamodule.edited_share(path)} if kind else {}
        ending = Path(path).suffix.lower()
        ending = ending if ending in IMAGE_ENDINGS else ending_of(data)
        if picture is not None:
            ending = PIXELS_ENDING
            facts |= {"height": picture.height, "width": picture.width}
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return member(f"{key}.json", text.encode()) + member(f"{key}{ending}", data)

    def _end_of_kept(self, number: int, position: int) -> int | None:
        """Says where a shard ends that an earlier run wrote; None where it is not what this run would write."""
        file = self._file(number)
        try:
            index, status = read_index(file, packed=True), file.stat()
        except (ShardError, OSError):
            return None
        for row in index.select(_PRESENT).iter_rows():
            position = self._skip_unopened(position, until=row[0])
            *present, mtime_ns, _ = self.items.row(position) if position < len(self.items) else (None, 0, None)
            if present != list(row) or mtime_ns is None or mtime_ns > status.st_mtime_ns:
                return None
            position += 1
        position = self._skip_unopened(position)
        if position < len(self.items):
            following = self._sample(position, f"{number:06d}-{len(index):06d}")
            if not len(index) or status.st_size + len(following) <= self.description.shard_bytes:
                return None
        self.counts[file.name] = len(index)
        return position

    def _skip_unopened(self, position: int, until: str | None = None) -> int:
        paths: pl.Series = self.items["path"]
        while position < len(paths) and paths[position] != until and not self._sample(position, "key"):
            position += 1
        return position

    def _remove_surplus(self) -> None:
        """Removes the shards of this dataset that an earlier run over more images left."""
        form = re.compile(re.escape(self.stem) + r"-\d{6,}\.tar")
        for file in list(self.output.iterdir()):
            name = file.name.removesuffix(INDEX_ENDING)
            if form.fullmatch(name) and name not in self.counts:
                file.unlink()
