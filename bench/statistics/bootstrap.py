"""Bootstrap over groups: how far a number would move with other images of the same kind.

Images that share a source photograph, a prompt or a near-duplicate are one group and are drawn together. One set of
draws serves all generators, detectors and seeds, so that differences and means over them are paired: in each draw
every number is computed from the same images.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from bench.statistics.standard_errors import over_images_and_seeds

Floats = NDArray[np.float64]
Counts = NDArray[np.int16]

Group = TypeVar("Group", str, int)

# With fewer groups, percentile intervals are too short to be called 95 % (see docs/statistics.md).
FEWEST_GROUPS = 10
# Groups of the negative class to be expected beyond a threshold, for the same reason (see docs/statistics.md).
# Intervals of thresholds from held-out images need 5 as well (`bench.results.thresholds.rules.interval_refusal`).
FEWEST_BEYOND = 5
# Groups of the other class, whose share beyond the threshold is measured: one of them is 5 %.
FEWEST_MEASURED = 20
# Share of the draws that may lack a class before an interval over the others would mislead.
MOST_UNDEFINED = 0.01
# Counts of the groups are kept for the next call up to this many bytes, and drawn again beyond.
LARGEST_HELD = 400_000_000
CHUNK_CELLS = 2**25


class Interval(NamedTuple):
    """Both ends of an interval; nan where there is none."""

    low: float
    high: float


class GroupBootstrap:
    """Draws groups with replacement, within strata by the classes that a group holds.

    The three strata (groups of real images only, of generated images only, of both) keep their numbers of groups in
    every draw. Draw ``d`` comes from its own random stream ``(seed, d)`` and from the groups in sorted order: it
    depends neither on the order of the images, nor on the number of draws, nor on how the draws are cut in chunks.

    Args:
        groups: The group of each image.
        labels: The label of each image, 0 for real and 1 for generated.

    Raises:
        ValueError: If the lengths differ, a label is neither 0 nor 1, or there are no draws.

    Examples:
        >>> bootstrap = GroupBootstrap(["a", "a", "b", "c"], [0, 0, 0, 1], draws=3)
        >>> bootstrap.weights([0, 1, 2, 3]).sum(axis=1) >= 3
        array([ True,  True,  True])
    """

    def __init__(self, groups: Sequence[str], labels: Sequence[int], draws: int = 2000, seed: int = 0) -> None:
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}.")
        real, generated = _members(groups, labels)
        index = {name: position for position, name in enumerate(sorted(real | generated))}
        self.draws, self.seed, self._n_groups = draws, seed, len(index)
        self.labels = np.asarray(labels, dtype=np.int64)
        self._group_of_row = np.array([index[group] for group in groups], dtype=np.intp)
        strata = (real - generated, generated - real, real & generated)
        self._strata = [np.array(sorted(index[name] for name in names), dtype=np.intp) for names in strata]

    def weights(self, rows: ArrayLike) -> Counts:
        """Counts how often images are drawn, given their ``(n,)`` positions in ``groups``, in any order.

        Returns:
            ``(draws, n)`` counts; two bytes each, so see `chunks` for many images.
        """
        return np.concatenate(list(self.chunks(rows)))

    def chunks(self, rows: ArrayLike, size: int | None = None) -> Iterator[Counts]:
        """Yields `weights` in chunks of ``size`` draws, by default of some 64 MB."""
        groups = self._group_of_row[np.asarray(rows, dtype=np.intp)]
        size = size or max(1, CHUNK_CELLS // max(len(groups), self._n_groups, 1))
        for start in range(0, self.draws, size):
            stop = min(start + size, self.draws)
            counts = self._held[start:stop] if self._can_hold else self._drawn(start, stop)
            yield counts[:, groups]

    @property
    def _can_hold(self) -> bool:
        return 2 * self.draws * self._n_groups <= LARGEST_HELD

    @cached_property
    def _held(self) -> Counts:
        return self._drawn(0, self.draws)

    def _drawn(self, start: int, stop: int) -> Counts:
        counts = np.zeros((stop - start, self._n_groups), dtype=np.int16)
        for row, draw in zip(counts, range(start, stop), strict=True):
            stream = np.random.default_rng((self.seed, draw))
            for members in self._strata:
                picked = stream.integers(max(len(members), 1), size=len(members))
                row[members] = np.bincount(picked, minlength=len(members))
        return counts


def interval(replicates: ArrayLike, level: float = 0.95) -> Interval:
    """Takes the percentile interval of the replicates.

    Too short where a metric is close to its bound (see docs/statistics.md). So AUROCs have
    `bench.statistics.intervals.auroc_interval`, and an AP may have `bench.statistics.intervals.bounded_interval`.
    Undefined replicates (nan: the draw lacked a class) are left out up to 1 %; beyond, both ends are nan.

    Examples:
        >>> interval(range(101), level=0.5)
        Interval(low=25.0, high=75.0)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    values = np.asarray(replicates, dtype=np.float64)
    defined = values[~np.isnan(values)]
    if len(defined) == 0 or len(defined) < (1 - MOST_UNDEFINED) * len(values):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def widened(images: Interval, value: float, sd: float, seeds: Sequence[float], level: float = 0.95) -> Interval:
    """Adds the error over seeds to an interval over images, for the mean over seeds; it stays within [0, 1].

    Both arms grow by the ratio of the errors (see `bench.statistics.standard_errors`), and of the quantiles of
    Student's and the normal distribution. ``value`` is the mean over seeds, ``sd`` the standard deviation of the
    bootstrap replicates; with one seed the spread over seeds is unknown, and the interval stays as it is.
    """
    if len(seeds) < 2 or sd <= 0:
        return images
    se, df = over_images_and_seeds(sd**2, float("inf"), [seeds])
    tail = (1 + level) / 2
    factor = se / sd * float(t.ppf(tail, df)) / float(norm.ppf(tail))
    low, high = value - factor * (value - images.low), value + factor * (images.high - value)
    return Interval(max(float(low), 0.0), min(float(high), 1.0))


