"""Scores of one class in ascending order: sorted once for every contrast that the same images are in."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class Ascending:
    """The scores of some images, sorted.

    Attributes:
        scores: ``(n,)``, ascending.
        rank: ``(n,)``, the place of each image among them.
        levels: Number of distinct scores.
    """

    def __init__(self, scores: Floats) -> None:
        order = np.argsort(scores)
        self.scores = scores[order]
        self.rank = np.empty(len(order), dtype=np.intp)
        self.rank[order] = np.arange(len(order))
        new = self.scores[1:] != self.scores[:-1]
        self.levels = int(np.count_nonzero(new)) + min(len(order), 1)
        self._tied = self.levels < len(order)

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def below(self) -> Integers:
        """``(n,)``, how many of them are strictly below each, in their order."""
        return np.searchsorted(self.scores, self.scores, "left") if self._tied else np.arange(len(self))

    @cached_property
    def up_to(self) -> Integers:
        """``(n,)``, how many of them are at or below each, in their order."""
        return np.searchsorted(self.scores, self.scores, "right") if self._tied else np.arange(1, len(self) + 1)


class Between:
    """Where the scores of two classes lie among each other, both in their order.

    Attributes:
        below: How many of the second are strictly below each of the first, ``(m,)``, and of the first below each of the
            second, ``(n,)``.
        up_to: How many are at or below.
        levels: Number of distinct scores of both together.
    """

    def __init__(self, first: Ascending, second: Ascending) -> None:
        below = np.searchsorted(first.scores, second.scores, "left")
        equal = first.scores[np.minimum(below, len(first) - 1)] == second.scores
        up_to = np.searchsorted(first.scores, second.scores, "right") if equal.any() else below
        beyond = _counted(up_to, len(first))
        self.below = beyond, below
        self.up_to = (beyond if up_to is below else _counted(below, len(first))), up_to
        self.levels = first.levels + second.levels - len(np.unique(below[equal]))


def _counted(places: Integers, n: int) -> Integers:
    """Counts the places at or before each of ``n``."""
    return np.cumsum(np.bincount(places, minlength=n)[:n])
