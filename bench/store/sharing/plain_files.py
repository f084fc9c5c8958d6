"""Files that others wrote, which are read only where they are plain files of a bearable size."""

import os
import stat
from pathlib import Path


def read_plain(file: Path, most: int, links: bool = False) -> bytes:
    """Reads a file whole.

    Args:
        file: The file.
        most: Bytes that it may have.
        links: Whether it may be a link.

    Raises:
        ValueError: It is no plain file, is too large, or cannot be read; the message says so.
    """
    try:
        state = file.stat() if links else file.lstat()
        if not stat.S_ISREG(state.st_mode):
            raise ValueError(f"it is {kind_of(state)}, not a plain file")
        if state.st_size > most:
            raise ValueError(f"it has {state.st_size:,} bytes, where {most:,} are the most")
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error


def kind_of(state: os.stat_result) -> str:
    """Says what something on the disk is."""
    if stat.S_ISREG(state.st_mode):
        return "a file"
    if stat.S_ISDIR(state.st_mode):
        return "a folder"
    return "a link" if stat.S_ISLNK(state.st_mode) else "a device or a pipe"
