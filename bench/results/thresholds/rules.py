"""Named rules for a threshold, and what each makes of scores: pure functions.

An image is called generated where its score lies above the threshold; a score equal to it is called real.
"""

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta

from bench.errors import BenchError
from bench.statistics.bootstrap import FEWEST_BEYOND, FEWEST_GROUPS, Interval
from bench.statistics.operating_curve import curves_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[Any]

FPR, BEST, FIXED = "fpr", "best", "fixed"
SALT = "held-out reals"
CALIBRATION_SALT = "calibration reals"
# Shares times totals are compared: 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rule:
    """How a threshold comes about.

    Args:
        kind: ``fpr``, ``best`` or ``fixed``.
        value: The share of real images, in (0, 1), for ``fpr``; the threshold for ``fixed``; nan for ``best``.
        groups: To how many held-out groups ``fpr`` is fitted; None for all.
    """

    kind: str
    value: float
    title: str
    groups: int | None = None

    def calibrated_with(self, groups: int) -> "Rule":
        """Returns the rule that is fitted to so many held-out groups alone."""
        return replace(self, title=f"{self.title} from {groups}", groups=groups)


def parse_rule(text: str) -> Rule:
    """Reads a rule as on the command line: ``fpr:P`` with P in percent, ``best``, or ``fixed:T``.

    Raises:
        BenchError: It is none of these, or its number is out of range.

    Examples:
        >>> parse_rule("fpr:5")
        Rule(kind='fpr', value=0.05, title='fpr:5', groups=None)
        >>> parse_rule("best").title
        'best (oracle)'
    """
    kind, colon, number = text.strip().partition(":")
    if (kind, colon) == (BEST, ""):
        return Rule(BEST, math.nan, "best (oracle)")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if kind == FPR and 0 < value < 100:
        return Rule(FPR, value / 100, f"fpr:{value:g}")
    if kind == FIXED and math.isfinite(value):
        return Rule(FIXED, value, f"fixed:{value:g}")
    raise BenchError(
        f"Unknown threshold rule {text!r}. Write fpr:P with P in percent between 0 and 100 (fpr:5), best, or fixed:T "
        f"with a number (fixed:0.5)."
    )


def is_held_out(group: str) -> bool:
    """Says whether a group of real images is for fitting thresholds: half of all names, by their sha256.

    It rests on the name alone. So a group is on the same side for every detector, condition and data set, and stays
    there when images are added.
    """
    return hashlib.sha256(f"{SALT}\0{group}".encode()).digest()[0] < 128


def calibration_groups(groups: Collection[str], number: int) -> set[str]:
    """Takes so many of the held-out groups, the first by the sha256 of their names.

    Another one than `is_held_out` takes, so that these are any of the held-out ones.
    """
    order = {group: hashlib.sha256(f"{CALIBRATION_SALT}\0{group}".encode()).digest() for group in set(groups)}
    return set(sorted(order, key=lambda group: order[group])[:number])


def held_out(images: pl.DataFrame) -> Bools:
    """Marks, by ``group, label``, the held-out half of the groups with real images, and all other images of these."""
    real_groups = images.filter(pl.col("label") == 0)["group"].unique().to_list()
    return images["group"].is_in([group for group in real_groups if is_held_out(group)]).to_numpy()


def threshold_at_fpr(scores: Floats, share: float, weights: Weights | None = None) -> Floats:
    """Computes the smallest threshold with at most a given share of real images above it.

    It is one of the scores. Tied images are on one side together, so that a tie that would pass the limit stays below
    it.

    Args:
        scores: ``(n,)`` of real images.
        share: In (0, 1).
        weights: ``(draws, n)`` counts; None for ones, as a single draw.

    Returns:
        ``(draws,)``; nan for a draw without any image.

    Examples:
        >>> threshold_at_fpr(np.array([1.0, 2.0, 3.0, 4.0]), 0.25)
        array([3.])
    """
    weight = _or_ones(weights, len(scores))
    order = np.argsort(-scores)
    ordered = scores[order]
    total = np.cumsum(weight[:, order], axis=1, dtype=np.int64)
    above = np.concatenate([np.zeros((len(weight), 1), dtype=np.int64), total[:, :-1]], axis=1)
    first_of_tie = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    allowed = above[:, first_of_tie] <= share * total[:, -1:] + ROUNDING
    # Allowed scores come first. The last of them carries weight in its draw, or the next would be allowed too.
    position = np.count_nonzero(allowed, axis=1) - 1
    return np.where(total[:, -1] > 0, ordered[first_of_tie[position]], np.nan)


