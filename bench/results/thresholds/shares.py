"""Shares of images above a threshold - accuracies, and false and true positive rates - and their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from bench.results.estimates import DRAWN_ALIKE, DRAWN_LACK_A_CLASS
from bench.results.thresholds.halves import Thresholds
from bench.results.thresholds.rules import Floats, Weights, count_above
from bench.statistics.bootstrap import Interval, interval, widened
from bench.statistics.number import Number, sd_over_seeds
from bench.store.panel import Part

CLOPPER_PEARSON, BOOTSTRAP = "Clopper-Pearson", "bootstrap"
SHARES = ("balanced_accuracy", "accuracy", "real_accuracy", "generated_accuracy", "fpr", "tpr")
BOTH = (0, 1)
TAIL = (1 - 0.95) / 2
CLASSES = {"real_accuracy": (0,), "fpr": (0,), "generated_accuracy": (1,), "tpr": (1,)}
"""The classes whose images a share is of, where it is not both."""


@dataclass(frozen=True)
class Counts:
    """``(seeds, draws)`` images above the thresholds, and ``(draws,)`` images, of both classes."""

    real_above: Floats
    real: Floats
    generated_above: Floats
    generated: Floats

    @property
    def shares(self) -> dict[str, Floats]:
        """``(seeds, draws)`` by name, see ``SHARES``; nan for a draw without images."""
        fpr, tpr = _divided(self.real_above, self.real), _divided(self.generated_above, self.generated)
        right = self.real - self.real_above + self.generated_above
        values = ((1 - fpr + tpr) / 2, _divided(right, self.real + self.generated), 1 - fpr, tpr, fpr, tpr)
        return dict(zip(SHARES, values, strict=True))


@dataclass(frozen=True)
class Shares:
    """Shares of the images of one contrast, or their means over contrasts.

    Args:
        points: ``(seeds,)`` by name.
        drawn: ``(draws,)`` means over seeds, by name.
        exact: The interval of Clopper and Pearson for the FPR, or None.
    """

    points: Mapping[str, Floats]
    drawn: Mapping[str, Floats]
    exact: Interval | None

    def numbers(
        self, parts: Sequence[Part], reason: str | None, classes: Mapping[str, Sequence[int]] = CLASSES
    ) -> dict[str, Number]:
        """Makes numbers of them, without bootstrap intervals for a reason; a share counts the groups of its classes."""
        numbers = {}
        for name, points in self.points.items():
            fewest = min(part.n_groups[label] for part in parts for label in classes.get(name, BOTH))
            numbers[name] = share_number(points, self.drawn[name], fewest, reason)
        if self.exact is not None:
            numbers["fpr"] = Number(numbers["fpr"].value, self.exact, numbers["fpr"].seeds_sd)
        return numbers


def measure(part: Part, thresholds: Thresholds, weights: Weights) -> Shares:
    """Measures the images of one contrast; the exact interval holds for thresholds that owe nothing to these images."""
    counts = count(part, thresholds.points[:, None])
    drawn = {name: share.mean(axis=0) for name, share in count(part, thresholds.drawn, weights).shares.items()}
    return Shares({name: share[:, 0] for name, share in counts.shares.items()}, drawn, binomial_fpr(part, counts))


def mean_shares(parts: Sequence[Part], shares: Sequence[Shares]) -> Shares:
    """Averages over contrasts; the real images are one binomial sample only where all face the same."""
    points = {name: np.mean([share.points[name] for share in shares], axis=0) for name in SHARES}
    drawn = {name: np.mean([share.drawn[name] for share in shares], axis=0) for name in SHARES}
    reals = [part.rows[part.labels == 0] for part in parts]
    same_reals = all(np.array_equal(rows, reals[0]) for rows in reals)
    return Shares(points, drawn, shares[0].exact if same_reals else None)


def count(part: Part, thresholds: Floats, weights: Weights | None = None) -> Counts:
    """Counts the images above ``(seeds, draws)`` thresholds, one row of thresholds for each row of scores."""
    counts = []
    for label in BOTH:
        chosen = part.labels == label
        weight = None if weights is None else weights[:, chosen]
        seeds = [count_above(s[chosen], t, weight) for s, t in zip(part.scores, thresholds, strict=True)]
        counts += [np.stack([above for above, _ in seeds]), seeds[0][1]]
    return Counts(*counts)


def share_number(points: Floats, drawn: Floats, n_groups: int, reason: str | None) -> Number:
    """Makes a number of a share.

    Where every draw gives the same, 0 or 1, the bootstrap knows nothing of the images that are not there; the interval
    is then that of Clopper and Pearson for none, or all, of the groups of the smaller class, which holds for every
    mean of error rates.

    Args:
        points: ``(seeds,)`` values.
        drawn: ``(draws,)`` means over seeds.
        n_groups: Those of the smallest class.
        reason: Why there is no interval.
    """
    value, seeds_sd, ends = float(np.mean(points)), sd_over_seeds(points), interval(drawn)
    alike = ends.low == ends.high
    if reason is None and np.isnan(ends.low):
        reason = DRAWN_LACK_A_CLASS
    elif reason is None and alike and value not in (0, 1):
        reason = DRAWN_ALIKE
    if reason is not None:
        return Number(value, None, seeds_sd, reason)
    if alike:
        return Number(value, clopper_pearson(round(value * n_groups), n_groups), seeds_sd)
    return Number(value, widened(ends, value, float(np.nanstd(drawn, ddof=1)), points.tolist()), seeds_sd)


def binomial_fpr(part: Part, counts: Counts) -> Interval | None:
    """Computes the Clopper-Pearson interval of the FPR; with seeds of the mean count, rounded outwards.

    Returns:
        None where a group has several real images, which are then not independent, or there is none.
    """
    if not 0 < part.n_real == part.n_groups[0]:
        return None
    above = float(np.mean(counts.real_above))
    low, high = int(np.floor(above)), int(np.ceil(above))
    return Interval(clopper_pearson(low, part.n_real).low, clopper_pearson(high, part.n_real).high)


def clopper_pearson(count: int, n: int) -> Interval:
    """Computes the exact interval at 95 % of a share of which ``count`` of ``n`` were found; each end is at 97.5 %."""
    low = float(beta.ppf(TAIL, count, n - count + 1)) if count > 0 else 0.0
    high = float(beta.ppf(1 - TAIL, count + 1, n - count)) if count < n else 1.0
    return Interval(low, high)


def _divided(above: Floats, total: Floats) -> Floats:
    share = np.full(np.broadcast(above, total).shape, np.nan)
    np.divide(above, total, out=share, where=total > 0)
    return share
