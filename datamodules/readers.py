"""Which image each process that reads is on, so that the death of one can be told with the image's name."""

import ctypes
import multiprocessing
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils.data import get_worker_info


class Readers:
    """A process id and a position for each process, in memory that all of them share.

    Args:
        count: Number of processes.
    """

    def __init__(self, count: int) -> None:
        self._slots = multiprocessing.RawArray(ctypes.c_int64, 2 * count)

    @contextmanager
    def on(self, index: int) -> Iterator[None]:
        """Notes, in a process that reads, which position it is at; in the main process nothing."""
        worker = get_worker_info()
        if worker is None:
            yield
            return
        at = 2 * worker.id
        self._slots[at : at + 2] = [os.getpid(), index + 1]
        yield
        self._slots[at + 1] = 0

    def lost(self, error: BaseException) -> list[int]:
        """Returns the positions at which those processes were that torch's error names; none where it names none."""
        named = {int(number) for number in re.findall(r"\d+", str(error).partition("pid")[2])}
        pairs = zip(self._slots[::2], self._slots[1::2], strict=True)
        return sorted(index - 1 for process, index in pairs if process in named and index)
