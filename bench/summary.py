"""From stored scores to the numbers of a comparison: metrics with intervals, per generator and over generators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.metrics import METRICS, undefined_reason
from bench.statistics import GroupBootstrap, Interval, interval, no_interval_reason
from bench.store import OK, UNREADABLE, Scoring

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
    """All numbers of one detector against one generator (or ``mean``)."""

    detector: str
    generator: str
    n_real: int
    n_generated: int
    n_unreadable: int
    numbers: dict[str, Number]


def summarise(
    rows: pl.DataFrame, scorings: Sequence[Scoring], contrasts: Mapping[str, Sequence[str]], draws: int = DRAWS
) -> list[Row]:
    """Computes every number of a comparison from score rows alone.

    One set of bootstrap draws of the groups serves all generators, detectors and seeds: the same real images face
    every generator, so the mean over generators has an interval of its own, not that of independent parts.

    Args:
        rows: Rows of the store for one set of images, with ``scoring``.
        scorings: The scorings by position; those of one detector are its seeds.
        contrasts: Which sources of real images face each generator; empty where a class is missing.
        draws: Number of bootstrap draws.

    Returns:
        For each detector a row for each generator and, with two and more, one for their mean.
    """
    images = rows.unique("path", maintain_order=True).sort("path").select("path", "group", "label", "generator")
    bootstrap = GroupBootstrap(images["group"].to_list(), images["label"].to_list(), draws=draws)
    summary = []
    for label in dict.fromkeys(scoring.detector for scoring in scorings):
        seeds = [position for position, scoring in enumerate(scorings) if scoring.detector == label]
        scores = np.stack([_column(rows, images, position) for position in seeds])
        parts = [_Part(images, scores, name, _faces(images, name, reals)) for name, reals in contrasts.items()]
        everything = _Part(images, scores, MEAN if parts else ALL, np.ones(len(images), dtype=np.bool_))
        summary += _rows_of(label, parts, everything, bootstrap)
    return summary


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

    def row(self, detector: str, numbers: dict[str, Number]) -> Row:
        """Makes the row of the table."""
        n_real = int((self.labels == 0).sum())
        return Row(detector, self.name, n_real, len(self.labels) - n_real, self.n_unreadable, numbers)


def _faces(images: pl.DataFrame, generator: str, reals: Sequence[str]) -> NDArray[np.bool_]:
    source, label = pl.col("generator"), pl.col("label")
    faces = ((label == 1) & (source == generator)) | ((label == 0) & source.is_in(list(reals)))
    return images.select(faces).to_series().to_numpy()


def _rows_of(label: str, parts: Sequence[_Part], everything: _Part, bootstrap: GroupBootstrap) -> list[Row]:
    drawn: dict[str, list[Floats]] = {metric: [] for metric in WITH_INTERVAL}
    rows = []
    for part in parts or [everything]:
        undefined = undefined_reason(part.labels)
        reason = undefined or no_interval_reason(part.groups, part.labels.tolist())
        if undefined is None:
            weights = bootstrap.weights(part.rows)
            for metric in WITH_INTERVAL:
                drawn[metric].append(part.replicates(metric, weights))
        latest = {metric: values[-1] for metric, values in drawn.items() if reason is None}
        numbers = {metric: _number(part.points(metric), latest.get(metric), reason) for metric in METRICS}
        rows.append(part.row(label, numbers))
    if len(parts) > 1:
        rows.append(everything.row(label, {metric: _mean(parts, everything, metric, drawn) for metric in METRICS}))
    return rows


def _mean(parts: Sequence[_Part], everything: _Part, metric: str, drawn: Mapping[str, Sequence[Floats]]) -> Number:
    """Averages over generators; its interval asks for enough groups in all, not of each generator."""
    points = np.mean([part.points(metric) for part in parts], axis=0)
    undefined = [part.name for part in parts if undefined_reason(part.labels)]
    if undefined:
        return _number(points, None, f"undefined for {undefined[0]}")
    reason = no_interval_reason(everything.groups, everything.labels.tolist())
    averaged = np.mean(drawn[metric], axis=0) if metric in drawn and reason is None else None
    return _number(points, averaged, reason)


def _number(points: Floats, drawn: Floats | None, reason: str | None) -> Number:
    seeds_sd = float(np.std(points, ddof=1)) if len(points) > 1 else None
    return Number(float(np.mean(points)), interval(drawn) if drawn is not None else None, seeds_sd, reason)


def _column(rows: pl.DataFrame, images: pl.DataFrame, position: int) -> Floats:
    """Returns the scores of one scoring in the order of the images; nan where an image was unreadable."""
    scores = rows.filter(pl.col("scoring") == position).select("path", "score", "status")
    column = images.join(scores, on="path", how="left", maintain_order="left")
    return column.select(pl.when(pl.col("status") == OK).then("score").otherwise(None)).to_series().to_numpy()


def unreadable(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns path and reason of the images that could not be read."""
    lost = rows.filter(pl.col("status") == UNREADABLE)
    return lost.select("path", "reason").unique("path", maintain_order=True).sort("path")
