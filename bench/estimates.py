"""A metric of one contrast: its value, and how its error is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.inference import StandardError, auroc_interval, bounded_interval, standard_error
from bench.influence import Contrast, InfluenceValues, ap_influence, auroc_influence, mean_over_seeds
from bench.metrics import METRICS
from bench.numbers import Number
from bench.panel import Part
from bench.statistics import interval, tpr_reason, widened

MOST_DRAWN = 5_000
"""Images of a contrast up to which the bootstrap gives intervals that influence values could give as well."""
MOST_DRAWN_AT_ALL = 50_000
"""Images of a contrast up to which the bootstrap gives any interval."""
TOO_MANY = f"more than {MOST_DRAWN_AT_ALL:,} images: too many for the bootstrap"
DRAWN_LACK_A_CLASS = "too many bootstrap draws lack a class of a small generator"
DRAWN_ALIKE = "every bootstrap draw gives the same"
Floats = NDArray[np.float64]
INFLUENCES: dict[str, Callable[[Sequence[Contrast]], InfluenceValues]] = {
    "auroc": auroc_influence,
    "ap_generated": partial(ap_influence, positive="generated"),
    "ap_real": partial(ap_influence, positive="real"),
}
LOW_RATES = {"tpr_at_5_fpr": (0.05, 0), "tpr_at_5_fpr_real": (0.05, 1)}
"""Metrics at a low false positive rate: the rate, and the class whose images are falsely called positive."""


@dataclass(frozen=True)
class Estimate:
    """A metric of one contrast, or its mean over contrasts.

    Args:
        seeds: ``(S,)`` the value of each seed.
        reason: Why there is no value, or no interval.
        influence: Where the error comes from influence values.
        drawn: ``(draws,)`` means over seeds, where it comes from the bootstrap.
    """

    seeds: Floats
    reason: str | None = None
    influence: InfluenceValues | None = None
    drawn: Floats | None = None

    @classmethod
    def of(cls, metric: str, part: Part, reason: str | None, weights: NDArray[np.generic] | None) -> "Estimate":
        """Estimates a metric from the images of one contrast.

        Args:
            metric: One of `METRICS`.
            part: The images.
            reason: Why they are too few for an interval.
            weights: ``(draws, n)`` how often each image is drawn; None for more images than can be drawn.
        """
        refused = refusal(metric, part)
        if refused:
            return cls(np.full(len(part.scores), np.nan), refused)
        seeds = np.array([METRICS[metric](part.labels, scores) for scores in part.scores])
        if reason:
            return cls(seeds, reason)
        if metric == "auroc" or (metric in INFLUENCES and len(part.rows) > MOST_DRAWN):
            return cls(seeds, influence=influence_of(metric, part))
        if weights is None:
            return cls(seeds, TOO_MANY)
        return cls(seeds, drawn=replicates(metric, part, weights))

    def number(self, metric: str) -> Number:
        """Makes a number with its interval."""
        value = float(np.mean(self.seeds))
        seeds_sd = float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else None
        number = Number(value, None, seeds_sd, self.reason, seeds=tuple(self.seeds.tolist()))
        if self.reason:
            return number
        if self.influence is not None:
            error = standard_error(self.influence)
            found = auroc_interval(self.influence) if metric == "auroc" else bounded_interval(self.influence)
            return replace(number, interval=found, error=error, reason=None if found else DRAWN_ALIKE)
        assert self.drawn is not None
        return _number_of_draws(number, self.drawn)


def refusal(metric: str, part: Part) -> str | None:
    """Says why a metric has no value on some images, or returns None where it has."""
    rate, negative = LOW_RATES.get(metric, (0.0, 0))
    if not rate or not part.n_real or not part.n_generated:
        return None
    return tpr_reason(part.n_groups[negative], rate)


def influence_of(metric: str, part: Part) -> InfluenceValues:
    """Computes influence values, averaged over seeds."""
    contrasts = [Contrast(part.labels, scores, part.groups) for scores in part.scores]
    return mean_over_seeds([INFLUENCES[metric]([contrast]) for contrast in contrasts])


def replicates(metric: str, part: Part, weights: NDArray[np.generic]) -> Floats:
    """Returns the mean over seeds in each draw, ``(draws,)``."""
    drawn = [METRICS[metric].replicates(part.labels, scores, weights) for scores in part.scores]
    return np.asarray(np.mean(drawn, axis=0))


def _number_of_draws(number: Number, drawn: Floats) -> Number:
    found = interval(drawn)
    if np.isnan(found.low):
        return replace(number, reason=DRAWN_LACK_A_CLASS)
    if found.low == found.high:
        return replace(number, reason=DRAWN_ALIKE)
    sd = float(np.nanstd(drawn))
    spread = float(np.var(number.seeds, ddof=1)) / len(number.seeds) if len(number.seeds) > 1 else 0.0
    variance = sd**2 + spread
    df = variance**2 * (len(number.seeds) - 1) / spread**2 if spread else float("inf")
    error = StandardError(float(np.sqrt(variance)), df)
    return replace(number, interval=widened(found, number.value, sd, number.seeds), error=error)
