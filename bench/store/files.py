"""Files that are whole or not there, and what a killed process leaves of them."""

import errno
import glob
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.store.owners import is_running, machine

TEMPORARY = re.compile(r"\..+?\.(?:(?:(?P<machine>[0-9a-f]{8})-)?(?P<process>\d+)\.)?(?:[0-9a-f]{12}|[0-9a-f]{32})")
"""Names that :func:`replacing` writes to, and those of older versions, which told no machine or no process."""
HOUR = 3600
"""Seconds after which nobody writes to a file any more whose process cannot be looked up here."""


@contextmanager
def replacing(target: Path, rename: Callable[[Path, Path], Path] | None = None) -> Iterator[Path]:
    """Gives a temporary name to write to, and renames what was written, so that nobody reads half of a file.

    ``rename`` makes the name in the end from the temporary one and the target, which it is by default.
    """
    temporary = target.with_name(f".{target.name}.{machine()}-{os.getpid()}.{uuid.uuid4().hex[:12]}")
    try:
        yield temporary
        temporary.replace(rename(temporary, target) if rename else target)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(target: Path, data: bytes) -> Path:
    """Writes a file that nobody can read half of, and returns it.

    Raises:
        BenchError: It cannot be written.
    """
    return write_together({target: data})[0]


def write_together(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Writes files, each whole before the first takes the place of an older one, and returns them.

    What a killed process left of the same files is removed.

    Raises:
        BenchError: One cannot be written; the older ones were left as they were.
    """
    target = Path()
    try:
        with ExitStack() as stack:
            for target, data in files.items():
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                stack.enter_context(replacing(target)).write_bytes(data)
    except OSError as error:
        raise BenchError(f"Cannot write {error.filename2 or target}: {error.strerror}.") from error
    names = (file.parent.glob(f".{glob.escape(file.name)}.*") for file in files)
    remove(left for found in names for left in found if _is_left(left))
    return tuple(files)


def leftovers(folders: Iterable[Path]) -> list[Path]:
    """Finds the temporary files right in some folders whose processes were killed while they wrote."""
    files = (file for folder in folders for file in folder.glob(".*"))
    return sorted(file for file in files if _is_left(file))


def _is_left(file: Path) -> bool:
    found = TEMPORARY.fullmatch(file.name)
    if not found or file.is_dir():
        return False
    if found["machine"] == machine():
        return not is_running(int(found["process"]))
    try:
        return time.time() - file.lstat().st_mtime > HOUR
    except FileNotFoundError:
        return False  # it has just been renamed


def remove(files: Iterable[Path]) -> None:
    """Removes files, whichever process is first to.

    Raises:
        BenchError: One cannot be removed.
    """
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise BenchError(f"Cannot remove {file}: {error.strerror}.") from error


def is_unicode(file: Path) -> bool:
    """Says whether polars and pyarrow can open a file by its name; others are given its bytes."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return False
    return True


def file_name(name: str) -> str:
    """Makes a data set's title, or a condition, part of a path."""
    return name.replace(":", "-").replace("/", "-")
