"""Writes tar files that depend on nothing but what is in them, whole or not at all."""

import errno
import fcntl
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from datamodules.errors import DataOptionError
from datamodules.tar_headers import BLOCK, padded

END_MARK = bytes(2 * BLOCK)


def member(name: str, data: bytes) -> bytes:
    """Makes a member: a header without time or owner, the data, and zeros up to a whole block."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(padded(len(data)) - len(data))


@contextmanager
def new_tar(target: Path) -> Iterator[BinaryIO]:
    """Opens a file for the members of a tar; it gets its name when all are written, and none if there is none."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
            empty = stream.tell() == 0
            stream.write(END_MARK)
            stream.flush()
            os.fsync(stream.fileno())
        if not empty:
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keeps other writers out of a folder; a killed one's lock is gone with it.

    Raises:
        DataOptionError: There is another one.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # some network file systems have no locks
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise DataOptionError(f"Another run is writing to {folder}; wait for it.") from error
        yield
    finally:
        os.close(descriptor)
