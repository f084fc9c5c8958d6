"""From stored scores to the numbers of a comparison: metrics with intervals, per generator and over generators.

AUROC has influence values (`bench.influence`): intervals, paired tests and differences follow from them. The other
metrics have one set of bootstrap draws of the groups, shared by all generators, detectors, conditions and seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.influence import Contrast, InfluenceValues, auroc_influence, auroc_interval, mean_over_seeds, paired_test
from bench.metrics import METRICS, undefined_reason
from bench.panel import Panel, Part
from bench.scoring import CLEAN, OK, UNREADABLE
from bench.statistics import GroupBootstrap, Interval, interval, no_interval_reason

DRAWS = 1000
MEAN, ALL = "mean", "all images"
WITH_INTERVAL = ("auroc", "ap_generated", "ap_real")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Number:
    """A metric of one detector against one generator, or its mean over generators.

    Args:
        value: Mean over seeds; nan where it is undefined.
        interval: 95 % interval over images and seeds, or None.
        seeds_sd: Standard deviation over seeds, or None with one seed.
        reason: Why there is no value or no interval.
    """

    value: float
    interval: Interval | None = None
    seeds_sd: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    """All numbers of one detector under one condition against one generator (or ``mean``)."""

    detector: str
    condition: str
    generator: str
    n_real: int
    n_generated: int
    n_unreadable: int
    numbers: dict[str, Number]


@dataclass(frozen=True)
class Change:
    """What a condition does to a detector: its mean AUROC there minus the one on the clean images, paired."""

    detector: str
    condition: str
    auroc: Number


@dataclass(frozen=True)
class Summary:
    """The numbers of a comparison.

    Args:
        rows: For each detector and condition a row for each generator and, with two and more, one for their mean.
        changes: What each condition changes.
        influences: What tests start from: by detector and condition, the AUROC of each generator and of the mean, where
            it is defined and has groups enough for an interval.
    """

    rows: list[Row]
    changes: list[Change]
    influences: Mapping[tuple[str, str], Mapping[str, InfluenceValues]] = field(default_factory=dict)


def summarise(panel: Panel, draws: int = DRAWS) -> Summary:
    """Computes every number of a comparison from scores alone.

    Args:
        panel: The scores.
        draws: Number of bootstrap draws.
    """
    bootstrap = GroupBootstrap(panel.images["group"].to_list(), panel.labels.tolist(), draws=draws)
    results = {cell: _Result(panel, bootstrap, *cell) for cell in panel.cells}
    changes = [
        Change(detector, condition, _difference(result, results[detector, CLEAN]))
        for (detector, condition), result in results.items()
        if condition != CLEAN and (detector, CLEAN) in results
    ]
    rows = [row for result in results.values() for row in result.rows]
    return Summary(rows, changes, {cell: result.influences for cell, result in results.items()})


def real_scores(rows: pl.DataFrame, position: int) -> Floats:
    """Returns the scores that one scoring gave to the real images."""
    chosen = rows.filter((pl.col("scoring") == position) & (pl.col("label") == 0) & (pl.col("status") == OK))
    return chosen["score"].to_numpy()


class _Result:
    """One detector under one condition."""

    def __init__(self, panel: Panel, bootstrap: GroupBootstrap, detector: str, condition: str) -> None:
        self.detector, self.condition, self.bootstrap = detector, condition, bootstrap
        rules = panel.contrasts[condition]
        self.parts = {rule.generator: panel.part(detector, condition, rule) for rule in rules}
        everything = panel.part(detector, condition)
        self.reasons: dict[str, str | None] = {}
        self.influences: dict[str, InfluenceValues] = {}
        self.drawn: dict[str, dict[str, Floats]] = {metric: {} for metric in WITH_INTERVAL}
        self.rows = [self._row(name, part, self._numbers(name, part)) for name, part in self.parts.items()]
        if not self.parts:
            self.rows.append(self._row(ALL, everything, self._numbers(ALL, everything)))
        if len(self.parts) > 1:
            self.rows.append(self._row(MEAN, everything, self._means(everything)))

    def _row(self, name: str, part: Part, numbers: dict[str, Number]) -> Row:
        counts = (part.n_real, part.n_generated, part.n_unreadable)
        return Row(self.detector, self.condition, name, *counts, numbers)

    def _numbers(self, name: str, part: Part) -> dict[str, Number]:
        undefined = undefined_reason(part.labels)
        reason = undefined or no_interval_reason(part.groups.tolist(), part.labels.tolist())
        self.reasons[name] = reason
        if undefined is None:
            weights = self.bootstrap.weights(part.rows)
            for metric, drawn in self.drawn.items():
                if metric != "auroc":
                    drawn[name] = _mean_over_seeds(METRICS[metric].replicates, part, weights)
        if reason is None:
            self.influences[name] = _influence([part])
        return {metric: self._number(name, metric, _points(metric, part), reason) for metric in METRICS}

    def _means(self, everything: Part) -> dict[str, Number]:
        """Averages over generators; an interval asks for enough groups in all, not of each generator."""
        parts = self.parts
        undefined = [name for name, part in parts.items() if undefined_reason(part.labels)]
        reason = f"undefined for {undefined[0]}" if undefined else None
        reason = reason or no_interval_reason(everything.groups.tolist(), everything.labels.tolist())
        self.reasons[MEAN] = reason
        if reason is None:
            self.influences[MEAN] = _influence(list(parts.values()))
            for drawn in self.drawn.values():
                if drawn:
                    drawn[MEAN] = np.mean(list(drawn.values()), axis=0)
        points = {metric: np.mean([_points(metric, part) for part in parts.values()], axis=0) for metric in METRICS}
        return {metric: self._number(MEAN, metric, points[metric], reason) for metric in METRICS}

    def _number(self, name: str, metric: str, points: Floats, reason: str | None) -> Number:
        value, seeds_sd = float(np.mean(points)), float(np.std(points, ddof=1)) if len(points) > 1 else None
        if reason is not None:
            return Number(value, None, seeds_sd, reason)
        if metric == "auroc":
            return Number(value, auroc_interval(self.influences[name]), seeds_sd)
        if metric not in self.drawn:
            return Number(value, None, seeds_sd)
        found = interval(self.drawn[metric][name])
        if np.isnan(found.low):
            return Number(value, None, seeds_sd, "too many bootstrap draws lack a class of a small generator")
        return Number(value, found, seeds_sd)


def _points(metric: str, part: Part) -> Floats:
    """Returns the metric of each seed, ``(S,)``."""
    return np.array([METRICS[metric](part.labels, scores) for scores in part.scores])


def _mean_over_seeds(replicates: Callable[..., Floats], part: Part, weights: NDArray[np.generic]) -> Floats:
    """Returns the mean over seeds of a metric in each draw, ``(draws,)``."""
    return np.asarray(np.mean([replicates(part.labels, scores, weights) for scores in part.scores], axis=0))


def _influence(parts: Sequence[Part]) -> InfluenceValues:
    """Returns the influence values of the AUROC, or of its mean over generators, averaged over seeds."""
    seeds = range(len(parts[0].scores))
    return mean_over_seeds(
        [
            auroc_influence([Contrast(part.labels, part.scores[seed], part.groups.tolist()) for part in parts])
            for seed in seeds
        ]
    )


def _difference(result: _Result, clean: _Result) -> Number:
    """Subtracts two mean AUROCs, paired: both saw the same groups, so what they share cancels.

    The mean is over the generators that are there under both conditions.
    """
    names = [name for name in result.parts if name in clean.parts]
    reasons = [each.reasons[name] for each in (result, clean) for name in names]
    value = float(np.mean([_auroc(result, name) - _auroc(clean, name) for name in names]))
    reason = next(filter(None, reasons), None)
    if reason is not None:
        return Number(value, reason=reason)
    first, second = ([each.parts[name] for name in names] for each in (result, clean))
    test = paired_test(*_aligned(_influence(first), _influence(second)))
    return Number(value, Interval(test.low, test.high))


def _aligned(first: InfluenceValues, second: InfluenceValues) -> tuple[InfluenceValues, InfluenceValues]:
    """Puts two on the union of their groups: a group that one did not see has no influence on it."""
    groups = tuple(sorted({*first.groups, *second.groups}))
    return _spread(first, groups), _spread(second, groups)


def _spread(influence: InfluenceValues, groups: tuple[str, ...]) -> InfluenceValues:
    values = dict(zip(influence.groups, influence.values, strict=True))
    return replace(influence, groups=groups, values=np.array([values.get(group, 0.0) for group in groups]))


def _auroc(result: _Result, name: str) -> float:
    return float(np.mean(_points("auroc", result.parts[name])))


def unreadable(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns path and reason of the images that could not be read."""
    lost = rows.filter(pl.col("status") == UNREADABLE)
    return lost.select("path", "reason").unique("path", maintain_order=True).sort("path")
