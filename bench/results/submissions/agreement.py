"""Whether two submissions of one method gave the same scores.

Scores of one fingerprint differ between machines, since networks add their numbers in another order there: see
`TOLERANCE`. Differences are measured by the spread of the scores, which has the unit of neither a probability nor a
distance: their standard deviation, of those beyond the first and the last hundredth drawn in to it, so that one score
far away does not make all others equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cells = Mapping[tuple[str, int], Floats]
"""Scores by condition and seed, ``(n,)`` each, in the order of the task's images; nan of one that it leaves out."""
TOLERANCE = 1e-3
"""The largest difference of one image, in spreads, at which two submissions count as equal."""
FAR = 0.01
"""The share of scores on either side that is drawn in for the spread."""


@dataclass(frozen=True)
class Difference:
    """Where two submissions differ most.

    Args:
        image: The position of the image.
        scores: Of the first and the second submission.
        spreads: The difference in spreads of the scores; infinite where all scores of one are alike.
        shared: How many pairs of a condition and a seed both have.
    """

    condition: str
    seed: int
    image: int
    scores: tuple[float, float]
    spreads: float
    shared: int

    @property
    def within(self) -> bool:
        """Whether the two count as equal."""
        return self.spreads <= TOLERANCE


def difference_of(first: Cells, second: Cells) -> Difference | None:
    """Finds the largest difference over what both have scored; None where that is nothing."""
    shared = [cell for cell in first if cell in second]
    found = [_difference(cell, first[cell], second[cell], len(shared)) for cell in shared]
    return max(found, key=lambda difference: difference.spreads, default=None)


def spread_of(scores: Floats) -> float:
    """Measures how far scores lie apart."""
    low, high = np.quantile(scores, [FAR, 1 - FAR])
    return float(np.clip(scores, low, high).std() or scores.std())


def _difference(cell: tuple[str, int], first: Floats, second: Floats, shared: int) -> Difference:
    images = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    first, second = first[images], second[images]
    unit = max(np.abs(first).max(), np.abs(second).max()) or 1.0  # the square of a huge score is no number
    apart = np.abs(first / unit - second / unit)
    at = int(apart.argmax())
    spread = min(spread_of(first / unit), spread_of(second / unit))
    spreads = float(apart[at] / spread) if spread else (np.inf if apart[at] else 0.0)
    return Difference(*cell, int(images[at]), (float(first[at]), float(second[at])), spreads, shared)
