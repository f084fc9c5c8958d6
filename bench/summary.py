"""From stored scores to the numbers of a comparison: metrics with intervals, per generator and over generators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.contrasts import ContrastRule
from bench.metrics import METRICS, undefined_reason
from bench.statistics import GroupBootstrap, Interval, interval, no_interval_reason
from bench.store import CLEAN, OK, UNREADABLE, Scoring

DRAWS = 1000
MEAN, ALL = "mean", "all images"
WITH_INTERVAL = ("auroc", "ap_generated", "ap_real")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Number:
    """A metric of one detector against one generator, or its mean over generators.

    Args:
        value: Mean over seeds; nan where it is undefined.
        interval: 95 % interval over images, or None.
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
    """The numbers of a comparison."""

    rows: list[Row]
    changes: list[Change]


def summarise(
    rows: pl.DataFrame,
    scorings: Sequence[Scoring],
    contrasts: Mapping[str, Sequence[ContrastRule]],
    draws: int = DRAWS,
) -> Summary:
    """Computes every number of a comparison from score rows alone.

    One set of bootstrap draws of the groups serves all generators, detectors, conditions and seeds: the same real
    images face every generator, so the mean over generators has an interval of its own, not that of independent parts.

    Args:
        rows: Rows of the store for one set of images, with ``scoring``.
        scorings: The scorings by position; those of one detector and condition are its seeds.
        contrasts: Which images face each other under each condition; empty where a class is missing.
        draws: Number of bootstrap draws.

    Returns:
        For each detector and condition a row for each generator and, with two and more, one for their mean; and what
        each condition changes.
    """
    images = rows.unique("path", maintain_order=True).sort("path").select("path", "group", "label", "generator")
    bootstrap = GroupBootstrap(images["group"].to_list(), images["label"].to_list(), draws=draws)
    results = {
        (detector, condition): _Result(rows, images, scorings, contrasts[condition], bootstrap, detector, condition)
        for detector, condition in dict.fromkeys((scoring.detector, scoring.condition) for scoring in scorings)
    }
    changes = [
        Change(detector, condition, _difference(result, results[detector, CLEAN]))
        for (detector, condition), result in results.items()
        if condition != CLEAN and (detector, CLEAN) in results
    ]
    return Summary([row for result in results.values() for row in result.rows], changes)


def real_scores(rows: pl.DataFrame, position: int) -> Floats:
    """Returns the scores that one scoring gave to the real images."""
    chosen = rows.filter((pl.col("scoring") == position) & (pl.col("label") == 0) & (pl.col("status") == OK))
    return chosen["score"].to_numpy()


class _Part:
    """Some of the images, with their scores for each seed.

    Args:
        images: All images of the run.
        scores: ``(S, n)`` scores for each seed, nan where an image was unreadable.
        name: The generator, ``mean`` or ``all images``.
        chosen: ``(n,)``, which of the images.
    """

    def __init__(self, images: pl.DataFrame, scores: Floats, name: str, chosen: NDArray[np.bool_]) -> None:
        readable = np.isfinite(scores).all(axis=0)
        self.name = name
        self.rows = np.flatnonzero(chosen & readable)
        self.n_unreadable = int((chosen & ~readable).sum())
        self.labels = images["label"].to_numpy()[self.rows].astype(np.int64)
        self.groups = images["group"].gather(self.rows).to_list()
        self.scores = scores[:, self.rows]

    def points(self, metric: str) -> Floats:
        """Returns the metric of each seed, ``(S,)``."""
        return np.array([METRICS[metric](self.labels, scores) for scores in self.scores])

    def replicates(self, metric: str, weights: NDArray[np.generic]) -> Floats:
        """Returns the mean over seeds of the metric in each draw, ``(draws,)``."""
        values = [METRICS[metric].replicates(self.labels, scores, weights) for scores in self.scores]
        return np.asarray(np.mean(values, axis=0))

    def row(self, detector: str, condition: str, numbers: dict[str, Number]) -> Row:
        """Makes the row of the table."""
        n_real = int((self.labels == 0).sum())
        counts = (n_real, len(self.labels) - n_real, self.n_unreadable)
        return Row(detector, condition, self.name, *counts, numbers)


