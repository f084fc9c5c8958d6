"""How detectors stand degraded images: curves of the mean AUROC over the levels of a degradation, and their areas.

The mean AUROC is joined by straight lines from level to level and averaged over the axis, from the lowest level to the
highest (the trapezoid rule, divided by the span). So the area is itself an AUROC, averaged over levels: a level counts
by half the distance between its neighbours, one at an end by half the distance to its only neighbour, and levels that
lie unevenly count as much as the axis between them. The clean images take part at their level where a kind has one
(blur 0, noise 0, resize 1, crop 1), and else do not: no quality of JPEG leaves an image as it is, so the axis there is
the quality, from the lowest to the highest that was asked for. An area depends on the levels; detectors are compared
over the same ones, and two grids are not.

All weights are known and positive, so the area has the weighted sum of the AUROCs' influence values, which keeps what
the levels share (they are the same images), and with it interval and paired tests.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from bench.results.comparison import Comparison
from bench.results.rankings import CommonImages, drawing_of
from bench.results.summary import MEAN, Row, Summary
from bench.scoring.attacks.condition import Attack
from bench.scoring.condition_language import read_condition
from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import auroc_interval, paired_test, standard_error
from bench.statistics.number import Number, sd_over_seeds
from bench.statistics.ranking import InCommon, Ranking, rank_detectors
from bench.store.panel import Panel
from bench.store.schema import CLEAN
from datamodules import DataOptionError
from datamodules.degradations import Axis, DegradationChain

AREA = "area"


@dataclass(frozen=True)
class Curve:
    """The mean AUROC of every detector at every level of one kind of degradation.

    Args:
        kind: The condition without its level, for instance ``blur,kernel=9@generated``.
        axis: What the level measures.
        points: ``(level, row)`` by detector, sorted by level; the clean images are one of them if they have a level.
        clean: The row of the clean images by detector.
    """

    kind: str
    axis: Axis
    points: dict[str, list[tuple[float, Row]]]
    clean: dict[str, Row]

    @property
    def detectors(self) -> list[str]:
        """All detectors of the summary, also those without a point here, so that each has its place in every curve."""
        return list(dict.fromkeys([*self.clean, *self.points]))

    @property
    def levels(self) -> list[float]:
        """The levels that any detector has, ascending."""
        return sorted({level for points in self.points.values() for level, _ in points})

    @property
    def joined(self) -> bool:
        """Whether there is a course to draw: two levels or more beside the clean images."""
        return len({*self.levels} - {self.axis.untouched}) > 1

    def clean_without_level(self, detector: str) -> Row | None:
        """Returns the row of the clean images where they are no point of the curve."""
        clean = self.clean.get(detector)
        return None if any(row is clean for _, row in self.points.get(detector, ())) else clean

    @property
    def incomplete(self) -> dict[str, str]:
        """Why a detector's curve is not to be compared with the others: levels, or images, that it lacks."""
        reasons = {}
        for detector in self.detectors:
            rows = dict(self.points.get(detector, []))
            most = max((sum(row.counts.values()) for row in rows.values()), default=0)
            known = {*rows, self.axis.untouched} if detector in self.clean else rows
            absent = [f"{level:g}" for level in self.levels if level not in known]
            fewer = [f"{level:g}" for level, row in rows.items() if sum(row.counts.values()) < most]
            if absent:
                reasons[detector] = f"no scores at level {', '.join(absent)}"
            elif fewer:
                reasons[detector] = f"fewer images than elsewhere at level {', '.join(fewer)}"
        return reasons


@dataclass(frozen=True)
class Point:
    """The numbers of one detector under one condition.

    Args:
        kind: The kind of degradation, or the whole condition where it is no point of a curve; it has no axis then.
        level: None where there is no curve, and of clean images that have no level.
    """

    kind: str
    axis: Axis | None
    level: float | None
    row: Row


