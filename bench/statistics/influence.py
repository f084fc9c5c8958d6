"""What each image contributes to an AUROC or an average precision: DeLong's placement values, summed within groups.

For a generator with ``m`` real and ``n`` generated images and AUROC ``A``, a real image has the placement value
``V10``, the share of generated images that score above it (ties count one half), a generated image ``V01``, the share
of real images below it. In the mean over ``G`` generators a real image carries the influence
``sum_g (V10_g - A_g) / (G m_g)`` over the generators it faces, a generated one ``(V01_g - A_g) / (G n_g)``; so reals
may be shared between generators or not. Influences are summed within groups, and the squared sums are added up.

The two classes of a contrast may be of very different size, so each has its own factor: its influences are multiplied
by ``sqrt(M / (M - 1))``, where ``M`` is its number of groups. Where each image is its own group, the sum of squares is
DeLong's variance with his factors; a group that holds both classes, such as a photograph and its reconstruction, adds
twice the product of its two sums. How well a sum of squares is known depends on the class that it comes from, too:
groups that lie in the same classes of the same generators are a *stratum* (see `standard_error`).

An average precision's influences are its derivatives by the images' weights (the infinitesimal jackknife), centred
within each class: an error at this ratio of the classes, on which AP depends. Where groups are of unequal size, the
bootstrap of groups also varies that ratio, and its errors are larger (see docs/statistics.md).

`bench.statistics.intervals` draws the conclusions.

References:
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845. Clusters: Obuchowski, Biometrics 53 (1997)
    567-578. Infinitesimal jackknife: Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.statistics.ascending import Ascending, Between, Integers
from bench.statistics.layout import Layout, Member, Union, summed, union_of
from bench.statistics.metrics import Positive, checked, undefined_reason

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """A generator's images and the real images that they face.

    Attributes:
        labels: ``(n,)``, 0 for real and 1 for generated.
        scores: ``(n,)`` finite scores.
        groups: ``(n,)`` names, or codes, of what is independent.
    """

    labels: ArrayLike
    scores: ArrayLike
    groups: ArrayLike


@dataclass(frozen=True)
class InfluenceValues:
    """A mean AUROC and what each group of images contributes to its error.

    Attributes:
        value: The mean over generators (and seeds).
        groups: ``(C,)``, sorted.
        values: ``(C,)`` sum of the influences of the images of each group, with the factors of their classes.
        classes: ``(C,)``, 1 for a group of real images, 2 of generated ones, 3 of both; 0 where it took no part.
        strata: ``(C,)`` codes: alike for groups that lie in the same classes of the same generators.
        freedom: ``(C,)`` degrees of freedom that each group carries: ``1 - 1 / M`` in a class of ``M`` groups.
        n_real: Number of groups with real images, averaged over generators, as is ``n_generated``.
        seeds: ``(S,)`` value for each seed.
    """

    value: float
    groups: NDArray[Any]
    values: Floats
    classes: NDArray[np.int64]
    strata: NDArray[np.int64]
    freedom: Floats
    n_real: float
    n_generated: float
    seeds: tuple[float, ...]

    @cached_property
    def class_sizes(self) -> tuple[int, int]:
        """Numbers of groups with real images, and with generated ones, over all generators."""
        real, generated = (int(np.count_nonzero(self.classes & bit)) for bit in (1, 2))
        return real, generated

    @cached_property
    def stratum_freedom(self) -> Floats:
        """``(K,)`` degrees of freedom of each stratum."""
        return np.bincount(self.strata, weights=self.freedom).astype(np.float64)


def auroc_influence(contrasts: Sequence[Contrast]) -> InfluenceValues:
    """Computes the mean AUROC over generators and the influence of each group on it, for one seed.

    There is a contrast for each generator; a real image that faces several must have the same group in each.

    Raises:
        ValueError: If there is no contrast, or one lacks a class.

    Examples:
        >>> influence = auroc_influence([Contrast([0, 0, 1, 1], [1.0, 3.0, 2.0, 4.0], ["a", "b", "c", "d"])])
        >>> influence.value, round(float(sum(influence.values**2)), 6)  # DeLong's variance
        (0.75, 0.125)
    """
    return combined([Placed(contrast).auroc() for contrast in contrasts])


def mean_over_seeds(seeds: Sequence[InfluenceValues]) -> InfluenceValues:
    """Averages a detector's seeds on the same images; the spread of their values enters `standard_error`."""
    groups = seeds[0].groups
    if any(seed.groups is not groups and not np.array_equal(seed.groups, groups) for seed in seeds):
        raise ValueError("Seeds can be averaged on the same groups of images only.")
    values = tuple(seed.value for seed in seeds)
    influences = np.mean([seed.values for seed in seeds], axis=0)
    return replace(seeds[0], value=float(np.mean(values)), values=influences, seeds=values)


