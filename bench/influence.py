"""What each image contributes to an AUROC or an average precision: DeLong's placement values, summed within groups.

For a generator with ``m`` real and ``n`` generated images and AUROC ``A``, a real image has the placement value
``V10``, the share of generated images that score above it (ties count one half), a generated image ``V01``, the share
of real images below it. In the mean over ``G`` generators a real image carries the influence
``sum_g (V10_g - A_g) / (G m_g)`` over the generators it faces, a generated one ``(V01_g - A_g) / (G n_g)``; so reals
may be shared between generators or not. Influences are summed within groups, and over ``C`` groups the variance is
``C / (C - 1) * sum of squares``. Where each image is its own group this is DeLong's variance, but for his factors
``m / (m - 1)`` and ``n / (n - 1)`` of the two classes.

An average precision's influences are its derivatives by the images' weights (the infinitesimal jackknife), centred
within each class. `bench.inference` draws the conclusions.

References:
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845. Clusters: Obuchowski, Biometrics 53 (1997)
    567-578. Infinitesimal jackknife: Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.metrics import Positive, auroc, average_precision, undefined_reason

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
        groups: ``(C,)`` the groups, sorted.
        values: ``(C,)`` sum of the influences of the images of each group.
        n_real: Number of groups with real images, averaged over generators.
        n_generated: Number of groups with generated images, averaged over generators.
        seeds: ``(S,)`` value for each seed.
    """

    value: float
    groups: NDArray[Any]
    values: Floats
    n_real: float
    n_generated: float
    seeds: tuple[float, ...]


def auroc_influence(contrasts: Sequence[Contrast]) -> InfluenceValues:
    """Computes the mean AUROC over generators and the influence of each group on it.

    Args:
        contrasts: One for each generator; a real image that faces several must have the same group in each.

    Returns:
        The mean and the influences, for one seed.

    Raises:
        ValueError: If there is no contrast, or one lacks a class.

    Examples:
        >>> influence = auroc_influence([Contrast([0, 0, 1, 1], [1.0, 3.0, 2.0, 4.0], ["a", "b", "c", "d"])])
        >>> influence.value, influence.values.tolist()
        (0.75, [0.125, -0.125, -0.125, 0.125])
    """
    return combined([_grouped(contrast, *_auroc_influences(*_arrays(contrast))) for contrast in contrasts])


def ap_influence(contrasts: Sequence[Contrast], positive: Positive) -> InfluenceValues:
    """Computes the mean average precision over generators and the influence of each group on it.

    Args:
        contrasts: As for `auroc_influence`.
        positive: The class to be retrieved.

    Returns:
        As `auroc_influence` does.

    Raises:
        ValueError: If there is no contrast, or one lacks a class.
    """
    return combined([_grouped(contrast, *_ap_influences(*_arrays(contrast), positive)) for contrast in contrasts])


def mean_over_seeds(seeds: Sequence[InfluenceValues]) -> InfluenceValues:
    """Averages a detector's seeds on the same images; the spread of their values enters `standard_error`."""
    first = seeds[0]
    if any(not np.array_equal(one.groups, first.groups) for one in seeds):
        raise ValueError("Seeds can be averaged on the same groups of images only.")
    values = tuple(one.value for one in seeds)
    influences = np.mean([one.values for one in seeds], axis=0)
    return InfluenceValues(float(np.mean(values)), first.groups, influences, first.n_real, first.n_generated, values)


def combined(influences: Sequence[InfluenceValues], weights: Sequence[float] | None = None) -> InfluenceValues:
    """Adds up several metrics of one detector, such as its AUROCs over generators.

    Args:
        influences: With equally many seeds; a group that one of them lacks has no influence on it.
        weights: Of each; by default their mean is taken.

    Raises:
        ValueError: If there are none, or their numbers of seeds differ.
    """
    if not influences:
        raise ValueError("Expected at least one contrast, got none.")
    if len({len(one.seeds) for one in influences}) > 1:
        raise ValueError(f"Expected equally many seeds, got {[len(one.seeds) for one in influences]}.")
    weight = np.full(len(influences), 1 / len(influences)) if weights is None else np.asarray(weights, dtype=np.float64)
    groups, values = influences[0].groups, weight[0] * influences[0].values
    for share, one in zip(weight[1:], influences[1:], strict=True):
        if np.array_equal(groups, one.groups):
            values = values + share * one.values
            continue
        union = np.union1d(groups, one.groups)
        values = _spread(groups, values, union) + share * _spread(one.groups, one.values, union)
        groups = union
    seeds = tuple(float(value) for value in weight @ np.array([one.seeds for one in influences]))
    n_real, n_generated = np.mean([(one.n_real, one.n_generated) for one in influences], axis=0).tolist()
    value = float(weight @ np.array([one.value for one in influences]))
    return InfluenceValues(value, groups, values, n_real, n_generated, seeds)


