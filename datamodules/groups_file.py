"""``groups.csv``: which images of a folder are not independent. What would change an interval unseen is a mistake."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from datamodules.errors import DataOptionError

GROUPS_FILE = "groups.csv"
COLUMNS = ("path", "group")


def read_groups(data: bytes, file: Path) -> dict[str, str]:
    """Reads the groups of images by their paths.

    A byte-order mark, either kind of line end, ``./`` before a path and backslashes in it are understood, and a path
    may come twice with one group.

    Args:
        data: The bytes of the file.
        file: Where it lies, in messages; paths count from its folder.

    Raises:
        DataOptionError: It is no CSV file in UTF-8 with these columns, a cell is missing or empty, or a path has two
            groups; the message names the line.
    """
    groups: dict[str, tuple[str, int]] = {}
    for line, path, group in _rows(data, file):
        there, before = groups.setdefault(_plain(path, file.parent), (group, line))
        if there != group:
            raise DataOptionError(f"{file}, line {line}: {path!r} has group {group!r}, and {there!r} on line {before}.")
    return {path: group for path, (group, _) in groups.items()}


def unknown_paths(groups: dict[str, str], paths: set[str], file: Path) -> list[str]:
    """Finds the paths of the file that are not among those of a folder's images, in alphabetical order.

    Raises:
        DataOptionError: Not one of them is, so that the file would do nothing.
    """
    unknown = sorted(groups.keys() - paths)
    if unknown and len(unknown) == len(groups):
        raise DataOptionError(
            f"{file} names no image that is here; the first is {unknown[0]!r}. Paths are relative to the data set's "
            "folder, as `data check` shows them: real/..., generated/..., progan/0_real/..."
        )
    return unknown


def _rows(data: bytes, file: Path) -> Iterator[tuple[int, str, str]]:
    """Yields the line that each row ends on, its path and its group."""
    reader = csv.reader(io.StringIO(_text_of(data, file), newline=""), strict=True)
    begins, places, header = 1, (0, 0), list[str]()
    try:
        for row in reader:
            line, begins = begins, reader.line_num + 1
            if not row:
                continue
            if not header:
                header = row
                if any(header.count(name) != 1 for name in COLUMNS):
                    raise DataOptionError(f"{file} needs the columns path and group, has {_shown(header)}.")
                places = header.index(COLUMNS[0]), header.index(COLUMNS[1])
                continue
            if len(row) != len(header):
                raise DataOptionError(
                    f"{file}, line {line}: {len(row)} cells, where the header has {len(header)}; "
                    "a comma in a name needs quotes around it."
                )
            path, group = (row[place] for place in places)
            if not path or not group:
                raise DataOptionError(f"{file}, line {line}: the {'group' if path else 'path'} is empty.")
            yield line, path, group
    except csv.Error as error:
        hint = "a quote is not closed" if "unexpected end" in str(error) else str(error)
        raise DataOptionError(f"{file}, line {begins}: {hint}.") from error
    if not header:
        raise DataOptionError(f"{file} is empty; it needs the columns path and group.")


def _text_of(data: bytes, file: Path) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataOptionError(f"{file}, line {line}: not UTF-8; save the file as CSV in UTF-8.") from error
    if "\0" in text:
        raise DataOptionError(f"{file}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a zero byte.")
    return text


def _plain(path: str, root: Path) -> str:
    """Writes a path as the folder's images are written; a backslash may also be part of a name here."""
    if "\\" in path and not (root / path).exists():
        path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _shown(header: list[str]) -> str:
    return repr(header if len(str(header)) < 200 else [*header[:3], "..."])
