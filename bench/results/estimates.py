"""A metric of one contrast: its value, and how its error is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import FEWEST_BEYOND, interval, tpr_reason, widened
from bench.statistics.influence import Contrast, InfluenceValues, Placed, mean_over_seeds
from bench.statistics.intervals import (
    auroc_interval,
    bounded_interval,
    heavy_tailed_error,
    logit_interval,
    standard_error,
)
from bench.statistics.layout import Layout
from bench.statistics.metrics import METRICS, replicates, undefined_reason
from bench.statistics.number import Number, sd_over_seeds
from bench.statistics.standard_errors import over_images_and_seeds
from bench.store.panel import Part

MOST_DRAWN = 50_000
"""Images of a contrast up to which the bootstrap gives intervals."""
TOO_MANY = f"more than {MOST_DRAWN:,} images: too many for the bootstrap"
DRAWN_LACK_A_CLASS = "too many bootstrap draws lack a class of a small generator"
NO_ERROR = "the images at hand leave no error, as where all are in order"
DRAWN_ALIKE = "every bootstrap draw gives the same"
FEWEST_FOR_PRECISION = 200
"""Groups of the smaller class below which the interval of an average precision is approximate."""
FEWEST_FOR_PARTIAL = 25
"""Groups expected beyond the highest rate of a partial AUROC below which its interval is approximate."""
FEWEST_LEVELS = 10
"""Distinct scores below which intervals from influence values are approximate."""
Floats = NDArray[np.float64]
INFLUENCES: dict[str, Callable[[Placed], InfluenceValues]] = {
    "auroc": Placed.auroc,
    "ap_generated": lambda placed: placed.average_precision("generated"),
    "ap_real": lambda placed: placed.average_precision("real"),
    "ap_generated_balanced": lambda placed: placed.average_precision("generated", balanced=True),
    "ap_real_balanced": lambda placed: placed.average_precision("real", balanced=True),
}
"""Metrics whose error comes from influence values; the bootstrap's intervals of average precision are too short."""
PARTIAL = {"partial_auroc_5_fpr": 0.05}
"""Areas up to a rate: their errors hang on the few images of the class that errs which lie beyond it."""
LOW_RATES = {
    "tpr_at_5_fpr": (0.05, 0),
    "fpr_at_95_tpr": (0.05, 1),
    "tpr_at_5_fpr_real": (0.05, 1),
    "fpr_at_95_tpr_real": (0.05, 0),
    **{metric: (rate, 0) for metric, rate in PARTIAL.items()},
    "tpr_at_1_fpr": (0.01, 0),
}
"""Metrics at a low rate of errors: the rate, and the class that errs at it, whose images set the threshold.

Each FPR is one minus the TPR for the other class, so both are refused together.
"""


@dataclass(frozen=True)
class Estimate:
    """A metric of one contrast, or its mean over contrasts.

    Args:
        seeds: ``(S,)`` the value of each seed.
        reason: Why there is no value, or no interval.
        influence: Where the error comes from influence values.
        drawn: ``(draws,)`` means over seeds, where it comes from the bootstrap.
        doubt: Why its interval is approximate.
        tail: Degrees of freedom of the bootstrap's error where it hangs on few images; its interval is then on the
            logit scale (see docs/statistics.md).
    """

    seeds: Floats
    reason: str | None = None
    influence: InfluenceValues | None = None
    drawn: Floats | None = None
    doubt: str | None = None
    tail: float = float("inf")

    def number(self, metric: str) -> Number:
        """Makes a number with its interval."""
        value = float(np.mean(self.seeds))
        number = Number(value, None, sd_over_seeds(self.seeds), self.reason, seeds=tuple(self.seeds.tolist()))
        if self.reason:
            return number
        if self.influence is not None:
            if metric == "auroc":
                error = standard_error(self.influence)
                number = replace(number, interval=auroc_interval(self.influence, error=error), error=error)
            else:
                error = heavy_tailed_error(self.influence)
                ends = bounded_interval(self.influence, error=error)
                number = replace(number, interval=ends, error=error, reason=None if ends else NO_ERROR)
            return replace(number, doubt=self.doubt if number.interval else None)
        assert self.drawn is not None
        ends, sd = interval(self.drawn), float(np.nanstd(self.drawn))
        if np.isnan(ends.low) or ends.low == ends.high:
            return replace(number, reason=DRAWN_LACK_A_CLASS if np.isnan(ends.low) else DRAWN_ALIKE)
        error = over_images_and_seeds(sd**2, self.tail, [number.seeds])
        hangs = np.isfinite(self.tail)
        wide = logit_interval(value, error) if hangs else widened(ends, value, sd, number.seeds)
        if wide is None:
            return replace(number, reason=NO_ERROR)
        return replace(number, interval=wide, error=error, doubt=self.doubt)