class _Result:
    """One detector under one condition: its rows, and the mean AUROC in every bootstrap draw."""

    def __init__(
        self,
        rows: pl.DataFrame,
        images: pl.DataFrame,
        scorings: Sequence[Scoring],
        contrasts: Sequence[ContrastRule],
        bootstrap: GroupBootstrap,
        detector: str,
        condition: str,
    ) -> None:
        seeds = [i for i, s in enumerate(scorings) if (s.detector, s.condition) == (detector, condition)]
        scores, present = _columns(rows, images, seeds)
        facts = (images["label"].to_numpy(), images["generator"].to_list(), images["path"].to_list())
        parts = [_Part(images, scores, rule.generator, present & rule.applies(*facts)) for rule in contrasts]
        everything = _Part(images, scores, MEAN if parts else ALL, present)
        self.drawn: dict[str, dict[str, Floats]] = {metric: {} for metric in WITH_INTERVAL}
        self.rows = []
        for part in parts or [everything]:
            self.rows.append(part.row(detector, condition, self._numbers(part, bootstrap)))
        if len(parts) > 1:
            numbers = {metric: self._mean(parts, everything, metric) for metric in METRICS}
            self.rows.append(everything.row(detector, condition, numbers))

    def _numbers(self, part: _Part, bootstrap: GroupBootstrap) -> dict[str, Number]:
        undefined = undefined_reason(part.labels)
        reason = undefined or no_interval_reason(part.groups, part.labels.tolist())
        if undefined is None:
            weights = bootstrap.weights(part.rows)
            for metric in WITH_INTERVAL:
                self.drawn[metric][part.name] = part.replicates(metric, weights)
        latest = {metric: values[part.name] for metric, values in self.drawn.items() if reason is None}
        return {metric: _number(part.points(metric), latest.get(metric), reason) for metric in METRICS}

    def _mean(self, parts: Sequence[_Part], everything: _Part, metric: str) -> Number:
        """Averages over generators; its interval asks for enough groups in all, not of each generator."""
        points = np.mean([part.points(metric) for part in parts], axis=0)
        undefined = [part.name for part in parts if undefined_reason(part.labels)]
        if undefined:
            return _number(points, None, f"undefined for {undefined[0]}")
        reason = no_interval_reason(everything.groups, everything.labels.tolist())
        averaged = (
            np.mean(list(self.drawn[metric].values()), axis=0) if metric in self.drawn and reason is None else None
        )
        return _number(points, averaged, reason)


def _difference(result: _Result, clean: _Result) -> Number:
    """Subtracts two mean AUROCs in every draw: both saw the same groups, so what they share cancels.

    The mean is over the generators that are there under both conditions.
    """
    names = [row.generator for row in result.rows if row.generator != MEAN]
    pairs = [
        (row.numbers["auroc"], other.numbers["auroc"], row.generator)
        for row in result.rows
        for other in clean.rows
        if row.generator == other.generator in names
    ]
    value = float(np.mean([last.value - first.value for last, first, _ in pairs]))
    reason = next((last.reason or first.reason for last, first, _ in pairs if last.reason or first.reason), None)
    if reason is not None:
        return Number(value, reason=reason)
    drawn = [result.drawn["auroc"][name] - clean.drawn["auroc"][name] for _, _, name in pairs]
    return _number(np.array([value]), np.mean(drawn, axis=0), None)


def _number(points: Floats, drawn: Floats | None, reason: str | None) -> Number:
    seeds_sd = float(np.std(points, ddof=1)) if len(points) > 1 else None
    found = interval(drawn) if drawn is not None else None
    if found is not None and np.isnan(found.low):
        found, reason = None, "too many bootstrap draws lack a class of a small generator"
    return Number(float(np.mean(points)), found, seeds_sd, reason)


def _columns(rows: pl.DataFrame, images: pl.DataFrame, seeds: Sequence[int]) -> tuple[Floats, NDArray[np.bool_]]:
    """Returns the scores of each seed in the order of the images, and which images were to be scored.

    A score is nan where the image was unreadable.
    """
    columns, present = [], np.ones(len(images), dtype=np.bool_)
    for position in seeds:
        scores = rows.filter(pl.col("scoring") == position).select("path", "score", "status")
        column = images.join(scores, on="path", how="left", maintain_order="left")
        score = pl.when(pl.col("status") == OK).then("score").otherwise(None)
        columns.append(column.select(score).to_series().to_numpy())
        present &= column["status"].is_not_null().to_numpy()
    return np.stack(columns), present


def unreadable(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns path and reason of the images that could not be read."""
    lost = rows.filter(pl.col("status") == UNREADABLE)
    return lost.select("path", "reason").unique("path", maintain_order=True).sort("path")
