"""Finds shards, and reads single images out of them; few files are open at a time, and those stay open."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from datamodules.errors import DatasetNotFoundError
from datamodules.reading import UnreadableImageError
from datamodules.shard_description import Description
from datamodules.trees.advice import advice

MAX_OPEN = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as it was when it was listed.

    Args:
        file: A tar, zip or Parquet file.
        mtime_ns: When it was changed.
        size: In bytes.
    """

    file: Path
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, file: Path) -> "Shard":
        """Looks at a file."""
        status = file.stat()
        return cls(file, status.st_mtime_ns, status.st_size)

    def read(self, offset: int, size: int) -> bytes:
        """Reads bytes at an offset.

        Raises:
            UnreadableImageError: The shard is not the file that was listed.
        """
        return os.pread(_descriptor_of(self), size, offset)


def find_shards(folder: Path, found: Description | None) -> dict[str, int | None]:
    """Finds the shards in a folder, with the number of images that each must hold where it is known.

    Raises:
        DatasetNotFoundError: There are none, or fewer than there should be.
    """
    if not folder.is_dir():
        what = f"{folder} is a file" if folder.exists() else f"There is no folder {folder}"
        raise DatasetNotFoundError(f"{what}. Give the folder of the shards as --data-root DIR.")
    there = {file.name for file in folder.iterdir() if file.suffix == ".tar" and not file.name.startswith(".")}
    if found is None:
        if not there:
            reads = advice(
                Counter(file.suffix.lower() for below in ("*", "*/*") for file in folder.glob(below)), folder
            )
            also = f"; here, {reads}" if reads else ""
            raise DatasetNotFoundError(f"There is no .tar file in {folder}; `python -m bench pack` writes some{also}.")
        return dict.fromkeys(sorted(there))
    if not found.complete:
        raise DatasetNotFoundError(f"Packing into {folder} did not come to its end: run the same pack again.")
    missing = sorted(set(found.shards) - there)
    if missing:
        raise DatasetNotFoundError(f"{folder} lacks {len(missing)} shards, the first is {missing[0]}; copy them.")
    return dict(sorted(found.shards.items()))


_descriptors: dict[Shard, int] = {}  # forked workers may share them: pread has no position


def _descriptor_of(shard: Shard) -> int:
    if shard in _descriptors:
        return _descriptors[shard]
    while len(_descriptors) >= MAX_OPEN:
        os.close(_descriptors.pop(next(iter(_descriptors))))
    descriptor = os.open(shard.file, os.O_RDONLY)
    status = os.fstat(descriptor)
    if (status.st_mtime_ns, status.st_size) != (shard.mtime_ns, shard.size):
        os.close(descriptor)
        raise UnreadableImageError("the file has changed since it was listed")
    _descriptors[shard] = descriptor
    return descriptor
