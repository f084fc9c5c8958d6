"""What stops a run, in one line and with an exit code."""

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


LOST_READER = "A process that reads images was killed, often for want of memory: a smaller --num-workers takes less."


def is_lost_reader(error: BaseException) -> bool:
    """Says whether an error means that a process that reads images was killed.

    Torch raises it from a signal's handler, so it comes up wherever the main process happens to be.
    """
    return isinstance(error, RuntimeError) and "DataLoader worker" in str(error)


def is_users_mistake(error: BaseException) -> bool:
    """Says whether an error's message is for the user, without a traceback."""
    return isinstance(error, BenchError | DataError | DetectorError)
