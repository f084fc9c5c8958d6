"""How many groups of images a paired test of two AUROCs needs to find a difference, from a pilot.

The test is that of `bench.statistics.intervals.paired_test`, at the level of the first step of Holm's procedure over
all pairs of a table (5 % by their number), and its power is 80 %: `smallest_difference` of a data set that is larger.
The pilot's squared error is a sum over strata, groups of real images only, of generated ones only, and of both. With
``a`` times as many groups of a class its strata are ``1 / a`` of what they were, and each of their degrees of freedom,
``c (1 - 1 / M)`` for ``c`` groups of a class of ``M``, becomes ``a c - c / M``. The error over seeds stays what it is:
a floor that no images remove.

What is taken from the pilot: the variance of the paired difference, the ratio of the generators, and, with several
seeds, their spread. How well it knows the first is in a range: the numbers that both ends of a 95 % interval of the
variance, by the chi-squared distribution with the degrees of freedom of the images, would ask for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from bench.statistics.bootstrap import FEWEST_GROUPS
from bench.statistics.influence import InfluenceValues, aligned
from bench.statistics.intervals import ZERO, PairedTest, smallest_difference
from bench.statistics.standard_errors import StandardError, over_images_and_seeds, satterthwaite

Floats = NDArray[np.float64]
REAL, GENERATED, BOTH = 1, 2, 3
"""Classes that a group holds, and which classes grow."""
MOST_TIMES = 1e6
"""Times the pilot's groups beyond which a number is not told."""
SEEDS, OTHER_CLASS, SHARED, TOO_MANY = (
    "the spread over seeds alone is too large: more seeds",
    "the error of the other class alone is too large",
    "groups hold both classes, which grow together",
    f"more than {MOST_TIMES:,.0f} times the pilot",
)


@dataclass(frozen=True)
class Pilot:
    """What a pilot knows of the difference of two detectors.

    Args:
        squares: ``(K,)`` sum of squared influences on the difference, for each stratum.
        counts: ``(K,)`` numbers of groups.
        freedom: ``(K,)`` degrees of freedom.
        classes: ``(K,)`` which classes its groups hold: ``REAL``, ``GENERATED`` or ``BOTH``.
        groups: Numbers of groups with real, and with generated images.
        fewest: The smallest of these for any generator.
        seeds: The AUROC of each seed, for each independent set of seeds.
    """

    squares: Floats
    counts: Floats
    freedom: Floats
    classes: NDArray[np.int64]
    groups: tuple[int, int]
    fewest: tuple[float, float]
    seeds: tuple[Sequence[float], ...]

    def error(self, real: float = 1.0, generated: float = 1.0, variance: float = 1.0) -> StandardError:
        """Computes the standard error of the difference, and its degrees of freedom, in a larger data set.

        Args:
            real: How many times the pilot's groups of real images there are; infinity for no error of theirs.
            generated: As many of generated images.
            variance: How many times the pilot's variance over images the true one is.
        """
        times = np.where(self.classes == GENERATED, generated, real)
        freedom = np.where(np.isinf(times), 1.0, self.freedom + self.counts * (np.where(np.isinf(times), 1, times) - 1))
        return over_images_and_seeds(*satterthwaite(variance * self.squares / times, freedom), self.seeds)


@dataclass(frozen=True)
class Needed:
    """Numbers of groups with real and with generated images that are needed, or why there are none."""

    real: int | None = None
    generated: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is needed to find a difference.

    Args:
        difference: Of two AUROCs.
        both: With both classes in the pilot's ratio.
        low: The same, if the variance were at the lower end of its interval.
        high: At the upper end.
        real_alone: With more real images alone.
        generated_alone: With more generated images alone.
    """

    difference: float
    both: Needed
    low: Needed
    high: Needed
    real_alone: Needed
    generated_alone: Needed


def pilot_of(first: InfluenceValues, second: InfluenceValues) -> Pilot:
    """Takes from the influence values of two detectors on the same images what a plan needs."""
    first, second = aligned(first, second)
    squared = (first.values - second.values) ** 2
    there = first.classes > 0
    _, codes = np.unique(first.strata[there], return_inverse=True)
    classes = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    classes[codes] = first.classes[there]
    counts = np.bincount(codes).astype(np.float64)
    sizes = 1 / np.maximum(1 - first.freedom, 1e-12)  # of the class that each group is in, against one generator
    fewest = [float(sizes[(first.classes & bit) > 0].min(initial=np.inf)) for bit in (REAL, GENERATED)]
    return Pilot(
        squares=np.bincount(codes, weights=squared[there]).astype(np.float64),
        counts=counts,
        freedom=np.bincount(codes, weights=first.freedom[there]).astype(np.float64),
        classes=classes,
        groups=first.class_sizes,
        fewest=(fewest[0], fewest[1]),
        seeds=(first.seeds, second.seeds),
    )


def plan(pilot: Pilot, difference: float, tests: int) -> Plan:
    """Says how many groups are needed to find a difference in a family of so many tests."""
    images = satterthwaite(pilot.squares, pilot.freedom)[1]
    low, high = (float(images / chi2.ppf(tail, images)) for tail in (0.975, 0.025))
    return Plan(
        difference,
        needed(pilot, difference, tests),
        needed(pilot, difference, tests, variance=low),
        needed(pilot, difference, tests, variance=high),
        needed(pilot, difference, tests, REAL),
        needed(pilot, difference, tests, GENERATED),
    )


def needed(pilot: Pilot, difference: float, tests: int, growing: int = BOTH, variance: float = 1.0) -> Needed:
    """Finds the fewest groups with which a difference is found in four of five data sets.

    There are never fewer than `FEWEST_GROUPS` in a class that grows, against any generator; the other class stays as in
    the pilot.

    Args:
        pilot: What is known.
        difference: Above 0.
        tests: Number of tests in the family of Holm's procedure.
        growing: ``BOTH`` in the pilot's ratio, ``REAL`` or ``GENERATED`` alone.
        variance: How many times the pilot's variance over images the true one is.
    """
    if growing != BOTH and (pilot.classes == BOTH).any():
        return Needed(reason=SHARED)

    def excess(times: float) -> float:
        real, generated = (times if growing & bit else 1.0 for bit in (REAL, GENERATED))
        se, df = pilot.error(real, generated, variance)
        return smallest_difference(PairedTest(0.0, se, df, 1.0, 0.0, 0.0), tests) - difference

    if excess(math.inf) >= 0:
        floor = pilot.error(math.inf, math.inf)
        alone = smallest_difference(PairedTest(0.0, *floor, 1.0, 0.0, 0.0), tests) if floor.se > ZERO else 0.0
        return Needed(reason=SEEDS if alone >= difference else OTHER_CLASS)
    least = FEWEST_GROUPS / min(
        size for bit, size in zip((REAL, GENERATED), pilot.fewest, strict=True) if growing & bit
    )
    if excess(MOST_TIMES) > 0:
        return Needed(reason=TOO_MANY)
    times = least
    if excess(least) > 0:
        times = math.exp(
            brentq(lambda power: excess(math.exp(power)), math.log(least), math.log(MOST_TIMES), xtol=1e-9)
        )
    real, generated = (
        math.ceil(times * count - 1e-6) if growing & bit else count
        for bit, count in zip((REAL, GENERATED), pilot.groups, strict=True)
    )
    return Needed(real, generated)
