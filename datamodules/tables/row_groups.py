"""Reads single images out of Parquet files, in whatever process; nothing of a column is read that is not needed.

Of the row group that an image lies in, a window of neighbouring rows is kept: all of them where the images of the group
are few or small, else as many as `WINDOW` bytes hold. Images are asked for in the order of their rows, so each window
is decoded once in a process, and memory is bounded whatever the size of a row group.
"""

import os
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa

from datamodules.reading import MAX_BYTES, UnreadableImageError, guarded, read_file
from datamodules.shard_reading import Shard
from datamodules.tables.parquet_schema import open_parquet

WINDOW = 64 << 20
"""In bytes, of the images that a process keeps."""


def read_value(shard: Shard, leaf: str, row: int) -> bytes | str | None:
    """Reads the bytes, or the text, in a row, which are none where it has none.

    Args:
        shard: The file as it was when it was listed.
        leaf: Column, or field of a struct as in ``image.bytes``.
        row: Its number in the file, from 0 on.

    Raises:
        UnreadableImageError: The file is not the one that was listed, or is broken here.
    """
    try:
        with guarded("broken Parquet file"):
            data = _cursor_of(shard, leaf).read(row)
    except UnreadableImageError:
        close_parquet_files()
        raise
    if data is not None and len(data) > MAX_BYTES:
        raise UnreadableImageError(f"larger than {MAX_BYTES:,} bytes")
    return data


Places = dict[str, tuple[Shard, str]]
"""The file and the leaf column that holds the bytes, or the names, of the items ``KEY#000123``, by key."""


def stored_bytes(places: Places, base: Path, path: str) -> bytes:
    """Reads an item: what a row of a Parquet file holds, or a file below a folder.

    Raises:
        UnreadableImageError: The row holds nothing, or what is there is no file.
        OSError: The file cannot be read.
    """
    key, number, row = path.rpartition("#")
    if not number or key not in places:
        return read_file(base / path)
    shard, leaf = places[key]
    data = read_value(shard, leaf, int(row))
    if not isinstance(data, bytes):
        raise UnreadableImageError("the row holds no image")
    return data


def stored_name(names: Places, path: str) -> str:
    """Reads the name of the file that a row's image was; without one, the name of the Parquet file stands for it.

    Raises:
        UnreadableImageError: The Parquet file is not the one that was listed, or is broken here.
    """
    key, number, row = path.rpartition("#")
    if not number or key not in names:
        return path
    shard, leaf = names[key]
    name = read_value(shard, leaf, int(row))
    return name if isinstance(name, str) else key


class _Cursor:
    """A column of an open file, and the window of it that was read last."""

    def __init__(self, shard: Shard, leaf: str) -> None:
        if Shard.of(shard.file) != shard:
            raise UnreadableImageError("the Parquet file has changed since it was listed")
        self.owner = (os.getpid(), shard, leaf)
        self.parquet, self.leaf = open_parquet(shard.file), leaf
        metadata = self.parquet.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self.starts = [0, *accumulate(sizes)]
        self.place = next(
            place for place in range(metadata.num_columns) if self.parquet.schema.column(place).path == leaf
        )
        self.group, self.first = -1, 0
        self.windows: Iterator[Any] = iter(())
        self.window: Any = ()

    def read(self, row: int) -> bytes | str | None:
        group = bisect_right(self.starts, row) - 1
        within = row - self.starts[group]
        if group != self.group or within < self.first:
            self._open(group)
        while within >= self.first + len(self.window):
            self.first += len(self.window)
            self.window = _values(next(self.windows))
        data: bytes | str | None = self.window[within - self.first].as_py()
        return data

    def _open(self, group: int) -> None:
        """Goes to the beginning of a row group."""
        rows = self.starts[group + 1] - self.starts[group]
        size = self.parquet.metadata.row_group(group).column(self.place).total_uncompressed_size
        self.window, self.group, self.first = (), group, 0
        # Without threads: those of the process that listed the files are not there in one that it forked.
        self.windows = self.parquet.iter_batches(
            max(1, min(rows, rows * WINDOW // max(size, 1))), [group], [self.leaf], use_threads=False
        )

    def close(self) -> None:
        self.parquet.close()


_cursors: list[_Cursor] = []  # at most three, of images, masks and names, of this process alone, not of one it forked


def _cursor_of(shard: Shard, leaf: str) -> _Cursor:
    owner = (os.getpid(), shard, leaf)
    for cursor in _cursors:
        if cursor.owner == owner:
            return cursor
    if len(_cursors) > 2 or (_cursors and _cursors[0].owner[0] != owner[0]):
        close_parquet_files()
    _cursors.append(_Cursor(shard, leaf))
    return _cursors[-1]


def close_parquet_files() -> None:
    """Closes the files that are open for reading."""
    while _cursors:
        _cursors.pop().close()


def _values(batch: Any) -> pa.Array:  # noqa: ANN401 - pyarrow's types are not ours to check
    """Returns the one column of a batch, through the structs that hold it."""
    column = batch.column(0)
    while pa.types.is_struct(column.type):
        column = column.flatten()[0]
    return column
