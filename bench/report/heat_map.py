"""The changes of a heat map: as a table, as records for programs, and in words."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bench.report.numbers import cell, p_cell
from bench.report.table import Table
from bench.results.comparison import Comparison
from bench.results.heat_map import HeatMap, degraded
from bench.results.summary import Change

SEPARATED = "*"
"""Beside a change that the test separates from none."""
COLUMNS = ("detector", "condition", "change of mean AUROC", "p (Holm)")
NOTE = (
    "Change of the mean AUROC against the clean images, paired: both saw the same groups. p is adjusted (Holm) over "
    f"the conditions of each detector, not over detectors; {SEPARATED}: separated from no change at 5 %. The intervals "
    "are not adjusted."
)
ALONE = (
    "One class alone is degraded, so a detector may also tell the degradation: this shows how scores can be evaded, "
    "not how detectors stand what happens to all images. Holm counts these conditions with the others."
)


def change_table(comparison: Comparison, title: str) -> Table:
    """Makes the table of what each condition changes."""
    changes = comparison.summary.changes
    rows = [(c.detector, c.condition, cell(c.auroc, signed=True), marked_p(c)) for c in changes]
    return Table(title, COLUMNS, rows, NOTE, names=2)


def marked_p(change: Change) -> str:
    """Writes the adjusted p-value of a change, with a mark where it is separated from no change."""
    return p_cell(change.p_adjusted) + (f" {SEPARATED}" if change.separated else "")


def cell_words(change: Change) -> tuple[str, str]:
    """Writes a cell: the change with the mark of a separated one, and its interval, or that there is none."""
    number = change.auroc
    if math.isnan(number.value):
        return "n/a", ""
    mark = SEPARATED if change.separated else ""
    ends = "[no interval]" if number.interval is None else f"[{number.interval.low:+.3f}, {number.interval.high:+.3f}]"
    return f"{number.value:+.3f}{mark}", ends


def change_notes(changes: Iterable[Change]) -> list[str]:
    """Says why changes have no test, once for each reason."""
    reasons = Counter(change.auroc.reason for change in changes if change.p is None and change.auroc.reason)
    words = {1: "1 change against the clean images has"}
    return [
        f"{words.get(count, f'{count} changes against the clean images have')} no test: {reason}. Holm does not count "
        "what has no test."
        for reason, count in reasons.items()
    ]


def change_columns(change: Change | None) -> dict[str, Any]:
    """Returns the columns of a change's test for programs; nothing in them where there is no change."""
    return {
        "change_p": change and change.p,
        "change_p_adjusted": change and change.p_adjusted,
        "change_reason": change and change.auroc.reason,
    }


def heat_records(heat_map: HeatMap | None) -> list[dict[str, Any]]:
    """Makes a record for each change, detector by detector."""
    if heat_map is None:
        return []
    cells: Mapping[tuple[str, str], Change] = heat_map.changes
    return [
        {
            "detector": detector,
            "condition": condition,
            "degraded": degraded(condition),
            **change.auroc.columns("change"),
            **change_columns(change),
            "separated": change.separated,
        }
        for detector in heat_map.detectors
        for condition in heat_map.conditions
        if (change := cells.get((detector, condition))) is not None
    ]
