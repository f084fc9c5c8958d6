"""What detectors do on real images of each source, and on images edited in part: tables and plain values."""

import math
from collections.abc import Iterable
from typing import Any

from bench.report.attacks import attack_records, attack_tables
from bench.report.facing import facing_notes
from bench.report.numbers import cell
from bench.report.table import Table, columns_of
from bench.report.words import named
from bench.results.comparison import Comparison
from bench.results.edited_area import EditedArea
from bench.results.leaderboard import Board
from bench.results.real_sources import FALSE_ALARMS, RealSource, WorstRealSources, worst_sources
from bench.results.seen_images import SeenImages
from bench.statistics.number import Number, finite
from bench.store.schema import CLEAN

RATE = f"{100 * FALSE_ALARMS:g} %"
MOST_SOURCES = 12
"""Sources of real images that a table shows of a detector; plain values hold all."""
SOURCES_TITLE = "Real sources apart"
SOURCES_NOTE = (
    f"On the clean images. Flagged: the share above the threshold that flags {RATE} of all reals that face "
    "generators. Shift: AUROC of the source against the other real sources (0.50: none; above: looks more generated). "
    "The worst source comes first; it is picked on these very images, so its numbers are somewhat too large."
)
AREA_TITLE = "AUROC by share of edited area"
AREA_NOTE = (
    "On the clean images: edited ones in quartiles of the share that was edited, against the real images that their "
    "generator faces. Edited images without a known share are left out."
)


def further_tables(comparison: Comparison) -> list[Table]:
    """Makes the tables that have rows."""
    tables = (source_table(comparison), area_table(comparison), *attack_tables(comparison.summary))
    return [table for table in tables if table.rows]


def further_notes(comparison: Comparison) -> list[str]:
    """Returns how to read the tables, for where a table stands without its note."""
    return [f"{table.title}: {table.note}" for table in further_tables(comparison)]


def images_notes(board: Board) -> list[str]:
    """Says of a board which real images face which generator, and on the clean images which are the worst."""
    comparison, condition = board.comparison, board.condition
    worst = worst_sources(comparison.real_sources) if condition == CLEAN else []
    return [*facing_notes(comparison.panel, condition, always=False), *map(worst_words, worst)]


def further_records(comparison: Comparison) -> dict[str, Any]:
    """Returns the same as plain values."""
    seen = [_seen_record(finding) for finding in comparison.findings if isinstance(finding, SeenImages)]
    return {
        "real_sources": [_source_record(row) for row in comparison.real_sources],
        "edited_areas": [_area_record(row) for row in comparison.edited_areas],
        "seen_images": seen[0] if seen else None,
        "attacks": attack_records(comparison.summary),
    }


def source_table(comparison: Comparison) -> Table:
    """Makes a row for each detector and source of real images, as far as the table goes."""
    shown, counts = [], dict[str, int]()
    for row in comparison.real_sources:
        counts[row.detector] = counts.get(row.detector, 0) + 1
        if counts[row.detector] <= MOST_SOURCES:
            shown.append(row)
    rows = [
        (row.detector, row.source, f"{row.images:,}", f"{row.groups:,}", cell(row.false_alarms), cell(row.shift))
        for row in shown
    ]
    more = max(counts.values(), default=0) - MOST_SOURCES
    left_out = [f"{more} more sources are in --json."] if more > 0 else []
    numbers = [(row.source, number) for row in shown for number in (row.false_alarms, row.shift)]
    note = " ".join([SOURCES_NOTE, *left_out, *_reasons(numbers)])
    return Table(
        SOURCES_TITLE, ("detector", "real source", "images", "groups", "flagged", "shift"), rows, note, names=2
    )


def area_table(comparison: Comparison) -> Table:
    """Makes a row for each detector, generator of edited images and quartile."""
    areas = comparison.edited_areas
    rows = [
        (
            row.detector,
            row.generator,
            f"{row.quartile} of 4" if row.quartile else "all",
            f"{100 * row.low:.1f} to {100 * row.high:.1f} %",
            f"{row.images:,}",
            cell(row.auroc),
        )
        for row in areas
    ]
    note = " ".join([AREA_NOTE, *_reasons((row.generator, row.auroc) for row in areas)])
    columns = ("detector", "generator", "quartile", "edited area", "images", "AUROC")
    return Table(AREA_TITLE, columns, rows, note, names=3)


def worst_words(finding: WorstRealSources) -> str:
    """Names the worst source of real images of each detector."""
    pieces = []
    for row in finding.sources:
        flagged = not math.isnan(row.false_alarms.value)
        words = f"flags {cell(row.false_alarms)} of it" if flagged else f"shift {cell(row.shift)}"
        pieces.append(f"{row.detector}: {row.source} ({words})")
    return f"Worst source of real images, where {RATE} of all reals are flagged: {named(pieces)}."


def seen_words(finding: SeenImages) -> str:
    """Says how many images are known from a training set, and what AUROCs are without them."""
    if not finding.counts:
        return f"No image here is among those of {finding.file}."
    counts = [
        f"{count.known:,} of {count.images:,} {'generated' if count.label else 'real'} of {count.source}"
        for count in finding.counts
    ]
    aurocs = [
        f"{row.detector} {cell(row.without)}, with them {cell(row.everything)}, difference "
        f"{cell(row.difference, signed=True)}"
        for row in finding.aurocs
    ]
    return f"Known from {finding.file}: {named(counts)}. AUROC without them: {named(aurocs)}."


def _reasons(numbers: Iterable[tuple[str, Number]]) -> list[str]:
    """Says once for each name why a value or an interval is missing."""
    reasons = [
        f"{name}: {'n/a' if math.isnan(number.value) else 'no interval'}, {number.reason}"
        for name, number in numbers
        if number.reason
    ]
    return [f"{named(list(dict.fromkeys(reasons)))}."] if reasons else []


def _source_record(row: RealSource) -> dict[str, Any]:
    return {
        **columns_of(row, "detector", "source", "images", "groups"),
        **row.false_alarms.columns("false_alarms"),
        **row.shift.columns("shift"),
        "reason": row.false_alarms.reason or row.shift.reason,
    }


def _seen_record(seen: SeenImages) -> dict[str, Any]:
    return {
        "file": seen.file,
        "images": [columns_of(count, "label", "source", "known", "images") for count in seen.counts],
        "aurocs": [
            {
                "detector": row.detector,
                **row.everything.columns("with"),
                **row.without.columns("without"),
                **row.difference.columns("difference"),
                "reason": row.difference.reason,
            }
            for row in seen.aurocs
        ],
    }


def _area_record(row: EditedArea) -> dict[str, Any]:
    return {
        **columns_of(row, "detector", "generator", "images"),
        "quartile": row.quartile or None,
        "area_low": finite(row.low),
        "area_high": finite(row.high),
        **row.auroc.columns("auroc"),
        "reason": row.auroc.reason,
    }
