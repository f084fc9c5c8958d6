"""Files that are whole or not there."""

import errno
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.errors import BenchError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Gives a temporary name to write to, and renames what was written, so that nobody reads half of a file."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex}")
    try:
        yield temporary
        temporary.replace(target)
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
    return tuple(files)


def file_name(name: str) -> str:
    """Makes a data set's title, or a condition, part of a path."""
    return name.replace(":", "-").replace("/", "-")
