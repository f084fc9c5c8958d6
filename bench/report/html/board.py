"""The page's boards: a table for each condition and metric, a row for each detector, the mean first."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.notes import sentence
from bench.report.store_notes import called
from bench.results.comparison import Comparison
from bench.results.cues.worst import ALL_CUES, WORST_CUE
from bench.results.leaderboard import Board, boards_of
from bench.results.seen import SEEN
from bench.results.summary import ALL, Row
from bench.statistics.metrics import METRICS, shown_metrics
from bench.statistics.number import ABOVE, BELOW, NOT_SEPARATED, Number

CHANCE = 0.5
MARKS = {NOT_SEPARATED: "†", BELOW: "‡"}
"""Beside a number that is not above every cue."""
CUES = {WORST_CUE: "worst trivial predictor", ALL_CUES: "all trivial predictors together"}


@dataclass(frozen=True)
class Cell:
    """A number as the page shows it.

    Args:
        value: ``n/a`` where it is undefined, empty where there is no number at all.
        sort: What the column is sorted by; nan comes last.
        spread: Standard deviation over seeds.
        reason: Why there is no value or no interval.
        mark: One of ``MARKS``, or empty.
        verdict: The mark in words.
        track: Ends of the interval and the value in per cent of the axis; empty without an interval.
        seen: Whether the detector's weights were trained on images of the generator.
        chance: How an AUROC stands against chance, where it is not above; what chance is where it is not 0.5.
    """

    value: str = ""
    sort: float = math.nan
    spread: str = ""
    interval: str = ""
    reason: str = ""
    mark: str = ""
    verdict: str = ""
    track: Sequence[float] = ()
    seen: bool = False
    chance: str = ""


@dataclass(frozen=True)
class MetricRow:
    """A detector's numbers, or those of the cues."""

    detector: str
    letters: str
    unreadable: int
    cells: Sequence[Cell]
    is_cue: bool = False


def metric_tables(comparison: Comparison) -> list[dict[str, Any]]:
    """Makes the tables, condition by condition, as the template takes them."""
    return [_metric_table(board, metric) for board in boards_of(comparison) for metric in shown_metrics()]


def _metric_table(board: Board, metric: str) -> dict[str, Any]:
    cues = board.cues if metric == "auroc" else {}
    shown = [row for rows in (*(row.rows for row in board.rows), *cues.values()) for row in rows.values()]
    everything = [row for row in shown if metric in row.numbers]
    names = [name for name in board.mean_first if any(row.generator == name for row in everything)]
    lowest = _lowest(row.numbers[metric] for row in everything)
    rows = []
    for row in board.rows:
        cells = [_cell(board, row.rows.get(name), metric, lowest, row.marks.get(name) == SEEN) for name in names]
        letters = row.letters if len(board.ranking.order) > 1 else ""
        unreadable = max(numbers.n_unreadable for numbers in row.rows.values())
        rows.append(MetricRow(called(board.comparison, row.detector), letters, unreadable, cells))
    for cue, numbers in cues.items():
        cells = [_cell(board, numbers.get(name), metric, lowest) for name in names]
        rows.append(MetricRow(CUES[cue], "", 0, cells, is_cue=True))
    means = [board.unseen[row.detector] for row in board.rows if row.detector in board.unseen]
    return {
        "condition": board.condition,
        "metric": METRICS[metric].title,
        "columns": [(name, _counts([row for row in everything if row.generator == name])) for name in names],
        "rows": rows,
        "lowest": lowest,
        # Only an AUROC has a chance that depends on nothing.
        "chance": _per_cent(CHANCE, lowest) if metric == "auroc" else None,
        "marks": {cell.mark for row in rows for cell in row.cells if cell.mark},
        "has_letters": any(row.letters for row in rows),
        "has_unreadable": any(row.unreadable for row in rows),
        "has_seen": any(cell.seen for row in rows for cell in row.cells),
        "notes": [sentence(mean) for mean in means] if metric == "auroc" else [],
    }


def _cell(board: Board, row: Row | None, metric: str, lowest: float, seen: bool = False) -> Cell:
    if row is None or metric not in row.numbers:
        return Cell(seen=seen)
    number, reason = row.numbers[metric], row.numbers[metric].remark or ""
    if math.isnan(number.value):
        return Cell("n/a", reason=reason, seen=seen)
    verdicts = board.comparison.cues.verdicts if metric == "auroc" else {}
    verdict, ends = verdicts.get((row.detector, row.condition, row.generator), ""), number.interval
    return Cell(
        value=f"{number.value:.4f}",
        sort=number.value,
        spread=f"± {number.seeds_sd:.4f}" if number.seeds_sd is not None else "",
        interval=f"{'~ ' if number.doubt else ''}{ends.low:.3f} to {ends.high:.3f}" if ends else "no interval",
        reason=reason,
        mark=MARKS.get(verdict, ""),
        verdict="below a trivial predictor" if verdict == BELOW else "not above every trivial predictor, nor below one",
        track=[_per_cent(value, lowest) for value in (*ends, number.value)] if ends else (),
        seen=seen,
        chance=_chance(number, metric),
    )


def _chance(number: Number, metric: str) -> str:
    if metric == "auroc":
        return "" if number.against_chance == ABOVE else number.chance_words
    return "" if number.chance is None or round(number.chance, 2) == CHANCE else f"chance {number.chance:.2f}"


def _per_cent(value: float, lowest: float) -> float:
    """Places a value on the axis, which runs from the lowest value to 1."""
    return round(100 * min(max((value - lowest) / (1.0 - lowest), 0.0), 1.0), 1)


def _lowest(numbers: Iterable[Number]) -> float:
    """Rounds the lowest end down to a tenth; the axis holds chance in any case."""
    ends = [number.interval.low if number.interval else number.value for number in numbers]
    return math.floor(10 * min([CHANCE, *(end for end in ends if not math.isnan(end))])) / 10


def _counts(rows: Sequence[Row]) -> str:
    if not rows or rows[0].generator == ALL:
        return ""
    both = [sorted(set(counts)) for counts in zip(*((row.n_real, row.n_generated) for row in rows), strict=True)]
    real, generated = (f"{n[0]:,}" if n[0] == n[-1] else f"{n[0]:,} to {n[-1]:,}" for n in both)
    return f"{real} real, {generated} generated"
