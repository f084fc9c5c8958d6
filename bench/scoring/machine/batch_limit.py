"""How many images pass at once: halved whenever the device's memory does not suffice."""

import gc
import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from bench.errors import DetectorFailedError
from datamodules import Batch

Made = TypeVar("Made")
logger = logging.getLogger(__name__)
_ON_CPU = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


class BatchLimit:
    """Runs batches in parts that fit into memory, of ``most`` images to begin with."""

    def __init__(self, most: int) -> None:
        self.most = most

    def run(self, batch: Batch, work: Callable[[Batch], Made]) -> list[Made]:
        """Does something with a batch, part by part where it is too large.

        Args:
            batch: At least one image.
            work: Must leave nothing behind when it runs out of memory: its part is then done again in halves.

        Raises:
            DetectorFailedError: A single image needs more memory than there is.
        """
        done: list[Made] = []
        start = 0
        while start < len(batch):
            part = batch.part(start, start + self.most)
            too_large = False
            try:
                done.append(work(part))
                start += len(part)
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                too_large = True  # the error's frames hold tensors: they are freed before the next attempt
            if too_large:
                self._halve(part)
        return done

    def _halve(self, part: Batch) -> None:
        if len(part) == 1:
            raise DetectorFailedError(
                f"{part.path[0]} needs more memory than there is, even alone in its batch: take a smaller backbone or "
                f"view, or fewer detectors at once."
            )
        self.most = len(part) // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        logger.warning("Out of memory with %d images at once: going on with %d.", len(part), self.most)


def is_out_of_memory(error: BaseException) -> bool:
    """Says whether an error means that memory, the device's or the computer's, did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ON_CPU)