def combined(influences: Sequence[InfluenceValues], weights: Sequence[float] | None = None) -> InfluenceValues:
    """Adds up several metrics of one detector, such as its AUROCs over generators, or averages them without weights.

    A group that one of them lacks has no influence on it.

    Raises:
        ValueError: If there are none, or their numbers of seeds differ.
    """
    if not influences:
        raise ValueError("Expected at least one contrast, got none.")
    n_seeds = [len(influence.seeds) for influence in influences]
    if len(set(n_seeds)) > 1:
        raise ValueError(f"Expected equally many seeds, got {n_seeds}.")
    weight = np.full(len(influences), 1 / len(influences)) if weights is None else np.asarray(weights, dtype=np.float64)
    seeds = tuple((weight @ np.array([influence.seeds for influence in influences])).tolist())
    sizes = [(influence.n_real, influence.n_generated) for influence in influences]
    n_real, n_generated = np.mean(sizes, axis=0).tolist()
    value = float(weight @ np.array([influence.value for influence in influences]))
    union = union_of([_member(influence) for influence in influences])
    values = np.zeros(len(influences[0].groups if union is None else union.groups))
    for number, (share, influence) in enumerate(zip(weight, influences, strict=True)):
        at = slice(None) if union is None else union.places[number]
        values[at] += share * influence.values
    mean = replace(influences[0], value=value, seeds=seeds, n_real=n_real, n_generated=n_generated)
    return _on_union(mean, union, values)


def aligned(first: InfluenceValues, second: InfluenceValues) -> tuple[InfluenceValues, InfluenceValues]:
    """Puts two on the union of their groups: a group that one did not see has no influence on it."""
    union = union_of([_member(first), _member(second)])
    if union is None:
        return first, second
    one, two = (
        _on_union(influence, union, summed(at, influence.values, len(union.groups)))
        for influence, at in zip((first, second), union.places, strict=True)
    )
    return one, two


def _member(influence: InfluenceValues) -> Member:
    return Member(influence.groups, influence.classes, influence.strata, influence.freedom)


def _on_union(influence: InfluenceValues, union: Union | None, values: Floats) -> InfluenceValues:
    """Puts values on a union of groups; on the groups that are there without one."""
    if union is None:
        return replace(influence, values=values)
    return replace(
        influence, groups=union.groups, values=values, classes=union.classes, strata=union.strata, freedom=union.freedom
    )


