"""How detectors stand degraded images: tables, Markdown, CSV and figures."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report.attacks import attack_tables
from bench.report.escaping import markdown
from bench.report.heat_map import NOTE, change_columns, change_notes, change_table, heat_records
from bench.report.notes import comparison_notes, warnings_of
from bench.report.numbers import cell
from bench.report.plots.heat_map import heat_map_svg
from bench.report.plots.robustness import robustness_svg
from bench.report.ranks import pair_records, pair_table
from bench.report.short import short_robustness, short_robustness_notes
from bench.report.table import Table, csv_text, note_lines, print_tables, write_texts
from bench.results.heat_map import heat_map_of
from bench.results.robustness import Area, Robustness
from bench.statistics.metrics import shown_metrics, shown_titles
from bench.statistics.number import Number

NOTHING = Number(float("nan"))
AREAS = ("degradation", "levels", "detector", "area", "against clean", "rank")
HEAT_MAP = "robustness-heatmap.svg"
VALUES = ("value", "low", "high", "seeds_sd", "change", "change_low", "change_high")
POINT_COLUMNS = (
    *("kind", "axis", "detector", "level", "condition", "generator", "metric", *VALUES, "reason"),
    *("n_real", "n_generated", "n_unreadable", "change_p", "change_p_adjusted", "change_reason"),
)
AREA_COLUMNS = ("kind", "axis", "detector", "levels", *VALUES, "letters", "reason")
PAIR_COLUMNS = (
    *("kind", "first", "second", "difference", "low", "high", "p", "p_adjusted", "smallest_difference", "separated"),
    *("for_this_draw", "images_in_common"),
)


def robustness_tables(robustness: Robustness) -> list[Table]:
    """Makes the tables: points of curves, changes, areas, and paired tests of the areas."""
    views = robustness.comparison.views
    pairs = pair_table(robustness.rankings, views, "Areas against each other, paired", "degradation")
    changes = change_table(robustness.comparison, "Changes against the clean images, paired")
    others = [
        replace(changes, note=""),
        Table("Area under the curve", AREAS, _areas(robustness), names=3),
        replace(pairs, note=""),
    ]
    others += attack_tables(robustness.comparison.summary)
    return [_points(robustness), *(table for table in others if table.rows)]


def write_robustness(robustness: Robustness, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes points, areas and pairs as CSV, everything as Markdown, and a figure for each kind and of the changes.

    ``raw_names`` as for `csv_line`.
    """
    heat_map = heat_map_of(robustness.comparison)
    texts = {
        "robustness.csv": csv_text(point_records(robustness), POINT_COLUMNS, raw_names),
        "robustness-areas.csv": csv_text(_area_records(robustness), AREA_COLUMNS, raw_names),
        "robustness-pairs.csv": csv_text(pair_records(robustness.rankings, "kind"), PAIR_COLUMNS, raw_names),
        "robustness.md": _markdown(robustness),
        **({HEAT_MAP: heat_map_svg(heat_map) + "\n"} if heat_map else {}),
        **{figure_file(curve.kind): robustness_svg(curve) + "\n" for curve in robustness.curves},
    }
    return write_texts(texts, output)


def print_robustness(robustness: Robustness, console: Console, long: bool = False) -> None:
    """Prints warnings, a row a condition, and how to read it; with ``long`` all tables and notes."""
    if long:
        tables, notes = robustness_tables(robustness), robustness_notes(robustness)
    else:
        tables, notes = [short_robustness(robustness)], short_robustness_notes(robustness)
    print_tables(tables, console, warnings_of(robustness.comparison), notes)


def robustness_json(robustness: Robustness) -> dict[str, Any]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "title": robustness.comparison.title,
        "points": point_records(robustness),
        "changes": heat_records(heat_map_of(robustness.comparison)),
        "areas": _area_records(robustness),
        "pairs": pair_records(robustness.rankings, "kind"),
        "warnings": warnings_of(robustness.comparison),
        "notes": robustness_notes(robustness),
        "scored": robustness.comparison.scored,
    }


def figure_file(kind: str) -> str:
    """Names the figure of a kind.

    Examples:
        >>> figure_file("blur,kernel=9@generated")
        'robustness-blur-kernel-9-generated.svg'
    """
    return f"robustness-{re.sub('[^a-z0-9.]+', '-', kind)}.svg"


