"""What zip and tar files have in common: an index of their members, each read where it lies. Nothing is unpacked."""

import zlib
from abc import abstractmethod
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from datamodules.class_names import class_of
from datamodules.groups_file import GROUPS_FILE
from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.listing import File, is_listed
from datamodules.reading import MAX_BYTES, UnreadableImageError
from datamodules.shard_reading import Shard
from datamodules.trees.tree import Tree

STORED, DEFLATED = 0, 8
OUTSIDE = "a name that leads outside"
_CHUNK = 1 << 16
_SCHEMA = {
    "path": pl.String,
    "offset": pl.Int64,
    "stored": pl.Int64,
    "size": pl.Int64,
    "method": pl.Int16,
    "crc": pl.Int64,
    "reason": pl.String,
}


class Member(NamedTuple):
    """A regular file in an archive.

    Args:
        path: With forward slashes; one that no table can hold has lone surrogates.
        offset: Where it begins in the archive, with its own header where it has one.
        stored: How many bytes it takes there, without that header.
        size: How many bytes it has.
        method: How it is compressed: 0 = not at all, 8 = deflate.
        crc: Checksum (CRC-32) of its bytes, where there is one.
        reason: Why it is not read, where it is not.
    """

    path: str
    offset: int
    stored: int
    size: int
    method: int = STORED
    crc: int | None = None
    reason: str | None = None


class ArchiveTree(Tree):
    """The files of an archive, by the paths that they had in the folder it was made of.

    A single folder at the top that is not one of a class is that folder itself, and no part of the paths. Of two
    members of one path the later one counts, as when they are unpacked. Files have the archive's own time.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.file = Shard.of(root)
        self.passed_by: Counter[str] = Counter()

    @abstractmethod
    def members(self, passed_by: Counter[str]) -> Iterator[Member]:
        """Yields the regular files, and counts in words what is none.

        Raises:
            DataOptionError: It is no such archive, or is damaged.
        """

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The images and the list of groups, sorted by path, as Arrow columns: safe in forked workers."""
        table = _table_of(self._taken())
        table = _without_top(table).unique("path", keep="last").sort("path")
        return {name: table[name].to_arrow(compat_level=pl.CompatLevel.newest()) for name in _SCHEMA}

    def folders(self) -> list[str]:
        """Returns the names of the folders straight in the root that have images."""
        paths = (path.as_py() for path in self.columns["path"])
        return sorted({path.partition("/")[0] for path in paths if "/" in path})

    def files(self, ignored: Counter[str], inside: str = "") -> Iterator[File]:
        """Yields the image files."""
        paths, sizes = self.columns["path"], self.columns["size"]
        for path, size in zip(paths, sizes, strict=True):
            name = path.as_py()
            if name.startswith(inside) and name != GROUPS_FILE:
                yield name[len(inside) :], size.as_py(), self.file.mtime_ns
        ignored.update(self.passed_by)

    def holds(self, path: str) -> bool:
        """Says whether there is such a file."""
        return self._row_of(path) is not None

    def read(self, path: str) -> bytes:
        """Reads the bytes of a file and checks them."""
        row = self._row_of(path)
        if row is None:
            raise FileNotFoundError(2, "No such file in the archive", path)
        member = Member(**{name: column[row].as_py() for name, column in self.columns.items()})
        if member.reason is not None:
            raise UnreadableImageError(member.reason)
        if max(member.size, member.stored) > MAX_BYTES:
            raise UnreadableImageError(f"larger than {MAX_BYTES:,} bytes")
        data = self.file.read(self.begin_of(member), member.stored)
        data = _inflated(data, member.size) if member.method == DEFLATED else data
        if len(data) != member.size:
            raise UnreadableImageError("the archive is damaged here: it has not as many bytes as it says")
        if member.crc is not None and zlib.crc32(data) != member.crc:
            raise UnreadableImageError("the archive is damaged here: wrong checksum")
        return data

    def begin_of(self, member: Member) -> int:
        """Finds a member's first byte."""
        return member.offset

    def _taken(self) -> Iterator[Member]:
        for member in self.members(self.passed_by):
            path = "/".join(part for part in member.path.replace("\\", "/").split("/") if part != ".")
            if path.startswith("/") or "\0" in path or ".." in path.split("/"):
                self.passed_by[OUTSIDE] += 1
            elif path.rpartition("/")[2] == GROUPS_FILE or is_listed(path, self.passed_by, IMAGE_ENDINGS):
                yield member._replace(path=path)

    def _row_of(self, path: str) -> int | None:
        paths = self.columns["path"]
        row = bisect_left(range(len(paths)), path, key=lambda at: paths[at].as_py())
        return row if row < len(paths) and paths[row].as_py() == path else None


def _table_of(members: Iterable[Member]) -> pl.DataFrame:
    tables, rest = [pl.DataFrame(schema=_SCHEMA)], iter(members)
    while chunk := list(islice(rest, _CHUNK)):
        tables.append(pl.DataFrame(chunk, _SCHEMA, orient="row"))
    return pl.concat(tables)


def _without_top(table: pl.DataFrame) -> pl.DataFrame:
    tops = table["path"].str.split_exact("/", 1).struct.unnest()
    names = tops["field_0"].unique().to_list()
    if len(names) != 1 or tops["field_1"].null_count() or class_of(names[0]) is not None:
        return table
    return table.with_columns(pl.col("path").str.slice(len(names[0]) + 1))


def _inflated(data: bytes, size: int) -> bytes:
    """Decompresses no more than a member should have, whatever is in it."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
    except zlib.error as error:
        raise UnreadableImageError("the archive is damaged here: it cannot be decompressed") from error
