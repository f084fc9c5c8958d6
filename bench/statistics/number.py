"""A number of a table: a value with its interval, or why it has none, and how it becomes columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import Interval
from bench.statistics.standard_errors import StandardError

ABOVE, BELOW, NOT_SEPARATED = "above", "below", "not separated"


@dataclass(frozen=True)
class Number:
    """A metric of one detector against one generator, or its mean over generators.

    Args:
        value: Mean over seeds; nan where it is undefined.
        interval: 95 % interval over images and seeds, or None.
        seeds_sd: Standard deviation over seeds, or None with one seed.
        reason: Why there is no value or no interval.
        doubt: Why the interval is approximate: it may hold in less than 93 % of data sets (see docs/statistics.md).
        error: Standard error over images and seeds, where it is known.
        seeds: The value of each seed.
        chance: What scores that know nothing would get; None where that is not known.
        n_groups: Numbers of groups with real and with generated images, means over generators for a mean.
    """

    value: float
    interval: Interval | None = None
    seeds_sd: float | None = None
    reason: str | None = None
    error: StandardError | None = None
    seeds: tuple[float, ...] = ()
    n_groups: tuple[float, float] = (0.0, 0.0)
    doubt: str | None = None
    chance: float | None = None

    @property
    def against_chance(self) -> str | None:
        """Where the interval lies: above or below chance, or not separated from it; None without an interval.

        Examples:
            >>> Number(0.31, Interval(0.25, 0.38), chance=0.5).against_chance
            'below'
        """
        if self.interval is None or self.chance is None:
            return None
        return (
            ABOVE if self.interval.low > self.chance else BELOW if self.interval.high < self.chance else NOT_SEPARATED
        )

    @property
    def chance_words(self) -> str:
        """How it stands against chance, in words; empty without an interval."""
        standing = self.against_chance
        return f"{standing}{' from' if standing == NOT_SEPARATED else ''} chance" if standing else ""

    @property
    def remark(self) -> str | None:
        """Why there is no value or no interval, or why the interval is approximate."""
        return self.reason or (f"approximate: {self.doubt}" if self.doubt else None)

    def columns(self, prefix: str = "") -> dict[str, float | None]:
        """Returns the columns of tables for programs: the value and the ends of its interval, None where undefined.

        The names of the ends begin with the prefix, which is the whole name of the value's column.

        Examples:
            >>> Number(0.75, Interval(0.5, 1.0)).columns()
            {'value': 0.75, 'low': 0.5, 'high': 1.0}
            >>> Number(float("nan")).columns("change")
            {'change': None, 'change_low': None, 'change_high': None}
        """
        low, high = self.interval or (None, None)
        start = f"{prefix}_" if prefix else ""
        return {prefix or "value": finite(self.value), f"{start}low": low, f"{start}high": high}


def sd_over_seeds(values: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Returns the standard deviation of one value for each seed, None with one seed."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def finite(value: float | None) -> float | None:
    """Returns None in the place of what is no finite number, as files for programs have it."""
    return value if value is not None and math.isfinite(value) else None
