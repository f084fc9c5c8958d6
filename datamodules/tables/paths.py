"""Where the file lies that a row of a table names, and that it does not lie outside."""

import os
import posixpath
import stat
from collections.abc import Callable
from pathlib import Path

import polars as pl

from datamodules.errors import DataOptionError

File = tuple[str, int, int]
"""An item's path, its size in bytes and its time of change in nanoseconds; -1 and 0 of a file that is not there."""


class Resolver:
    """Finds the files that the rows of one table name.

    A relative path counts from ``base`` and may not lead out of it, by ``..`` or by a link; an absolute one is taken
    as it is.

    Args:
        base: Folder that relative paths count from.
        root: Folder that items' paths are relative to; ``base`` is it, or lies in it.
        where: Names the table and a row of it, for a message.
    """

    def __init__(self, base: Path, root: Path, where: Callable[[int], str]) -> None:
        self.where = where
        self.base, self.root = os.fspath(base), os.fspath(root)
        self.whole_root = os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118 - links are kept
        inner = os.path.relpath(base, root)
        self.prefix = "" if inner == os.curdir else inner.replace(os.sep, "/") + "/"
        self.real_base = os.path.realpath(base)
        self.inside: dict[str, bool] = {}

    def find(self, path: str, row: int) -> File:
        """Finds a file.

        Args:
            path: As the table has it.
            row: The row that names it.

        Raises:
            DataOptionError: A relative path leads out of the folder.
        """
        if "\0" in path:
            raise DataOptionError(f"{self.where(row)}: the path {path!r} holds a zero byte.")
        if path.startswith("/"):
            file, item = path, posixpath.normpath(path)
            if item.startswith(self.whole_root):
                item = item.removeprefix(self.whole_root)
            return self._looked_at(file, item, None, row)
        plain = posixpath.normpath(path)
        if "\\" in path and not os.path.lexists(f"{self.base}/{plain}"):
            plain = posixpath.normpath(path.replace("\\", "/"))
        if plain == ".." or plain.startswith(("../", "/")):
            raise DataOptionError(f"{self.where(row)}: {path!r} leads out of {self.base}. {NEXT}")
        return self._looked_at(f"{self.base}/{plain}", self.prefix + plain, path, row)

    def _looked_at(self, file: str, item: str, relative: str | None, row: int) -> File:
        try:
            status = os.lstat(file)
        except OSError:
            return item, -1, 0
        linked = stat.S_ISLNK(status.st_mode)
        if relative is not None and not self._is_inside(file, linked):
            raise DataOptionError(f"{self.where(row)}: {relative!r} leads out of {self.base} by a link. {NEXT}")
        if linked:
            try:
                status = os.stat(file)  # noqa: PTH116 - a million times, without Path objects
            except OSError:
                return item, -1, 0
        return item, status.st_size, status.st_mtime_ns

    def _is_inside(self, file: str, linked: bool) -> bool:
        """Says whether a file lies in the base when links are followed; each folder is asked about once."""
        if linked:
            return self._holds(os.path.realpath(file))
        folder = os.path.dirname(file)  # noqa: PTH120 - as above
        if folder not in self.inside:
            self.inside[folder] = self._holds(os.path.realpath(folder))
        return self.inside[folder]

    def _holds(self, real: str) -> bool:
        return real == self.real_base or real.startswith(os.path.join(self.real_base, ""))  # noqa: PTH118


def under_one_folder(rows: pl.DataFrame) -> tuple[pl.DataFrame, Path | None]:
    """Writes the paths of items that are all absolute from the folder that they share; none where there is none."""
    path = pl.col("path")
    if rows.is_empty() or not rows.select(path.str.starts_with("/").all()).item():
        return rows, None
    ends = (str(end) for end in rows.select(path.min(), path.max().alias("last")).row(0))
    folder = posixpath.commonpath([posixpath.dirname(end) for end in ends])
    return (rows, None) if folder == "/" else (rows.with_columns(path.str.strip_prefix(f"{folder}/")), Path(folder))


NEXT = "Write its absolute path, or name the folder that paths count from with --image-root DIR."