@dataclass(frozen=True)
class Area:
    """The area under the curve of one detector and one kind of degradation, normalised to the span of the levels.

    Args:
        weights: What each condition counts, by ascending level; they add up to 1. Empty where there is no area.
        levels: The level of each condition.
        auroc: The area; nan where the curve has a single level, or is incomplete.
        change: The area minus the AUROC of the clean images, paired.
        influence: What each group of images contributes to the area's error; None where it has no interval.
    """

    kind: str
    axis: Axis
    detector: str
    weights: Mapping[str, float]
    levels: tuple[float, ...]
    auroc: Number
    change: Number
    influence: InfluenceValues | None


@dataclass(frozen=True)
class Robustness:
    """Curves and areas of a comparison under several conditions."""

    comparison: Comparison

    @cached_property
    def curves(self) -> list[Curve]:
        """One for each kind of degradation."""
        return robustness_curves(self.comparison.summary)

    @cached_property
    def areas(self) -> list[Area]:
        """One for each curve and detector."""
        return areas(self.comparison.summary)

    @cached_property
    def rankings(self) -> dict[str, Ranking]:
        """The paired tests of the areas, by kind."""
        return area_rankings(self.areas, self.comparison.panel, drawing_of(self.comparison.detectors))

    @cached_property
    def changes(self) -> dict[tuple[str, str], Number]:
        """The change of mean AUROC against the clean images, by detector and condition."""
        return {(change.detector, change.condition): change.auroc for change in self.comparison.summary.changes}

    @cached_property
    def uneven(self) -> tuple[str, ...]:
        """The conditions under which one class is degraded and the other is not."""
        conditions = dict.fromkeys(row.condition for row in self.comparison.summary.means)
        chains = [chain for condition in conditions if (chain := chain_of(condition)) is not None]
        return tuple(chain.name for chain in chains if not chain.even)

    def points(self) -> Iterator[Point]:
        """Yields the points of every curve, each detector's clean images with them, then conditions without a curve."""
        shown: set[str] = set()
        for curve in self.curves:
            for detector in curve.detectors:
                clean = curve.clean_without_level(detector)
                if clean is not None:
                    yield Point(curve.kind, curve.axis, None, clean)
                for level, row in curve.points.get(detector, []):
                    shown.add(row.condition)
                    yield Point(curve.kind, curve.axis, level, row)
        for row in self.comparison.summary.means:
            if row.condition not in {*shown, CLEAN}:
                yield Point(row.condition, None, None, row)


def robustness_curves(summary: Summary) -> list[Curve]:
    """Arranges the conditions that are one degradation each; chains and matched images are no points of a curve."""
    clean = {row.detector: row for row in summary.means if row.condition == CLEAN}
    curves: dict[str, Curve] = {}
    for row in summary.means:
        chain = chain_of(row.condition)
        if chain is not None and chain.curve is not None:
            kind, level, axis = chain.curve
            curve = curves.setdefault(kind, Curve(kind, axis, {}, clean))
            curve.points.setdefault(row.detector, []).append((level, row))
    for curve in curves.values():
        for detector, points in curve.points.items():
            if curve.axis.untouched is not None and detector in clean:
                points.append((curve.axis.untouched, clean[detector]))
            points.sort(key=lambda point: point[0])
    return list(curves.values())


def chain_of(condition: str) -> DegradationChain | Attack | None:
    """Reads a condition back; None for a matching."""
    try:
        return read_condition(condition)
    except DataOptionError:
        return None


def areas(summary: Summary) -> list[Area]:
    """Computes the area of every detector under every curve, curve by curve."""
    return [_area(summary, curve, detector) for curve in robustness_curves(summary) for detector in curve.detectors]


def area_rankings(areas: Sequence[Area], panel: Panel, drawing: Collection[str] = ()) -> dict[str, Ranking]:
    """Ranks detectors by their areas, kind by kind, and tests every pair; p-values are adjusted within the kind."""
    rankings, common = {}, CommonImages(panel)
    for kind in dict.fromkeys(area.kind for area in areas):
        detectors = {area.detector: area for area in areas if area.kind == kind}
        influences = {name: {AREA: area.influence} if area.influence else {} for name, area in detectors.items()}
        ranking = rank_detectors(influences, AREA, partial(_in_common, common, detectors), drawing)
        reasons = {name: detectors[name].auroc.reason or "" for name in ranking.unranked}
        rankings[kind] = replace(ranking, unranked=reasons)
    return rankings


