"""A robustness study, and its numbers for programs: points of curves, areas, pairs of detectors."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from bench.results.numbers import WITH_INTERVAL, Number, Row, Summary
from bench.results.robustness import Curve, mean_rows, robustness_curves
from bench.results.robustness_areas import Area, area_rankings, areas
from bench.statistics.ranking import Ranking
from bench.store.schema import CLEAN

VALUES = dict.fromkeys(("value", "low", "high", "seeds_sd", "change", "change_low", "change_high"), pl.Float64)
NAMES = dict.fromkeys(("kind", "axis", "detector"), pl.String)
COUNTS = dict.fromkeys(("n_real", "n_generated", "n_unreadable"), pl.Int64)
POINT_SCHEMA = {
    **NAMES,
    "level": pl.Float64,
    **dict.fromkeys(("condition", "generator", "metric"), pl.String),
    **VALUES,
    "reason": pl.String,
    **COUNTS,
}
AREA_SCHEMA = {**NAMES, "levels": pl.String, **VALUES, "letters": pl.String, "reason": pl.String}
PAIR_SCHEMA = {
    **dict.fromkeys(("kind", "first", "second"), pl.String),
    **dict.fromkeys(("difference", "low", "high", "p", "p_adjusted", "smallest_difference"), pl.Float64),
    "separated": pl.Boolean,
}


@dataclass(frozen=True)
class RobustnessReport:
    """What a robustness study found.

    Args:
        title: What was compared on what.
        summary: The numbers.
        notes: What a reader must know to read them, one sentence each.
        warnings: What makes them doubtful.
        views: The picture that each detector was shown.
        scored: Number of scores that were computed now rather than found in the store.
    """

    title: str
    summary: Summary
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    views: Mapping[str, str] = field(default_factory=dict)
    scored: int = 0

    @cached_property
    def curves(self) -> list[Curve]:
        """One for each kind of degradation."""
        return robustness_curves(self.summary)

    @cached_property
    def areas(self) -> list[Area]:
        """One for each curve and detector."""
        return areas(self.summary)

    @cached_property
    def rankings(self) -> dict[str, Ranking]:
        """The paired tests of the areas, by kind."""
        return area_rankings(self.areas)


@dataclass(frozen=True)
class Point:
    """The numbers of one detector under one condition.

    Args:
        kind: The kind of degradation, or the whole condition where it is no point of a curve.
        axis: What the level measures; None where there is no curve.
        level: None where there is no curve, and of clean images that have no level.
        row: The numbers.
    """

    kind: str
    axis: str | None
    level: float | None
    row: Row


def points_of(report: RobustnessReport) -> Iterator[Point]:
    """Yields the points of every curve, each detector's clean images with them, then conditions without a curve."""
    shown: set[str] = set()
    for curve in report.curves:
        for detector in curve.detectors:
            points = curve.points.get(detector, [])
            rows = [row for _, row in points]
            if detector in curve.clean and curve.clean[detector] not in rows:
                yield Point(curve.kind, curve.axis, None, curve.clean[detector])
            yield from (Point(curve.kind, curve.axis, level, row) for level, row in points)
            shown.update(row.condition for row in rows)
    for row in mean_rows(report.summary):
        if row.condition not in {*shown, CLEAN}:
            yield Point(row.condition, None, None, row)


def point_frame(report: RobustnessReport) -> pl.DataFrame:
    """Makes one row for each point and metric; the change is of the mean AUROC."""
    changes = changes_of(report)
    rows = [
        {
            "kind": point.kind,
            "axis": point.axis,
            "detector": point.row.detector,
            "level": point.level,
            "condition": point.row.condition,
            "generator": point.row.generator,
            "metric": metric,
            **_fields(point.row.numbers[metric]),
            **_change(changes.get((point.row.detector, point.row.condition)) if metric == "auroc" else None),
            "n_real": point.row.n_real,
            "n_generated": point.row.n_generated,
            "n_unreadable": point.row.n_unreadable,
        }
        for point in points_of(report)
        for metric in WITH_INTERVAL
        if metric in point.row.numbers
    ]
    return pl.DataFrame(rows, schema=POINT_SCHEMA)


def area_frame(report: RobustnessReport) -> pl.DataFrame:
    """Makes one row for each curve and detector."""
    rows = [
        {
            "kind": area.kind,
            "axis": area.axis,
            "detector": area.detector,
            "levels": levels_of(area),
            **_fields(area.auroc),
            **_change(area.change),
            "letters": report.rankings[area.kind].letters.get(area.detector),
        }
        for area in report.areas
    ]
    return pl.DataFrame(rows, schema=AREA_SCHEMA)


def pair_frame(report: RobustnessReport) -> pl.DataFrame:
    """Makes one row for each kind and pair of detectors: the paired test of their areas."""
    rows = [
        {
            "kind": kind,
            "first": pair.first,
            "second": pair.second,
            "difference": pair.test.difference,
            "low": pair.test.low,
            "high": pair.test.high,
            "p": pair.test.p,
            "p_adjusted": pair.p_adjusted,
            "smallest_difference": pair.smallest,
            "separated": pair.separated,
        }
        for kind, ranking in report.rankings.items()
        for pair in ranking.pairs
    ]
    return pl.DataFrame(rows, schema=PAIR_SCHEMA)


def levels_of(area: Area) -> str:
    """Writes the levels of an area."""
    return " ".join(f"{level:g}" for level in area.levels)


def changes_of(report: RobustnessReport) -> dict[tuple[str, str], Number]:
    """Returns the change of mean AUROC against the clean images, by detector and condition."""
    return {(change.detector, change.condition): change.auroc for change in report.summary.changes}


def _fields(number: Number) -> dict[str, Any]:
    low, high = number.interval or (None, None)
    value = None if math.isnan(number.value) else number.value
    return {"value": value, "low": low, "high": high, "seeds_sd": number.seeds_sd, "reason": number.reason}


def _change(number: Number | None) -> dict[str, Any]:
    fields = {} if number is None else _fields(number)
    return {"change": fields.get("value"), "change_low": fields.get("low"), "change_high": fields.get("high")}
