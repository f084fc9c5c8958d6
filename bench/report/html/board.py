"""The leaderboard's tables: one for each condition and metric, a row for each detector, the mean first."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.report.html.section import Section
from bench.results.cues.worst import BELOW, NOT_SEPARATED, WORST_CUE
from bench.results.numbers import ALL, MEAN, WITH_INTERVAL, Number, Row
from bench.results.seen import SEEN, marks_of, unseen_mean, unseen_note
from bench.statistics.metrics import METRICS

CHANCE = 0.5
MARKS = {NOT_SEPARATED: "†", BELOW: "‡"}
"""Beside a number that the worst cue reaches, too."""


@dataclass(frozen=True)
class Cell:
    """A number as the page shows it.

    Args:
        value: As text; ``n/a`` where it is undefined, empty where there is no number at all.
        sort: What the column is sorted by; nan comes last.
        spread: Standard deviation over seeds, as text.
        interval: As text.
        reason: Why there is no value or no interval.
        mark: One of ``MARKS``, or empty.
        verdict: The mark in words.
        track: Ends of the interval and the value in per cent of the axis; None without an interval.
        seen: Whether the detector's weights were trained on images of the generator.
    """

    value: str = ""
    sort: float = math.nan
    spread: str = ""
    interval: str = ""
    reason: str = ""
    mark: str = ""
    verdict: str = ""
    track: tuple[float, float, float] | None = None
    seen: bool = False


@dataclass(frozen=True)
class BoardRow:
    """A detector's numbers, or those of the worst cue."""

    detector: str
    letters: str
    unreadable: int
    cells: Sequence[Cell]

    @property
    def is_cue(self) -> bool:
        """Whether it is the worst cue."""
        return self.detector == WORST_CUE


@dataclass(frozen=True)
class Board:
    """A table.

    Args:
        condition: The degradation or matching of the images.
        metric: The metric's title.
        columns: Generators with their numbers of images, as text; the mean first.
        rows: The best detector first, the worst cue last.
        axis: What the bars run from and to.
        notes: Means over the generators that a trained detector has not seen, as sentences.
    """

    condition: str
    metric: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[BoardRow]
    axis: tuple[float, float]
    notes: Sequence[str] = ()

    @property
    def has_letters(self) -> bool:
        """Whether paired tests rank the detectors."""
        return any(row.letters for row in self.rows)

    @property
    def has_unreadable(self) -> bool:
        """Whether an image could not be read."""
        return any(row.unreadable for row in self.rows)

    @property
    def marks(self) -> set[str]:
        """The marks that occur."""
        return {cell.mark for row in self.rows for cell in row.cells if cell.mark}

    @property
    def has_seen(self) -> bool:
        """Whether a detector was trained on images of one of the generators."""
        return any(cell.seen for row in self.rows for cell in row.cells)

    @property
    def chance(self) -> float | None:
        """Where on the axis chance is, in per cent; only an AUROC has one that depends on nothing."""
        return _per_cent(CHANCE, self.axis) if self.metric == METRICS["auroc"].title else None


def boards_of(section: Section) -> list[Board]:
    """Makes the tables, condition by condition."""
    return [_board(section, condition, metric) for condition in section.conditions for metric in WITH_INTERVAL]


def _board(section: Section, condition: str, metric: str) -> Board:
    report = section.report
    own = [row for row in report.rows if row.condition == condition and metric in row.numbers]
    names = dict.fromkeys(row.generator for row in own)
    generators = sorted(names, key=lambda name: name != MEAN)
    axis = (_lowest(row.numbers[metric] for row in own), 1.0)
    rows, notes = [], []
    for detector in [*_order(section, condition), WORST_CUE]:
        by_generator = {row.generator: row for row in own if row.detector == detector}
        if not by_generator:
            continue
        marks = {} if detector == WORST_CUE else marks_of(section.facts_of(detector), by_generator)
        unseen = unseen_mean(marks, by_generator, report.summary.influences.get((detector, condition), {}))
        notes += [unseen_note(detector, marks, unseen)] if unseen and metric == "auroc" else []
        cells = [
            replace(_cell(section, by_generator.get(name), metric, axis), seen=marks.get(name) == SEEN)
            for name in generators
        ]
        ranking = report.rankings.get(condition)
        letters = ranking.letters.get(detector, "") if ranking and len(ranking.order) > 1 else ""
        rows.append(BoardRow(detector, letters, max(row.n_unreadable for row in by_generator.values()), cells))
    columns = [(name, _counts([row for row in own if row.generator == name])) for name in generators]
    return Board(condition, METRICS[metric].title, columns, rows, axis, notes)


def _order(section: Section, condition: str) -> list[str]:
    ranking = section.report.rankings.get(condition)
    return list(dict.fromkeys([*(ranking.order if ranking else ()), *section.detectors]))


def _lowest(numbers: Iterable[Number]) -> float:
    """Rounds the lowest end down to a tenth; the axis holds chance in any case."""
    ends = [number.interval.low if number.interval else number.value for number in numbers]
    return math.floor(10 * min([CHANCE, *(end for end in ends if not math.isnan(end))])) / 10


def _counts(rows: Sequence[Row]) -> str:
    if not rows or rows[0].generator == ALL:
        return ""
    each = [sorted(set(counts)) for counts in zip(*((r.n_real, r.n_generated) for r in rows), strict=True)]
    real, generated = (f"{of[0]:,}" if of[0] == of[-1] else f"{of[0]:,} to {of[-1]:,}" for of in each)
    return f"{real} real, {generated} generated"


def _cell(section: Section, row: Row | None, metric: str, axis: tuple[float, float]) -> Cell:
    if row is None:
        return Cell()
    number = row.numbers[metric]
    if math.isnan(number.value):
        return Cell("n/a", reason=number.reason or "")
    cues = section.report.cues
    verdict = cues.verdicts.get((row.detector, row.condition, row.generator), "") if metric == "auroc" else ""
    found = number.interval
    return Cell(
        value=f"{number.value:.4f}",
        sort=number.value,
        spread=f"± {number.seeds_sd:.4f}" if number.seeds_sd is not None else "",
        interval=f"{found.low:.3f} to {found.high:.3f}" if found else "no interval",
        reason=number.reason or "",
        mark=MARKS.get(verdict, ""),
        verdict=f"{verdict} the worst cue" if verdict == BELOW else f"{verdict} from the worst cue",
        track=(_per_cent(found.low, axis), _per_cent(found.high, axis), _per_cent(number.value, axis))
        if found
        else None,
    )


def _per_cent(value: float, axis: tuple[float, float]) -> float:
    low, high = axis
    return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 1)
