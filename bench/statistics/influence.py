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

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    if any(not np.array_equal(seed.groups, seeds[0].groups) for seed in seeds):
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
    together = [replace(influence, n_real=n_real, n_generated=n_generated) for influence in _on_union(influences)]
    values = np.zeros(len(together[0].groups))
    for share, influence in zip(weight, together, strict=True):
        values += share * influence.values
    return replace(together[0], value=value, values=values, seeds=seeds)


def aligned(first: InfluenceValues, second: InfluenceValues) -> tuple[InfluenceValues, InfluenceValues]:
    """Puts two on the union of their groups: a group that one did not see has no influence on it."""
    one, other = _on_union([first, second])
    return one, other


def _on_union(influences: Sequence[InfluenceValues]) -> list[InfluenceValues]:
    """Puts several on the union of their groups, with the strata of all of them together."""
    first = influences[0]
    names = ("groups", "classes", "strata")
    if all(np.array_equal(getattr(other, name), getattr(first, name)) for other in influences[1:] for name in names):
        return list(influences)
    union, codes = _coded(np.concatenate([influence.groups for influence in influences]))
    cuts = np.cumsum([len(influence.groups) for influence in influences])[:-1]
    where = np.split(codes, cuts)
    classes, strata = np.zeros((2, len(union)), dtype=np.int64)
    freedom = np.ones(len(union))
    for at, influence in zip(where, influences, strict=True):
        there = influence.classes > 0
        classes[at] |= influence.classes
        freedom[at[there]] = np.minimum(freedom[at[there]], influence.freedom[there])
        code = np.zeros(len(union), dtype=np.int64)
        code[at] = influence.strata
        _, strata = _coded(strata * (1 + code.max()) + code)
    return [
        replace(
            influence,
            groups=union,
            values=_summed(at, influence.values, len(union)),
            classes=classes,
            strata=strata,
            freedom=freedom,
        )
        for at, influence in zip(where, influences, strict=True)
    ]