def tpr_reason(n_negative: int, n_positive: int, fpr: float) -> str | None:
    """Says why so many groups of the two classes cannot carry a TPR at a FPR, or returns None where they can.

    Examples:
        >>> tpr_reason(96, 96, 0.05)
        '5 % of 96 independent groups are fewer than 5: too few for a threshold there'
        >>> tpr_reason(100, 12, 0.05)
        'fewer than 20 independent groups (12) to measure a rate on'
        >>> tpr_reason(100, 20, 0.05)
    """
    if fpr * n_negative < FEWEST_BEYOND:
        share = f"{100 * fpr:g} % of {n_negative} independent groups"
        return f"{share} are fewer than {FEWEST_BEYOND}: too few for a threshold there"
    if n_positive < FEWEST_MEASURED:
        return f"fewer than {FEWEST_MEASURED} independent groups ({n_positive}) to measure a rate on"
    return None


def n_groups(groups: Sequence[Group], labels: Sequence[int]) -> tuple[int, int]:
    """Counts the groups that hold real images, and those that hold generated ones; a group may be in both counts."""
    real, generated = _members(groups, labels)
    return len(real), len(generated)


def no_interval_reason(groups: Sequence[str], labels: Sequence[int]) -> str | None:
    """Says why these images are too few for an interval, or returns None where they are enough.

    Examples:
        >>> no_interval_reason(["a", "a", "b"], [0, 0, 1])
        'fewer than 10 independent groups among the real images (1)'
    """
    return groups_reason(*n_groups(groups, labels))


def groups_reason(n_real: int, n_generated: int) -> str | None:
    """Says why so many groups with real and with generated images are too few for an interval, if they are."""
    for name, number in (("real", n_real), ("generated", n_generated)):
        if number < FEWEST_GROUPS:
            return f"fewer than {FEWEST_GROUPS} independent groups among the {name} images ({number})"
    return None


def _members(groups: Sequence[Group], labels: Sequence[int]) -> tuple[set[Group], set[Group]]:
    """Returns the groups that hold real images and those that hold generated ones."""
    if len(groups) != len(labels):
        raise ValueError(f"Every image needs a group and a label, got {len(groups)} groups and {len(labels)} labels.")
    members: tuple[set[Group], set[Group]] = (set(), set())
    for group, label in zip(groups, labels, strict=True):
        if label not in (0, 1):
            raise ValueError(f"labels must be 0 (real) or 1 (generated), got {label}.")
        members[int(label)].add(group)
    return members
