"""The one loop over the files of a data set as they are, each read once."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import polars as pl
from torch.utils.data import DataLoader, Dataset

from datamodules.base import DetectionData
from datamodules.errors import ReaderLostError, loss_of
from datamodules.readers import Readers
from datamodules.reading import pillow_unlimited

Measured = TypeVar("Measured")
BATCH = 32


def measured_files(
    datamodule: DetectionData, items: pl.DataFrame, measure: Callable[[str, int, int | None], Measured]
) -> Iterator[Measured]:
    """Measures files in ``num_workers`` processes, each of which holds one at a time.

    Args:
        datamodule: The dataset.
        items: Rows with ``path``, ``label`` and ``bytes``.
        measure: Maps path, label and size, None where it is not known, to what is measured; whatever a file does to it
            is its own to catch.

    Yields:
        What was measured of each file, in order.

    Raises:
        ReaderLostError: A process was killed.
    """
    total, done = len(items), 0
    batches = [list(range(start, min(start + BATCH, total))) for start in range(0, total, BATCH)]
    workers = min(datamodule.num_workers, len(batches))
    readers = Readers(workers)
    files = _Files(items, measure, readers)
    stream = iter(DataLoader(files, batch_sampler=batches, num_workers=workers, collate_fn=list))
    while done < total:
        try:
            batch = next(stream)
        except RuntimeError as error:  # the loader's own: what a file raises is caught by ``measure``
            if "DataLoader worker" not in str(error):
                raise
            lost = [str(items["path"][index]) for index in readers.lost(error)]
            raise ReaderLostError(loss_of(lost)) from error
        done += len(batch)
        yield from batch


class _Files(Dataset[Measured], Generic[Measured]):
    def __init__(
        self, items: pl.DataFrame, measure: Callable[[str, int, int | None], Measured], readers: Readers
    ) -> None:
        # Arrow columns: compact, and safe in forked workers, where polars is not.
        self.columns = [items[name].to_arrow() for name in ("path", "label", "bytes")]
        self.measure, self.readers = measure, readers

    def __getitem__(self, index: int) -> Measured:
        path, label, size = (column[index].as_py() for column in self.columns)
        with self.readers.on(index), pillow_unlimited():
            return self.measure(path, label, size)