class Placed:
    """The images of a contrast in the order of their scores, sorted once for every metric.

    Raises:
        ValueError: If a class is missing, a score is not finite, or lengths differ.
    """

    def __init__(self, contrast: Contrast) -> None:
        labels, scores = checked(contrast.labels, contrast.scores)
        reason = undefined_reason(labels)
        if reason is not None:
            raise ValueError(f"A contrast needs images of both classes, got {reason}.")
        self.generated = labels == 1
        self.groups, self.codes = _coded(np.asarray(contrast.groups))
        if len(self.codes) != len(labels):
            raise ValueError(f"Every image needs a group, got {len(self.codes)} groups and {len(labels)} labels.")
        order = np.argsort(scores)
        ascending = scores[order]
        new = np.concatenate([[0], ascending[1:] != ascending[:-1]])
        self.block = np.empty(len(scores), dtype=np.int64)
        self.block[order] = np.cumsum(new)
        n_blocks = int(new.sum()) + 1
        of_generated = np.bincount(self.block[self.generated], minlength=n_blocks)
        self.counts = (np.bincount(self.block, minlength=n_blocks) - of_generated, of_generated)
        holds = [
            np.bincount(self.codes[its], minlength=len(self.groups)) > 0 for its in (~self.generated, self.generated)
        ]
        self.n_groups = tuple(int(np.count_nonzero(groups)) for groups in holds)
        self.classes = holds[0] + 2 * holds[1].astype(np.int64)

    def auroc(self) -> InfluenceValues:
        """Returns the AUROC and its influences."""
        real, generated = (count.astype(np.float64) for count in self.counts)
        m, n = real.sum(), generated.sum()
        below = np.cumsum(real) - real / 2
        above = n - np.cumsum(generated) + generated / 2
        value = float(np.sum(generated * below) / (m * n))
        of_real, of_generated = (above / n - value) / m, (below / m - value) / n
        return self._grouped(value, np.where(self.generated, of_generated[self.block], of_real[self.block]))

    def auroc_within(self, strata: ArrayLike) -> InfluenceValues:
        """Returns the AUROC over the pairs of images of one stratum, and its influences.

        A ratio: pairs in order by the ``D`` pairs. So a real image of a stratum with ``n_s`` generated images has the
        influence ``n_s (V10 - A) / D``, where ``V10`` is within the stratum, and a generated one ``m_s (V01 - A) / D``.

        Args:
            strata: ``(n,)`` names or numbers.

        Raises:
            ValueError: If no stratum holds both classes.
        """
        stratum = np.unique(np.asarray(strata), return_inverse=True)[1]
        pairs, in_order = np.zeros(len(stratum)), np.zeros(len(stratum))
        for number in range(stratum.max() + 1):
            real, generated = (np.flatnonzero((stratum == number) & (self.generated == side)) for side in (False, True))
            below, above = np.sort(self.block[real]), np.sort(self.block[generated])
            pairs[real], pairs[generated] = len(generated), len(real)
            left, right = (np.searchsorted(below, self.block[generated], side) for side in ("left", "right"))
            in_order[generated] = (left + right) / 2
            left, right = (np.searchsorted(above, self.block[real], side) for side in ("left", "right"))
            in_order[real] = len(generated) - (left + right) / 2
        total = pairs[self.generated].sum()
        if not total:
            raise ValueError("No stratum holds images of both classes.")
        value = float(in_order[self.generated].sum() / total)
        return self._grouped(value, (in_order - value * pairs) / total)

    def average_precision(self, positive: Positive, balanced: bool = False) -> InfluenceValues:
        """Returns the average precision and its derivatives by the images' weights, centred within classes.

        ``AP = sum_b p_b / N * T_b / (T_b + F_b)`` over blocks ``b`` of tied scores from strict to lenient: ``p_b`` of
        the ``N`` positives lie in it, ``T_b`` positives and ``F_b`` negatives in it or before. ``balanced`` counts
        shares of the classes in the place of images.
        """
        strict_first = slice(None, None, -1) if positive == "generated" else slice(None)
        hit = self.generated if positive == "generated" else ~self.generated
        counts = [
            self.counts[its][strict_first].astype(np.float64) for its in (positive == "generated", positive == "real")
        ]
        # What an image weighs in each class.
        unit = [1 / count.sum() for count in counts] if balanced else [1.0, 1.0]
        positives, negatives = (count * weight for count, weight in zip(counts, unit, strict=True))
        true, false, total = np.cumsum(positives), np.cumsum(negatives), positives.sum()
        called = true + false
        value = float(np.sum(positives * true / called) / total)
        # A block's weight enters the precision of its own block and of all more lenient ones.
        of_true = np.cumsum((positives * false / called**2)[::-1])[::-1] / total
        of_false = -np.cumsum((positives * true / called**2)[::-1])[::-1] / total
        of_hit = ((true / called - value) / total + of_true)[strict_first]
        influences = np.where(hit, unit[0] * of_hit[self.block], unit[1] * of_false[strict_first][self.block])
        for images in (hit, ~hit):
            influences[images] -= influences[images].mean()
        return self._grouped(value, influences)

    def _grouped(self, value: float, influences: Floats) -> InfluenceValues:
        """Sums the images' influences within groups, those of each class with its factor."""
        n_real, n_generated = self.n_groups
        factors = [math.sqrt(n / (n - 1)) if n > 1 else 1.0 for n in self.n_groups]
        scaled = influences * np.where(self.generated, factors[1], factors[0])
        values = _summed(self.codes, scaled, len(self.groups))
        of_class = np.array([1.0, n_real, n_generated, min(n_real, n_generated)])
        freedom = 1 - 1 / of_class[self.classes]
        sizes = float(n_real), float(n_generated)
        return InfluenceValues(value, self.groups, values, self.classes, self.classes, freedom, *sizes, (value,))


def _coded(groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Returns the distinct groups, sorted, and the position of each image's group among them."""
    if groups.dtype.kind not in "iu" or not len(groups) or groups.min() < 0 or groups.max() > 10 * len(groups) + 1000:
        return np.unique(groups, return_inverse=True)
    there = np.bincount(groups) > 0
    return np.flatnonzero(there).astype(groups.dtype), (np.cumsum(there) - 1)[groups]


def _summed(codes: NDArray[np.intp], values: Floats, n: int) -> Floats:
    return np.bincount(codes, weights=values, minlength=n).astype(np.float64)
