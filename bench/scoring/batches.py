"""Which images go into a batch together, and which process scores it."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def plan_batches(
    absent: NDArray[np.bool_], batch_size: int, rank: int = 0, world_size: int = 1
) -> list[NDArray[np.intp]]:
    """Groups the images that need work into batches in which all need the same work.

    Then every detector of a batch sees the same tensor, and the clean backbone pass is shared. Each image goes to one
    rank, none is repeated to even the ranks; a rank that has less to do gets empty batches instead, so that all ranks
    take the same number of steps. ``absent`` is ``(n_items, n_entries)``, true where a score is missing.

    Returns:
        Positions of this rank's images, batch by batch; at least one batch, so that the loop runs.

    Examples:
        >>> absent = np.ones((5, 2), dtype=bool)
        >>> [batch.tolist() for batch in plan_batches(absent, 2, rank=0, world_size=2)]
        [[0, 2], [4]]
        >>> [batch.tolist() for batch in plan_batches(absent, 2, rank=1, world_size=2)]
        [[1, 3], []]
    """
    batches, steps = [], 0
    for rows in work_patterns(absent):
        share = rows[rank::world_size]
        batches += [share[start : start + batch_size] for start in range(0, len(share), batch_size)]
        steps += math.ceil(len(rows[::world_size]) / batch_size)  # rank 0 has the most
    return batches + [np.empty(0, dtype=np.intp)] * (max(steps, 1) - len(batches))


def work_patterns(absent: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Yields the images of each combination of missing scores, in order."""
    needy = np.flatnonzero(absent.any(axis=1))
    packed = np.packbits(absent[needy], axis=1)
    _, pattern = np.unique(packed, axis=0, return_inverse=True)
    for value in range(pattern.max() + 1 if len(pattern) else 0):
        yield needy[pattern.reshape(-1) == value]