class Placed:
    """The images of a contrast in the order of their scores, sorted once for every metric.

    Args:
        contrast: The images.
        layout: Their groups, where they are known.
        real: The sorted scores of its real images, where other contrasts have the same.

    Raises:
        ValueError: If a class is missing, a score is not finite, or lengths differ.
    """

    def __init__(self, contrast: Contrast, layout: Layout | None = None, real: Ascending | None = None) -> None:
        labels, self._scores = checked(contrast.labels, contrast.scores)
        reason = undefined_reason(labels) if layout is None else None
        if reason is not None:
            raise ValueError(f"A contrast needs images of both classes, got {reason}.")
        self.layout = layout or Layout(labels, np.asarray(contrast.groups))
        self.generated = self.layout.generated
        self.real = real or Ascending(self._scores[self.layout.rows[0]])
        self._classes = self.real, Ascending(self._scores[self.layout.rows[1]])
        self._between = Between(*self._classes)

    @property
    def levels(self) -> int:
        """Number of distinct scores."""
        return self._between.levels

    @property
    def block(self) -> NDArray[np.int64]:
        """``(n,)`` the block of tied scores of each image, from the lowest."""
        return np.unique(self._scores, return_inverse=True)[1]

    def auroc(self) -> InfluenceValues:
        """Returns the AUROC and its influences."""
        m, n = map(len, self._classes)
        # Twice the number of generated images below each real one, and of real ones below each generated one.
        of_real, of_generated = (np.add(*both) for both in zip(self._between.below, self._between.up_to, strict=True))
        value = float(of_generated.sum() / 2 / (m * n))
        return self._grouped(value, ((1 - value) - of_real / (2 * n)) / m, (of_generated / (2 * m) - value) / n)

    def auroc_within(self, strata: ArrayLike) -> InfluenceValues:
        """Returns the AUROC over the pairs of images of one stratum, and its influences.

        A ratio: pairs in order by the ``D`` pairs. So a real image of a stratum with ``n_s`` generated images has the
        influence ``n_s (V10 - A) / D``, where ``V10`` is within the stratum, and a generated one ``m_s (V01 - A) / D``.

        Args:
            strata: ``(n,)`` names or numbers.

        Raises:
            ValueError: If no stratum holds both classes.
        """
        stratum, block = np.unique(np.asarray(strata), return_inverse=True)[1], self.block
        pairs, in_order = np.zeros(len(stratum)), np.zeros(len(stratum))
        for number in range(stratum.max() + 1):
            real, generated = (np.flatnonzero((stratum == number) & (self.generated == side)) for side in (False, True))
            below, above = np.sort(block[real]), np.sort(block[generated])
            pairs[real], pairs[generated] = len(generated), len(real)
            left, right = (np.searchsorted(below, block[generated], side) for side in ("left", "right"))
            in_order[generated] = (left + right) / 2
            left, right = (np.searchsorted(above, block[real], side) for side in ("left", "right"))
            in_order[real] = len(generated) - (left + right) / 2
        total = pairs[self.generated].sum()
        if not total:
            raise ValueError("No stratum holds images of both classes.")
        value = float(in_order[self.generated].sum() / total)
        return self._summed(value, (in_order - value * pairs) / total)

    def average_precision(self, positive: Positive, balanced: bool = False) -> InfluenceValues:
        """Returns the average precision and its derivatives by the images' weights, centred within classes.

        ``AP = sum_i T_i / (T_i + F_i) / N`` over the ``N`` positives: ``T_i`` positives and ``F_i`` negatives are at
        least as strict as ``i``. ``balanced`` counts shares of the classes in the place of images.
        """
        at = 1 if positive == "generated" else 0
        positives, negatives = self._classes[at], self._classes[1 - at]
        if positive == "generated":
            true, false = len(positives) - positives.below, len(negatives) - self._between.below[at]
        else:
            true, false = positives.up_to, self._between.up_to[at]
        # What an image weighs in each class.
        hit, miss = (1 / len(positives), 1 / len(negatives)) if balanced else (1.0, 1.0)
        total = hit * len(positives)
        inverse = 1 / (hit * true + miss * false)
        precision = hit * true * inverse
        value = float(precision.mean())
        # An image's weight enters the precision of its own score and of all more lenient ones.
        of_hit = _lenient(miss * false * inverse * inverse, positives.up_to, positives.below, at)
        of_miss = _lenient(precision * inverse, self._between.up_to[1 - at], self._between.below[1 - at], at)
        of_hit = hit * ((precision - value) / total + of_hit / len(positives))
        of_miss *= -miss / len(positives)
        of_hit -= of_hit.mean()
        of_miss -= of_miss.mean()
        return self._grouped(value, *((of_miss, of_hit) if at else (of_hit, of_miss)))

    def _grouped(self, value: float, of_real: Floats, of_generated: Floats) -> InfluenceValues:
        """Sums the images' influences, each class in its order, within groups."""
        influences = np.empty(len(self._scores))
        for rows, side, of_class in zip(self.layout.rows, self._classes, (of_real, of_generated), strict=True):
            influences[rows] = of_class[side.rank]
        return self._summed(value, influences)

    def _summed(self, value: float, influences: Floats) -> InfluenceValues:
        layout = self.layout
        n_real, n_generated = map(float, layout.n_groups)
        groups = layout.groups, layout.summed(influences), layout.classes, layout.classes, layout.freedom
        return InfluenceValues(value, *groups, n_real, n_generated, (value,))


def _lenient(values: Floats, up_to: Integers, below: Integers, ascending: int) -> Floats:
    """Sums values in the order of scores over those at or below an image's or, not ascending, at or above it."""
    cumulated = np.zeros(len(values) + 1)
    if ascending:
        np.cumsum(values, out=cumulated[1:])
        return cumulated[up_to]
    np.cumsum(values[::-1], out=cumulated[-2::-1])
    return cumulated[below]
