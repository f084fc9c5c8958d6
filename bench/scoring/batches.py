"""Which images make a batch, and which device gets them."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

STRETCH = 32
"""Images are dealt to the devices in stretches of so many for each."""


def plan_batches(
    absent: NDArray[np.bool_],
    batch_size: int,
    rank: int = 0,
    world_size: int = 1,
    sizes: NDArray[np.float64] | None = None,
) -> list[NDArray[np.intp]]:
    """Groups the images that need work into batches in which all need the same work.

    Then every detector of a batch sees the same tensor, and the clean backbone pass is shared. Each image goes to one
    rank, none is repeated to even the ranks; a rank that has less to do gets empty batches instead, so that all ranks
    take the same number of steps.

    Args:
        absent: ``(n_items, n_entries)``, true where a score is missing.
        batch_size: Images in a batch.
        rank: Whose batches are planned.
        world_size: Number of ranks.
        sizes: ``(n_items,)``, of files in bytes, by which ranks get as much as each other; nan where not known.

    Returns:
        Positions of this rank's images, batch by batch; at least one batch, so that the loop runs.

    Examples:
        >>> absent = np.ones((5, 2), dtype=bool)
        >>> [batch.tolist() for batch in plan_batches(absent, 2, rank=0, world_size=2)]
        [[0, 2], [4]]
        >>> [batch.tolist() for batch in plan_batches(absent, 2, rank=1, world_size=2)]
        [[1, 3], []]
        >>> [plan_batches(absent, 4, rank, 2, np.array([9.0, 1, 9, 1, 1]))[0].tolist() for rank in range(2)]
        [[0, 1, 4], [2, 3]]
    """
    batches, steps = [], 0
    for rows in work_patterns(absent):
        ranks = _dealt(np.full(len(rows), np.nan) if sizes is None else sizes[rows], world_size)
        share = rows[ranks == rank]
        batches += [share[start : start + batch_size] for start in range(0, len(share), batch_size)]
        steps += math.ceil(np.bincount(ranks).max() / batch_size)
    return batches + [np.empty(0, dtype=np.intp)] * (max(steps, 1) - len(batches))


def _dealt(sizes: NDArray[np.float64], world_size: int) -> NDArray[np.intp]:
    """Deals images to ranks: of each stretch the largest first, one to each rank in turn, the least laden rank first.

    Stretches are short, so that ranks read on in the order of the list, and no rank gets more than one image more than
    another.
    """
    if world_size == 1 or np.isnan(sizes).all():
        return np.arange(len(sizes), dtype=np.intp) % world_size
    weights = np.nan_to_num(sizes, nan=float(np.nanmean(sizes)))
    stretches = np.arange(len(sizes)) // (STRETCH * world_size)
    places = np.lexsort((-weights, stretches))
    ordered, load, dealt = weights[places].tolist(), [0.0] * world_size, list[int]()
    for start in range(0, len(ordered), world_size):
        turn = sorted(range(world_size), key=load.__getitem__)
        for rank, weight in zip(turn, ordered[start : start + world_size], strict=False):
            load[rank] += weight
            dealt.append(rank)
    ranks = np.empty(len(sizes), dtype=np.intp)
    ranks[places] = dealt
    return ranks


def work_patterns(absent: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Yields the images of each combination of missing scores, in order."""
    needy = np.flatnonzero(absent.any(axis=1))
    packed = np.packbits(absent[needy], axis=1)
    _, pattern = np.unique(packed, axis=0, return_inverse=True)
    for value in range(pattern.max() + 1 if len(pattern) else 0):
        yield needy[pattern.reshape(-1) == value]