def aligned(first: InfluenceValues, second: InfluenceValues) -> tuple[InfluenceValues, InfluenceValues]:
    """Puts two on the union of their groups: a group that one did not see has no influence on it."""
    if np.array_equal(first.groups, second.groups):
        return first, second
    union = np.union1d(first.groups, second.groups)
    one, other = (replace(of, groups=union, values=_spread(of.groups, of.values, union)) for of in (first, second))
    return one, other


def _spread(groups: NDArray[Any], values: Floats, union: NDArray[Any]) -> Floats:
    spread = np.zeros(len(union))
    spread[np.searchsorted(union, groups)] = values
    return spread


def _arrays(contrast: Contrast) -> tuple[NDArray[np.int64], Floats]:
    labels, scores = np.asarray(contrast.labels), np.asarray(contrast.scores, dtype=np.float64)
    reason = undefined_reason(labels)
    if reason is not None:
        raise ValueError(f"A contrast needs images of both classes, got {reason}.")
    return labels, scores


def _grouped(contrast: Contrast, value: float, influences: Floats) -> InfluenceValues:
    """Sums the images' influences within groups."""
    groups, codes = np.unique(np.asarray(contrast.groups), return_inverse=True)
    if len(codes) != len(influences):
        raise ValueError(f"Every image needs a group, got {len(codes)} groups and {len(influences)} images.")
    generated = np.asarray(contrast.labels) == 1
    sizes = [float(np.count_nonzero(np.bincount(codes[of], minlength=1))) for of in (~generated, generated)]
    values = np.bincount(codes, weights=influences, minlength=len(groups)).astype(np.float64)
    return InfluenceValues(value, groups, values, sizes[0], sizes[1], (value,))


def _auroc_influences(labels: NDArray[np.int64], scores: Floats) -> tuple[float, Floats]:
    """Returns the AUROC and the ``(n,)`` influences of the images on it."""
    value = auroc(labels, scores)
    real, generated = labels == 0, labels == 1
    m, n = np.count_nonzero(real), np.count_nonzero(generated)
    below, above = np.sort(scores[real]), np.sort(scores[generated])
    influences = np.empty(len(scores))
    influences[real] = ((n - _midrank(above, scores[real])) / n - value) / m
    influences[generated] = (_midrank(below, scores[generated]) / m - value) / n
    return value, influences


def _midrank(ascending: Floats, scores: Floats) -> Floats:
    """Counts how many of some sorted scores lie below each of others; equal ones count one half."""
    both = np.searchsorted(ascending, scores, "left") + np.searchsorted(ascending, scores, "right")
    return np.asarray(both / 2)


def _ap_influences(labels: NDArray[np.int64], scores: Floats, positive: Positive) -> tuple[float, Floats]:
    """Returns the average precision and the ``(n,)`` derivatives by the images' weights, centred within classes.

    ``AP = sum_b p_b / N * T_b / (T_b + F_b)`` over blocks ``b`` of tied scores from strict to lenient: ``p_b`` of the
    ``N`` positives lie in it, ``T_b`` positives and ``F_b`` negatives in it or before.
    """
    hit = labels == (1 if positive == "generated" else 0)
    _, block, sizes = np.unique(-scores if positive == "generated" else scores, return_inverse=True, return_counts=True)
    found = np.bincount(block, weights=hit, minlength=len(sizes))
    true, called, total = np.cumsum(found), np.cumsum(sizes), found.sum()
    # A block's weight enters the precision of its own block and of all more lenient ones.
    later_true = np.cumsum((found * (called - true) / called**2)[::-1])[::-1] / total
    later_false = -np.cumsum((found * true / called**2)[::-1])[::-1] / total
    value = average_precision(labels, scores, positive)
    influences = np.where(hit, ((true / called - value) / total + later_true)[block], later_false[block])
    for of in (hit, ~hit):
        influences[of] -= influences[of].mean()
    return value, influences
