"""The page's boards: a table for each condition and metric, a row or a column for each detector, whichever fits."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from bench.report.notes import sentence
from bench.report.numbers import digits_of, value_text
from bench.report.standings import CONFIRMED, confirmed_cell
from bench.report.store_notes import called
from bench.results.comparison import Comparison
from bench.results.cues.worst import ALL_CUES, WORST_CUE
from bench.results.leaderboard import Board, boards_of
from bench.results.seen import SEEN
from bench.results.summary import ALL, Row
from bench.statistics.metrics import METRICS, shown_metrics
from bench.statistics.number import ABOVE, BELOW, NOT_SEPARATED, Number

CHANCE = 0.5
MOST_COLUMNS = 8
"""Columns of numbers that fit beside the names in a window of 1280 pixels."""
MARKS = {NOT_SEPARATED: "†", BELOW: "‡"}
"""Beside a number that is not above every cue."""
CUES = {WORST_CUE: "worst cue", ALL_CUES: "all cues together"}


@dataclass(frozen=True)
class Cell:
    """A number as the page shows it.

    Args:
        value: ``n/a`` where it is undefined, empty where there is no number at all.
        sort: What the column is sorted by; nan comes last.
        spread: Standard deviation over seeds.
        interval: In words, or that there is none where others have one.
        reason: Why there is no value or no interval.
        mark: One of ``MARKS``, or empty.
        verdict: The mark in words.
        place: Of the value, in per cent of the axis; None without a value.
        ends: Of the interval, so placed; empty without one.
        worst: Of the worst cue, so placed.
        seen: Whether the detector's weights were trained on images of the generator.
        chance: How an AUROC stands against chance, where it is not above; what chance is where it is not 0.5.
        is_cue: Whether it is a cue's.
    """

    value: str = ""
    sort: float = math.nan
    spread: str = ""
    interval: str = ""
    reason: str = ""
    mark: str = ""
    verdict: str = ""
    place: float | None = None
    ends: Sequence[float] = ()
    worst: float | None = None
    seen: bool = False
    chance: str = ""
    is_cue: bool = False


@dataclass(frozen=True)
class Head:
    """What stands before a row or above a column.

    Args:
        small: Further lines.
        letters: Of a detector's rank.
        unreadable: Images that a detector could not read.
    """

    name: str
    small: Sequence[str] = ()
    letters: str = ""
    unreadable: int = 0
    is_cue: bool = False

    @property
    def turned(self) -> "Head":
        """The same above a column, where there are no others for the rank and what was unreadable."""
        rank = [f"rank {self.letters}"] if self.letters else []
        unreadable = [f"{self.unreadable:,} unreadable"] if self.unreadable else []
        return replace(self, small=[*self.small, *rank, *unreadable])


def metric_tables(comparison: Comparison) -> list[dict[str, Any]]:
    """Makes the tables, condition by condition, as the template takes them."""
    return [_metric_table(board, metric) for board in boards_of(comparison) for metric in shown_metrics()]


def _metric_table(board: Board, metric: str) -> dict[str, Any]:
    cues = board.cues if metric == "auroc" else {}
    shown = [row for rows in (*(row.rows for row in board.rows), *cues.values()) for row in rows.values()]
    everything = [row for row in shown if metric in row.numbers]
    names = [name for name in board.mean_first if any(row.generator == name for row in everything)]
    lowest = _lowest(row.numbers[metric] for row in everything)
    heads, cells = [], []
    for row in board.rows:
        letters = row.letters if len(board.ranking.order) > 1 else ""
        unreadable = max(numbers.n_unreadable for numbers in row.rows.values())
        confirmed = confirmed_cell(board.comparison, row.detector)
        small = [f"{CONFIRMED} {confirmed}"] if confirmed not in ("", "0") else []
        heads.append(Head(called(board.comparison, row.detector), small, letters, unreadable))
        cells.append([_cell(board, row.rows.get(name), metric, lowest, row.marks.get(name) == SEEN) for name in names])
    for cue, numbers in cues.items():
        heads.append(Head(CUES[cue], is_cue=True))
        of_cue = (_cell(board, numbers.get(name), metric, lowest) for name in names)
        cells.append([replace(cell, is_cue=True, interval="") for cell in of_cue])
    has_intervals = any(cell.ends for cell in chain.from_iterable(cells))
    if not has_intervals:  # a warning says so once
        cells = [[replace(cell, interval="") for cell in row] for row in cells]
    columns = [Head(name, _counts([row for row in everything if row.generator == name])) for name in names]
    turned = len(columns) > MOST_COLUMNS and len(heads) < len(columns)
    means = [board.unseen[row.detector] for row in board.rows if row.detector in board.unseen]
    each = list(chain.from_iterable(cells))
    return {
        "condition": board.condition,
        "metric": METRICS[metric].title,
        "turned": turned,
        "corner": "generator" if turned else "detector",
        "columns": [head.turned for head in heads] if turned else columns,
        "rows": list(zip(columns, zip(*cells, strict=True), strict=True) if turned else zip(heads, cells, strict=True)),
        "lowest": lowest,
        # Only an AUROC has a chance that depends on nothing.
        "chance": _per_cent(CHANCE, lowest) if metric == "auroc" else None,
        "marks": {cell.mark for cell in each if cell.mark},
        "has_intervals": has_intervals,
        "has_worst": any(cell.worst is not None for cell in each),
        "has_letters": any(head.letters for head in heads),
        "has_unreadable": any(head.unreadable for head in heads),
        "has_seen": any(cell.seen for cell in each),
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
    digits, about = digits_of(ends), "~ " if number.doubt else ""
    worst = board.cues.get(WORST_CUE, {}).get(row.generator) if metric == "auroc" else None
    return Cell(
        value=value_text(number),
        sort=number.value,
        spread=f"± {number.seeds_sd:.3f}" if number.seeds_sd is not None else "",
        interval=f"{about}{ends.low:.{digits}f} to {ends.high:.{digits}f}" if ends else "no interval",
        reason=reason,
        mark=MARKS.get(verdict, ""),
        verdict="below a cue" if verdict == BELOW else "not above every cue, nor below one",
        place=_per_cent(number.value, lowest),
        ends=[_per_cent(value, lowest) for value in ends] if ends else (),
        worst=_per_cent(worst.numbers["auroc"].value, lowest) if worst and row.detector != WORST_CUE else None,
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


def _counts(rows: Sequence[Row]) -> Sequence[str]:
    if not rows or rows[0].generator == ALL:
        return ()
    both = [sorted(set(counts)) for counts in zip(*((row.n_real, row.n_generated) for row in rows), strict=True)]
    real, generated = (f"{n[0]:,}" if n[0] == n[-1] else f"{n[0]:,} to {n[-1]:,}" for n in both)
    return (f"{real} real, {generated} generated",)