def robustness_notes(robustness: Robustness) -> list[str]:
    """Says what a reader must know of curves and areas, and then what holds for every comparison.

    The worst cue is not in these tables: what we do to both classes says nothing of the data.
    """
    changes = robustness.comparison.summary.changes
    notes = [
        "Degraded are 8-bit pictures after the data set's resize and before a view is cut, or with at=original before "
        "the resize; each image is read once for all conditions.",
        "Intervals hold for each level by itself.",
        *([NOTE, *change_notes(changes)] if changes else []),
    ]
    if any(area.weights for area in robustness.areas):
        notes.append(
            "Area: the mean AUROC joined by straight lines from level to level and averaged over the axis, from the "
            "lowest level to the highest (trapezoids over the span, so levels need not be evenly spaced). Clean images "
            "are part of it at level 0 of blur and noise and level 1 of resize and crop; qualities of codecs and sizes "
            "in pixels have no level for them. Areas over other levels are other numbers. Ranks and p-values (Holm) "
            "are within a kind."
        )
    if robustness.uneven:
        notes.append(
            "@real, @generated, and dda, which is for generated images: only that class is degraded, so a detector may "
            "also tell the degradation; this shows how scores can be evaded, or whether processed photographs are "
            "called generated, not how detectors stand what happens to all images. Holm counts these conditions with "
            "the others."
        )
    absent: dict[tuple[str, str], list[str]] = {}
    for area in robustness.areas:
        if area.auroc.reason:
            absent.setdefault((area.kind, area.auroc.reason), []).append(area.detector)
    notes += [f"{kind}, {', '.join(names)}: no area or interval, {why}." for (kind, why), names in absent.items()]
    return [*notes, *comparison_notes(robustness.comparison, worst_cue=False)]


def point_records(robustness: Robustness) -> list[dict[str, Any]]:
    """Makes a record for each point and metric; the change is of the mean AUROC."""
    numbers = [
        (point, metric, point.row.numbers[metric])
        for point in robustness.points()
        for metric in shown_metrics()
        if metric in point.row.numbers
    ]
    changes = {(place, "auroc"): change for place, change in robustness.changes.items()}
    tests = {(change.detector, change.condition): change for change in robustness.comparison.summary.changes}
    return [
        {
            "kind": point.kind,
            "axis": point.axis and point.axis.title,
            "detector": point.row.detector,
            "level": point.level,
            "condition": point.row.condition,
            "generator": point.row.generator,
            "metric": metric,
            **number.columns(),
            "seeds_sd": number.seeds_sd,
            **changes.get(((point.row.detector, point.row.condition), metric), NOTHING).columns("change"),
            "reason": number.remark,
            **point.row.counts,
            **change_columns(tests.get((point.row.detector, point.row.condition)) if metric == "auroc" else None),
        }
        for point, metric, number in numbers
    ]


def _area_records(robustness: Robustness) -> list[dict[str, Any]]:
    return [
        {
            "kind": area.kind,
            "axis": area.axis.title,
            "detector": area.detector,
            "levels": _levels(area),
            **area.auroc.columns(),
            "seeds_sd": area.auroc.seeds_sd,
            **area.change.columns("change"),
            "letters": robustness.rankings[area.kind].letters.get(area.detector),
            "reason": area.auroc.remark,
        }
        for area in robustness.areas
    ]


def _markdown(robustness: Robustness) -> str:
    points, *others = robustness_tables(robustness)
    lines = [f"## {markdown(points.title)}", ""]
    lines += [line for table in others for line in table.markdown()]
    if heat_map_of(robustness.comparison):
        lines += [f"![Change of mean AUROC by detector and condition]({HEAT_MAP})", ""]
    for curve in robustness.curves:
        lines += [f"![Mean AUROC under {markdown(curve.kind)}]({figure_file(curve.kind)})", ""]
    lines += points.markdown() + note_lines(robustness_notes(robustness), warnings_of(robustness.comparison))
    return "\n".join(lines) + "\n"


def _points(robustness: Robustness) -> Table:
    rows = []
    for point in robustness.points():
        row, kind = point.row, f"{point.kind} ({point.axis.title})" if point.axis else point.kind
        numbers = (cell(row.numbers.get(metric)) for metric in shown_metrics())
        change = cell(robustness.changes.get((row.detector, row.condition)), signed=True)
        rows.append([kind, row.detector, row.condition, *numbers, change])
    columns = ("degradation", "detector", "condition", *shown_titles(), "change of AUROC")
    return Table(f"{robustness.comparison.title}: robustness", columns, rows, names=3)


def _areas(robustness: Robustness) -> list[list[str]]:
    return [
        [
            area.kind,
            _levels(area),
            area.detector,
            cell(area.auroc),
            cell(area.change, signed=True),
            robustness.rankings[area.kind].letters.get(area.detector, ""),
        ]
        for area in robustness.areas
    ]


def _levels(area: Area) -> str:
    return " ".join(f"{level:g}" for level in area.levels)
