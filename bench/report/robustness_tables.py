"""Writes a robustness study for people: terminal, Markdown, notes."""

import re

from rich.table import Table

from bench.report.ranks import PAIRS, pair_rows
from bench.report.robustness_frames import RobustnessReport, changes_of, levels_of, points_of
from bench.report.tables import cell, escaped, make_table, markdown_table
from bench.results.numbers import WITH_INTERVAL, Number

AREAS = ("degradation", "levels", "detector", "area", "against clean", "rank")
POINTS = ("degradation", "detector", "condition", "AUROC", "AP (generated)", "AP (real)", "change of AUROC")


def robustness_tables(report: RobustnessReport) -> list[Table]:
    """Makes the tables for a terminal."""
    tables = [make_table(report.title, POINTS, _point_cells(report), 3)]
    if report.areas:
        tables.append(make_table("Area under the curve", AREAS, _area_cells(report), 3))
    pairs = _pair_cells(report)
    if pairs:
        tables.append(make_table("Areas against each other, paired", ("degradation", *PAIRS), pairs, 3))
    return tables


def robustness_markdown(report: RobustnessReport) -> str:
    """Writes tables, figures, warnings and notes as Markdown."""
    lines = [f"## {escaped(report.title)}", ""]
    if report.areas:
        lines += [*markdown_table(AREAS, _area_cells(report)), ""]
    pairs = _pair_cells(report)
    if pairs:
        lines += [*markdown_table(("degradation", *PAIRS), pairs), ""]
    for curve in report.curves:
        lines += [f"![Mean AUROC under {escaped(curve.kind)}]({figure_file(curve.kind)})", ""]
    lines += [*markdown_table(POINTS, _point_cells(report)), ""]
    lines += [f"- **Warning:** {escaped(warning)}" for warning in report.warnings]
    lines += [f"- {escaped(note)}" for note in robustness_notes(report)]
    return "\n".join(lines) + "\n"


def figure_file(kind: str) -> str:
    """Names the figure of a kind.

    Examples:
        >>> figure_file("blur,kernel=9@generated")
        'robustness-blur-kernel-9-generated.svg'
    """
    return f"robustness-{re.sub('[^a-z0-9.]+', '-', kind)}.svg"


def robustness_notes(report: RobustnessReport) -> list[str]:
    """Says what a reader must know of curves and areas, and then what holds for every comparison."""
    notes = [
        "Degraded are 8-bit pictures after the dataset's resize and before a view is cut, or with at=original before "
        "the resize; each image is read once for all conditions.",
        "Intervals hold for each level by itself; the change is against the clean images, paired over the same images.",
    ]
    if any(area.weights for area in report.areas):
        notes.append(
            "Area: the mean AUROC joined by straight lines from level to level and averaged over the axis, from the "
            "lowest level to the highest (trapezoids over the span, so levels need not be evenly spaced). Clean images "
            "are part of it at level 0 of blur and noise and level 1 of resize and crop; JPEG and WebP have no level "
            "for them. Areas over other levels are other numbers. Ranks and p-values (Holm) are within a kind."
        )
    if any("@" in curve.kind for curve in report.curves):
        notes.append(
            "@real, @generated: only that class is degraded, so a detector may also tell the degradation; this shows "
            "how scores can be evaded, not how detectors stand what happens to all images."
        )
    absent = {(area.kind, area.detector): area.auroc.reason for area in report.areas if area.auroc.reason}
    notes += [f"{kind}, {detector}: no area or interval, {why}." for (kind, detector), why in absent.items()]
    return [*notes, *report.notes]


def _point_cells(report: RobustnessReport) -> list[list[str]]:
    changes = changes_of(report)
    return [
        [
            point.kind if point.axis is None else f"{point.kind} ({point.axis})",
            point.row.detector,
            point.row.condition,
            *(cell(point.row.numbers[metric]) if metric in point.row.numbers else "" for metric in WITH_INTERVAL),
            _signed(changes.get((point.row.detector, point.row.condition))),
        ]
        for point in points_of(report)
    ]


def _area_cells(report: RobustnessReport) -> list[list[str]]:
    return [
        [
            area.kind,
            levels_of(area),
            area.detector,
            cell(area.auroc),
            _signed(area.change),
            report.rankings[area.kind].letters.get(area.detector, ""),
        ]
        for area in report.areas
    ]


def _pair_cells(report: RobustnessReport) -> list[list[str]]:
    views = {name: report.views.get(name, "unknown") for area in report.areas for name in [area.detector]}
    return [[kind, *row] for kind, ranking in report.rankings.items() for row in pair_rows(ranking, views)]


def _signed(number: Number | None) -> str:
    return "" if number is None else cell(number, signed=True)
