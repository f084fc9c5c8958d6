"""Generators as a sample: the mean AUROC over generators of a kind, and the AUROC of one that was not looked at.

The usual interval of a mean over generators is for exactly these generators. Where they are a sample, their AUROCs
scatter by ``tau`` beside their own errors, which go together where generators face the same real images. With ``E`` the
squared error of the mean for these generators, ``T`` the sum of the squared errors of the ``G`` AUROCs, and ``s`` the
standard deviation of these, the mean covariance of two is ``c = (G^2 E - T) / (G (G - 1))``, and

    ``tau^2 = max(0, s^2 - T / G + c)``,    ``V = tau^2 / G + E`` (``s^2 / G + c`` where ``tau`` is not cut at 0).

Over generators: ``logit(mean)`` plus and minus ``t sqrt(V) / (mean (1 - mean))``, with Satterthwaite's degrees of
freedom of ``s^2 / G`` (``G - 1``) and ``c`` (those of ``E``). A generator not seen: ``mean`` plus and minus
``t sqrt(tau^2 + V)`` with ``G - 1`` degrees of freedom, cut at 0 and 1. Each holds the one before it whole: that for
these generators, over generators, of one not seen. How often they hold, and where not: see docs/statistics.md.

References:
    Prediction intervals: Higgins, Thompson and Spiegelhalter, Journal of the Royal Statistical Society A 172 (2009)
    137-159. Degrees of freedom: Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t

from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import auroc_interval, standard_error

FEWEST_GENERATORS = 10
"""With fewer, the scatter of AUROCs over generators is not known well enough."""


@dataclass(frozen=True)
class OverGenerators:
    """What AUROCs on a sample of generators say of their kind.

    Args:
        mean: Over the generators.
        spread: ``tau``, the standard deviation of true AUROCs over generators.
        kind: 95 % interval of the mean over all generators of this kind.
        unseen: 95 % prediction interval of the true AUROC on another generator of this kind.
    """

    mean: float
    spread: float
    kind: Interval
    unseen: Interval


def generators_refusal(number: int) -> str | None:
    """Says why so many generators are no sample, or returns None where they are.

    Examples:
        >>> generators_refusal(2)
        'needs ten generators, has 2'
    """
    return None if number >= FEWEST_GENERATORS else f"needs ten generators, has {number}"


def over_generators(influences: Sequence[InfluenceValues], level: float = 0.95) -> OverGenerators:
    """Takes generators as a sample of their kind.

    Args:
        influences: The AUROC of a detector on each of at least two generators.
        level: Of both intervals.

    Raises:
        ValueError: If there are fewer than two.
    """
    number = len(influences)
    if number < 2:
        raise ValueError(f"Expected at least two generators, got {number}.")
    values = np.array([influence.value for influence in influences])
    together = combined(influences)
    fixed = standard_error(together)
    error = fixed.se**2
    own = sum(standard_error(influence).se ** 2 for influence in influences)
    shared = (number**2 * error - own) / (number * (number - 1))
    mean, scatter = float(values.mean()), float(values.var(ddof=1))
    between = max(scatter - own / number + shared, 0.0)
    total = between / number + error
    tail = (1 + level) / 2
    arm = float(t.ppf(tail, _freedom(scatter / number, max(shared, 0.0), number - 1, fixed.df))) * np.sqrt(total)
    ahead = float(t.ppf(tail, number - 1)) * np.sqrt(between + total)
    kind = _hull(_on_logit(mean, float(arm)), auroc_interval(together, level))
    unseen = _hull(Interval(max(mean - float(ahead), 0.0), min(mean + float(ahead), 1.0)), kind)
    return OverGenerators(mean, float(np.sqrt(between)), kind, unseen)


def without_each(values: Sequence[float]) -> list[float]:
    """Returns the mean of the others for each of at least two values.

    Examples:
        >>> without_each([0.5, 0.75, 1.0])
        [0.875, 0.75, 0.625]
    """
    total = sum(values)
    return [(total - value) / (len(values) - 1) for value in values]


def _hull(first: Interval, second: Interval) -> Interval:
    return Interval(min(first.low, second.low), max(first.high, second.high))


def _freedom(scatter: float, shared: float, df_scatter: float, df_shared: float) -> float:
    weight = scatter**2 / df_scatter + (shared**2 / df_shared if shared else 0.0)
    return (scatter + shared) ** 2 / weight if weight > 0 else df_scatter


def _on_logit(mean: float, arm: float) -> Interval:
    """Makes the interval on the logit scale; at 0 and 1, where there is none, on the scale of the AUROC."""
    if not 0 < mean < 1:
        return Interval(max(mean - arm, 0.0), min(mean + arm, 1.0))
    scaled = arm / (mean * (1 - mean))
    return Interval(float(expit(logit(mean) - scaled)), float(expit(logit(mean) + scaled)))