def estimate(
    part: Part, metrics: Sequence[str], reason: str | None, weights: NDArray[np.generic] | None
) -> dict[str, Estimate]:
    """Estimates metrics from the images of one contrast.

    Args:
        part: Its images.
        metrics: Names of `METRICS`.
        reason: Why they are too few for an interval.
        weights: ``(draws, n)`` how often each image is drawn; None for more images than can be drawn.
    """
    chosen = [] if reason else [name for name in metrics if name in INFLUENCES]
    placed = _placed(part) if chosen else []
    influences = {metric: mean_over_seeds([INFLUENCES[metric](seed) for seed in placed]) for metric in chosen}
    levels = min((seed.levels for seed in placed), default=0)
    refused = _refusals(part, metrics)
    left = [metric for metric in metrics if metric not in refused and metric not in influences]
    drawn = {} if reason or weights is None else _drawn(left, part, weights)
    estimates = {}
    for metric in metrics:
        if metric in refused:
            estimates[metric] = Estimate(np.full(len(part.scores), np.nan), refused[metric])
        elif metric in influences:
            influence, doubt = influences[metric], _doubt(metric, min(part.n_groups), levels)
            estimates[metric] = Estimate(np.array(influence.seeds), influence=influence, doubt=doubt)
        else:
            seeds = np.array([METRICS[metric](part.labels, scores) for scores in part.scores])
            why = reason or (None if metric in drawn else TOO_MANY)
            doubt = _doubt_of_drawn(metric, part, float(np.mean(seeds)))
            tail = PARTIAL[metric] * part.n_groups[0] - 1 if metric in PARTIAL else float("inf")
            estimates[metric] = Estimate(seeds, why, drawn=drawn.get(metric), doubt=doubt, tail=tail)
    return estimates


def influences_of(part: Part, metrics: Sequence[str]) -> dict[str, InfluenceValues]:
    """Computes influence values of several metrics, averaged over seeds; images are sorted once a seed."""
    placed = _placed(part)
    return {metric: mean_over_seeds([INFLUENCES[metric](seed) for seed in placed]) for metric in metrics}


def _placed(part: Part) -> list[Placed]:
    if "layout" not in part.shared and undefined_reason(part.labels) is None:
        part.shared["layout"] = Layout(part.labels, part.groups)
    layout = part.shared.get("layout")
    if layout is None:
        return [Placed(Contrast(part.labels, scores, part.groups)) for scores in part.scores]
    if "reals" not in part.shared:
        part.shared["reals"] = blake2b(part.rows[layout.rows[0]].tobytes()).digest()
    known = part.of_cell.get(part.shared["reals"], [None] * len(part.scores))
    placed = [
        Placed(Contrast(part.labels, scores, part.groups), layout, real)
        for scores, real in zip(part.scores, known, strict=True)
    ]
    part.of_cell[part.shared["reals"]] = [seed.real for seed in placed]
    return placed


def _doubt(metric: str, n_groups: int, levels: int) -> str | None:
    """Says why an interval from influence values is approximate, if it is (see docs/statistics.md)."""
    if levels < FEWEST_LEVELS:
        return f"fewer than {FEWEST_LEVELS} distinct scores ({levels})"
    if metric != "auroc" and n_groups < FEWEST_FOR_PRECISION:
        return f"fewer than {FEWEST_FOR_PRECISION} independent groups in a class ({n_groups})"
    return None


def _doubt_of_drawn(metric: str, part: Part, value: float) -> str | None:
    """Says why an interval from the bootstrap is approximate, if it is."""
    if metric in PARTIAL and PARTIAL[metric] * part.n_groups[0] < FEWEST_FOR_PARTIAL:
        fewest = round(FEWEST_FOR_PARTIAL / PARTIAL[metric])
        return f"fewer than {fewest} independent groups among the real images ({part.n_groups[0]})"
    if metric == "eer" and value * min(part.n_groups) < FEWEST_BEYOND:
        return f"fewer than {FEWEST_BEYOND} independent groups expected on the wrong side"
    return None


def _refusals(part: Part, metrics: Sequence[str]) -> dict[str, str]:
    """Says of the metrics at a low rate for which these images are too few; nothing of images of one class."""
    if not part.n_real or not part.n_generated:
        return {}
    rates = {metric: LOW_RATES[metric] for metric in metrics if metric in LOW_RATES}
    reasons = {
        metric: tpr_reason(part.n_groups[erring], part.n_groups[1 - erring], rate)
        for metric, (rate, erring) in rates.items()
    }
    return {metric: reason for metric, reason in reasons.items() if reason}


def _drawn(metrics: Sequence[str], part: Part, weights: NDArray[np.generic]) -> dict[str, Floats]:
    """Returns the mean over seeds in each draw, ``(draws,)``, of each metric."""
    seeds = [replicates(metrics, part.labels, scores, weights) for scores in part.scores]
    return {metric: np.asarray(np.mean([seed[metric] for seed in seeds], axis=0)) for metric in metrics}