def best_thresholds(labels: NDArray[np.int64], scores: Floats, weights: Weights | None = None) -> Floats:
    """Computes the threshold with the highest balanced accuracy on these very images.

    Among equally good ones the strictest: the fewest real images called generated. It is the highest score that is
    called real; where every image is called generated, the next number below the lowest score.

    Args:
        labels: ``(n,)``, 0 for real and 1 for generated.
        scores: ``(n,)``.
        weights: ``(draws, n)`` counts; None for ones, as a single draw.

    Returns:
        ``(draws,)``; nan for a draw that lacks a class.

    Examples:
        >>> best_thresholds(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0]))
        array([3.])
    """
    distinct = np.unique(scores)[::-1]
    thresholds = np.append(distinct, np.nextafter(distinct[-1], -np.inf))
    best_of_draws = []
    for curve in curves_of(labels == 1, -scores, _or_ones(weights, len(scores))):
        tpr, fpr = curve.rates()
        # Rounding would break ties at random: counts are whole, so steps are at least 1 / (m n), far above 1e-12.
        gain = np.round(tpr - fpr, 12)
        defined = ~np.isnan(gain).any(axis=1)
        called, best = curve.tps + curve.fps, np.argmax(gain, axis=1)[:, None]
        # Scores that a draw lacks lie between: the last of the points that call the same images.
        last = np.count_nonzero(called <= np.take_along_axis(called, best, axis=1), axis=1) - 1
        best_of_draws.append(np.where(defined, thresholds[last], np.nan))
    return np.concatenate(best_of_draws)


def count_above(scores: Floats, thresholds: Floats, weights: Weights | None = None) -> tuple[Floats, Floats]:
    """Counts images above ``(draws,)`` thresholds, nan where the threshold is, and all images: both ``(draws,)``."""
    weight = _or_ones(weights, len(scores))
    above = np.sum(weight, axis=1, where=scores > thresholds[:, None], dtype=np.float64)
    return np.where(np.isnan(thresholds), np.nan, above), np.sum(weight, axis=1, dtype=np.float64)


def refusal(n_groups: int, share: float) -> str | None:
    """Says why a number of held-out groups cannot carry a share, or returns None where it can.

    With fewer than ``1 / share`` none may lie above: the threshold is the largest score of them, whatever the share.

    Examples:
        >>> refusal(99, 0.01)
        '99 held-out groups of real images cannot carry an FPR of 1 %: at least 100 are needed'
        >>> refusal(100, 0.01)
    """
    fewest = math.ceil(1 / share - ROUNDING)
    text = f"{n_groups} held-out groups of real images cannot carry an FPR of {100 * share:g} %"
    return None if n_groups >= fewest else f"{text}: at least {fewest} are needed"


def interval_refusal(n_groups: int, share: float) -> str | None:
    """Says why a number of held-out groups is too small for bootstrap intervals, or returns None where it is enough.

    The bootstrap cannot see how far the largest scores of a few images may move (see docs/statistics.md).

    Examples:
        >>> interval_refusal(99, 0.05)
        'fewer than 100 held-out groups of real images (99)'
        >>> interval_refusal(100, 0.05)
    """
    fewest = max(FEWEST_GROUPS, math.ceil(FEWEST_BEYOND / share - ROUNDING))
    return None if n_groups >= fewest else f"fewer than {fewest} held-out groups of real images ({n_groups})"


def expected_fpr(n: int, share: float) -> float:
    """Returns the FPR to be expected of further real images, given how many were held out.

    With ``k = floor(share n)`` above it, the threshold is the ``k + 1`` st largest of ``n`` scores, and a further one
    is as likely to take any of the ``n + 1`` ranks: ``(k + 1) / (n + 1)``, for scores without ties and images that are
    independent. It is above ``share``, since the rule counts the held-out images alone.

    Examples:
        >>> expected_fpr(99, 0.05)
        0.05
        >>> round(expected_fpr(48, 0.05), 4)
        0.0612
    """
    return (math.floor(share * n + ROUNDING) + 1) / (n + 1)


def fpr_range(n: int, share: float) -> Interval:
    """Returns where the FPR on further real images lies in 95 % of all choices of ``n`` held-out ones.

    The share of a distribution above the ``k + 1`` st largest of ``n`` scores has the beta distribution of ``k + 1``
    and ``n - k``, whatever the scores: so this is exact where `expected_fpr` is, its mean.

    Examples:
        >>> low, high = fpr_range(100, 0.05)
        >>> round(low, 4), round(high, 4)
        (0.0223, 0.1128)
    """
    above = math.floor(share * n + ROUNDING)
    low, high = (float(beta.ppf(tail, above + 1, n - above)) for tail in (0.025, 0.975))
    return Interval(low, high)


def _or_ones(weights: Weights | None, n: int) -> Weights:
    return np.ones((1, n), dtype=np.int16) if weights is None else weights
