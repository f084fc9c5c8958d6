"""What stops a run, in one line and with an exit code."""

import errno
import os
from typing import ClassVar

from datamodules.errors import DataError
from detectors.errors import DetectorError


class BenchError(Exception):
    """A mistake in how the suite was called, or a state that it cannot go on from.

    Attributes:
        exit_code: What the program ends with.
        silent: Whether another process has already said what is wrong.
    """

    exit_code: ClassVar[int] = 2
    silent: ClassVar[bool] = False


class NothingReadError(BenchError):
    """Not one image can be read."""

    exit_code: ClassVar[int] = 1


class DetectorFailedError(BenchError):
    """A detector raised, or gave a score that is not a finite number."""


STATES_OF_FILES = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
        *(errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST),
        *(errno.EMFILE, errno.ENFILE),
    }
)
"""Errors of the system that say what a disk, a folder or a file is like, which the user can change."""


def is_lost_reader(error: BaseException) -> bool:
    """Says whether an error means that a process that reads images was killed.

    Torch raises it from a signal's handler, so it comes up wherever the main process happens to be.
    """
    return isinstance(error, RuntimeError) and "DataLoader worker" in str(error)


def is_users_mistake(error: BaseException) -> bool:
    """Says whether an error's message is for the user, without a traceback."""
    of_files = isinstance(error, OSError) and error.errno in STATES_OF_FILES
    return of_files or isinstance(error, BenchError | DataError | DetectorError)


def message_of(error: BaseException) -> str:
    """Says what is wrong, and of an error of the system with which file."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    file = error.filename2 or error.filename
    return (
        f"{error.strerror}: {file if isinstance(file, str) else os.fsdecode(file)}." if file else f"{error.strerror}."
    )
