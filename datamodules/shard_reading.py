"""Reads single images out of shards; few files are open at a time, and those stay open."""

import os
from dataclasses import dataclass
from pathlib import Path

from datamodules.reading import UnreadableImageError

MAX_OPEN = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as it was when it was listed.

    Args:
        file: The tar file.
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
        raise UnreadableImageError("the shard has changed since it was listed")
    _descriptors[shard] = descriptor
    return descriptor
