"""The operating points of a detector, one for each distinct score, for many weightings at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Draws are worked through in chunks of about this many cells; at some eight float64 arrays a chunk holds 70 MB.
CELLS = 2**20


@dataclass(frozen=True)
class Curve:
    """``(draws, points)`` weights of positive and of negative images at or above each distinct score, from 0 up."""

    tps: Floats
    fps: Floats

    def totals(self) -> tuple[Floats, Floats]:
        """Returns the weight of all positive and of all negative images, ``(draws,)``; nan where there is none."""
        positives, negatives = self.tps[:, -1], self.fps[:, -1]
        return np.where(positives > 0, positives, np.nan), np.where(negatives > 0, negatives, np.nan)

    def rates(self) -> tuple[Floats, Floats]:
        """Returns true and false positive rates, ``(draws, points)``; nan where a class is missing."""
        positives, negatives = self.totals()
        return self.tps / positives[:, None], self.fps / negatives[:, None]


def curves_of(is_positive: NDArray[np.bool_], ascending: Floats, weights: NDArray[Any]) -> Iterator[Curve]:
    """Yields the curves of some draws after another, so that memory stays bounded.

    Args:
        is_positive: ``(n,)``, which images are of the positive class.
        ascending: ``(n,)``, lower means more likely positive.
        weights: ``(draws, n)``, finite and not negative.

    Raises:
        ValueError: If a weight is not finite, or negative.
    """
    order = np.argsort(ascending)
    ordered, positive = ascending[order], is_positive[order].astype(np.float64)
    # The last image of each run of ties; equality, because a difference of huge scores overflows.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], np.ones(min(len(order), 1), dtype=bool)))
    rows = max(1, CELLS // max(1, len(order)))
    for start in range(0, len(weights), rows):
        weight = weights[start : start + rows][:, order].astype(np.float64)
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise ValueError("weights must be finite and not negative.")
        yield Curve(_cumulated(weight * positive, ends), _cumulated(weight * (1 - positive), ends))


def _cumulated(weights: Floats, ends: NDArray[np.intp]) -> Floats:
    totals = np.zeros((len(weights), len(ends) + 1))
    if len(ends) == weights.shape[1]:
        np.cumsum(weights, axis=-1, out=totals[:, 1:])
    else:
        totals[:, 1:] = np.cumsum(weights, axis=-1)[:, ends]
    return totals