def _in_common(common: CommonImages, areas: Mapping[str, Area], first: str, second: str, _: str) -> InCommon | None:
    """Makes the areas of two detectors on the images that both have; None where both have the same."""
    weights = areas[first].weights
    pairs = [common.pair(condition, first, second, MEAN) for condition in weights]
    if not any(pairs):
        return None
    influences = []
    for label in (first, second):
        of_levels = [common.influence(label, where, MEAN, common.within(where, first, second)) for where in weights]
        known = [influence for influence in of_levels if influence is not None]
        influences.append(combined(known, list(weights.values())) if len(known) == len(weights) else None)
    return InCommon(max(pair.images for pair in pairs if pair), *influences)


def trapezoid_weights(levels: Sequence[float]) -> NDArray[np.float64]:
    """Returns what each level counts in the mean over the axis; ``(k,)`` ascending levels, not all the same.

    Examples:
        >>> trapezoid_weights([0, 1, 2, 4]).tolist()
        [0.125, 0.25, 0.375, 0.25]
    """
    steps = np.diff(np.asarray(levels, dtype=np.float64))
    return np.asarray((np.append(steps, 0) + np.append(0, steps)) / (2 * steps.sum()))


def _area(summary: Summary, curve: Curve, detector: str) -> Area:
    points = curve.points.get(detector, [])
    rows = [row for _, row in points]
    reason = curve.incomplete.get(detector) or _refusal(summary, curve, rows)
    if reason:
        nothing = Number(float("nan"), reason=reason)
        return Area(curve.kind, curve.axis, detector, {}, tuple(curve.levels), nothing, nothing, None)
    levels = tuple(level for level, _ in points)
    weights = trapezoid_weights(levels).tolist()
    named = {row.condition: weight for row, weight in zip(rows, weights, strict=True)}
    number, influence = _weighted(summary, rows, weights)
    change = _change(summary, curve.clean.get(detector), number, influence)
    return Area(curve.kind, curve.axis, detector, named, levels, number, change, influence)


def _refusal(summary: Summary, curve: Curve, rows: Sequence[Row]) -> str | None:
    """Says why there is no area at all."""
    if len(curve.levels) < 2:
        return "an area needs two levels"
    if len({frozenset(summary.cells[row.detector, row.condition]) for row in rows}) > 1:
        return "not the same generators at every level"
    undefined = [row.numbers["auroc"].reason for row in rows if np.isnan(row.numbers["auroc"].value)]
    return undefined[0] if undefined else None


def _influence(summary: Summary, row: Row) -> InfluenceValues | None:
    return summary.influences.get((row.detector, row.condition), {}).get(row.generator)


def _weighted(summary: Summary, rows: Sequence[Row], weights: Sequence[float]) -> tuple[Number, InfluenceValues | None]:
    """Averages AUROCs over levels; without an interval where one has none, or seeds differ."""
    numbers = [row.numbers["auroc"] for row in rows]
    known = [influence for row in rows if (influence := _influence(summary, row)) is not None]
    if len(known) < len(rows) or len({len(influence.seeds) for influence in known}) > 1:
        value = float(np.dot(weights, [number.value for number in numbers]))
        reason = next((number.reason for number in numbers if number.reason), "not the same seeds at every level")
        return Number(value, reason=reason), None
    area = combined(known, weights)
    seeds_sd, error = sd_over_seeds(area.seeds), standard_error(area)
    return Number(area.value, auroc_interval(area), seeds_sd, error=error, seeds=area.seeds), area


def _change(summary: Summary, clean: Row | None, number: Number, influence: InfluenceValues | None) -> Number:
    if clean is None:
        return Number(float("nan"), reason="the clean images have no scores")
    untouched = _influence(summary, clean)
    if influence is None or untouched is None or len(untouched.seeds) != len(influence.seeds):
        value = number.value - clean.numbers["auroc"].value
        return Number(value, reason=number.reason or clean.numbers["auroc"].reason or "not the same seeds")
    test = paired_test(influence, untouched, same_seeds=True)
    return Number(test.difference, Interval(test.low, test.high))
