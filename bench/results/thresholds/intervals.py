"""Intervals of shares of images above a threshold: accuracies, and false and true positive rates."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from bench.results.thresholds.halves import Counts
from bench.results.thresholds.rules import Floats
from bench.statistics.bootstrap import Interval, interval, widened
from bench.statistics.number import Number
from bench.store.panel import Part

CLOPPER_PEARSON, BOOTSTRAP = "Clopper-Pearson", "bootstrap"


def share_number(points: Floats, drawn: Floats, n_groups: int, reason: str | None) -> Number:
    """Makes a number of a share.

    Where every draw gives the same, 0 or 1, the bootstrap knows nothing of the images that are not there; the interval
    is then that of Clopper and Pearson for none, or all, of the groups of the smaller class, which holds for every
    mean of error rates.

    Args:
        points: ``(seeds,)`` values.
        drawn: ``(draws,)`` means over seeds.
        n_groups: Number of groups of the smallest class.
        reason: Why there is no interval.
    """
    value, seeds_sd = float(np.mean(points)), float(np.std(points, ddof=1)) if len(points) > 1 else None
    if reason is not None or np.isnan(value):
        return Number(value, None, seeds_sd, reason)
    found = interval(drawn)
    if np.isnan(found.low):
        return Number(value, None, seeds_sd, "too many bootstrap draws lack a class of a small generator")
    if found.low == found.high and value in (0, 1):
        found = _clopper_pearson(round(value * n_groups), n_groups)
    elif found.low == found.high:
        return Number(value, None, seeds_sd, "every bootstrap draw gives the same")
    else:
        found = widened(found, value, float(np.nanstd(drawn, ddof=1)), points.tolist())
    return Number(value, found, seeds_sd)


def binomial_fpr(part: Part, counts: Counts) -> Interval | None:
    """Computes the Clopper-Pearson interval of the FPR; with seeds of the mean count, rounded outwards.

    Returns:
        None where a group has several real images, which are then not independent, or there is none.
    """
    groups = part.groups[part.labels == 0]
    if len(groups) == 0 or len(np.unique(groups)) < len(groups):
        return None
    above = float(np.mean(counts.real_above))
    low, high = int(np.floor(above)), int(np.ceil(above))
    return Interval(_clopper_pearson(low, len(groups)).low, _clopper_pearson(high, len(groups)).high)


def union(parts: Sequence[Part], n_unreadable: int = 0) -> Part:
    """Takes the images of all parts, each once."""
    rows, first = np.unique(np.concatenate([part.rows for part in parts]), return_index=True)
    labels, groups = (np.concatenate([getattr(part, name) for part in parts])[first] for name in ("labels", "groups"))
    scores = np.concatenate([part.scores for part in parts], axis=1)[:, first]
    return Part(rows, labels, groups, scores, n_unreadable)


def same_reals(parts: Sequence[Part]) -> bool:
    """Says whether all face the same real images."""
    reals = [part.rows[part.labels == 0] for part in parts]
    return all(np.array_equal(rows, reals[0]) for rows in reals)


def fewest_groups(part: Part, classes: Sequence[int]) -> int:
    """Counts the groups that hold images of a class, and takes the smaller number where there are two classes."""
    return min(len(np.unique(part.groups[part.labels == label])) for label in classes)


def _clopper_pearson(count: int, n: int) -> Interval:
    ends = binomtest(count, n).proportion_ci(0.95, method="exact")
    return Interval(float(ends.low), float(ends.high))
