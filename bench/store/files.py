"""Files that are whole or not there."""

import os
import uuid
from pathlib import Path

from bench.errors import BenchError


def write_atomically(target: Path, data: bytes) -> Path:
    """Writes a file under a temporary name and then renames it, so that nobody reads half of it.

    Returns:
        The file.

    Raises:
        BenchError: It cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    except OSError as error:
        raise BenchError(f"Cannot write {target}: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def file_name(name: str) -> str:
    """Makes a data set's title, or a condition, part of a path."""
    return name.replace(":", "-").replace("/", "-")
