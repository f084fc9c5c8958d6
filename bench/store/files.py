"""Files that are whole or not there."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
    try:
        with replacing(target) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise BenchError(f"Cannot write {target}: {error.strerror}.") from error
    return target


def file_name(name: str) -> str:
    """Makes a data set's title, or a condition, part of a path."""
    return name.replace(":", "-").replace("/", "-")
