"""Finds the tables that ``--data-root`` names: a file, a folder, or a pattern."""

import glob
import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.groups_file import GROUPS_FILE
from datamodules.listing import list_files

_PART = re.compile(r"(.+?)-(\d+)-of-(\d+)(?:-[0-9a-f]+)?\.parquet", re.IGNORECASE)


def find_tables(root: Path, endings: Collection[str], what: str) -> tuple[Path, list[str]]:
    """Finds tables.

    Args:
        root: A table, a folder with some below it, or a pattern such as ``DIR/**/metadata.csv``.
        endings: Of tables, in lower case.
        what: What they are called.

    Returns:
        The folder that their names are relative to, and the names with forward slashes, in order.

    Raises:
        DatasetNotFoundError: There is none.
        DataOptionError: A file has another ending.
    """
    if root.is_dir():
        names = [name for name, _, _ in list_files(root, Counter(), endings) if Path(name).name != GROUPS_FILE]
        if not names:
            raise DatasetNotFoundError(f"There is no {what} ({', '.join(endings)}) under {root}.")
        return root, names
    if root.is_file():
        files = [root]
    elif glob.has_magic(str(root)):
        files = [Path(name) for name in sorted(glob.glob(str(root), recursive=True)) if Path(name).is_file()]  # noqa: PTH207
        if not files:
            raise DatasetNotFoundError(f"No file matches --data-root {root}.")
    else:
        raise DatasetNotFoundError(
            f"There is no file or folder {root}. Give a {what} with --data-root FILE, DIR or PATTERN."
        )
    for file in files:
        if file.suffix.lower() not in endings:
            raise DataOptionError(f"{file} is no {what}: its name must end in {', '.join(endings)}.")
    folder = root.parent if root.is_file() else fixed_part(root)
    return folder, [file.relative_to(folder).as_posix() for file in files]


def missing_parts(names: Sequence[str]) -> list[str]:
    """Names the files that are not there of tables that are numbered as in ``train-00000-of-00007.parquet``."""
    lacking = []
    parts: dict[tuple[str, str], set[int]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        match = _PART.fullmatch(file)
        if match:
            parts.setdefault((f"{folder}/{match[1]}".lstrip("/"), match[3]), set()).add(int(match[2]))
    for (stem, total), numbers in parts.items():
        lacking += [
            f"{stem}-{number:0{len(total)}d}-of-{total}.parquet"
            for number in range(int(total))
            if number not in numbers
        ]
    return lacking


def fixed_part(pattern: Path) -> Path:
    """Returns what stands in front of the first part with a star; all of a path without any."""
    folder = Path()
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        folder /= part
    return folder
