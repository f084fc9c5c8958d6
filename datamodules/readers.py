"""Which image each process that reads is on, so that the death of one can be told with the image's name."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.data import get_worker_info

CLOSED = (ConnectionResetError, EOFError)
"""What the main process finds where it was just receiving what a killed reader had read."""
SIGNAL_SECONDS = 2.0
"""How long the signal of a process's death is waited for."""


class Readers:
    """A process id and a position for each process, in memory that all of them share.

    Args:
        count: Number of processes.
    """

    def __init__(self, count: int) -> None:
        self._slots = torch.zeros(count, 2, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    @contextmanager
    def on(self, index: int) -> Iterator[None]:
        """Notes, in a process that reads, which position it is at; in the main process nothing."""
        worker = get_worker_info()
        if worker is None:
            yield
            return
        slot = self._slots[worker.id]
        slot[0], slot[1] = os.getpid(), index + 1
        yield
        slot[1] = 0

    def lost(self, error: BaseException) -> list[int]:
        """Returns the positions at which those processes were that torch's error names; none where it names none.

        After one of `CLOSED`, torch's handler of signals raises the error that names it a moment later.
        """
        if isinstance(error, CLOSED):
            try:
                time.sleep(SIGNAL_SECONDS)
            except RuntimeError as told:
                error = told
        named = {int(number) for number in re.findall(r"\d+", str(error).partition("pid")[2])}
        return sorted(index - 1 for process, index in self._slots.tolist() if process in named and index)
