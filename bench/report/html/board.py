"""The page's boards: a table for each condition and metric, a row for each detector, the mean first."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.report.html.section import Section
from bench.report.notes import sentence
from bench.results.cues.worst import BELOW, NOT_SEPARATED, WORST_CUE
from bench.results.leaderboard import Board, boards_of
from bench.results.seen import SEEN
from bench.results.summary import ALL, Row
from bench.statistics.metrics import METRICS, shown_metrics
from bench.statistics.number import Number

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
class MetricRow:
    """A detector's numbers, or those of the worst cue."""

    detector: str
    letters: str
    unreadable: int
    cells: Sequence[Cell]

    @property
    def is_cue(self) -> bool:
        """Whether it is the worst cue."""
        return self.detector == WORST_CUE


class MetricTable:
    """A board's numbers of one metric.

    Args:
        board: The board.
        metric: As in ``bench.statistics.metrics``.

    Attributes:
        condition: The degradation or matching of the images.
        columns: Generators with their numbers of images, as text; the mean first.
        rows: The best detector first, the worst cue last.
        axis: What the bars run from and to.
        notes: Means over the generators that a trained detector has not seen, as sentences.
    """

    def __init__(self, board: Board, metric: str) -> None:
        self.board, self.key, self.condition, self.metric = board, metric, board.condition, METRICS[metric].title
        shown: dict[str, Mapping[str, Row]] = {row.detector: row.rows for row in board.rows}
        cues = {name: row for name, row in board.cues.items() if metric in row.numbers}
        everything = [row for rows in (*shown.values(), cues) for row in rows.values() if metric in row.numbers]
        names = [name for name in board.mean_first if any(row.generator == name for row in everything)]
        self.axis = (_lowest(row.numbers[metric] for row in everything), 1.0)
        self.columns = [(name, _counts([row for row in everything if row.generator == name])) for name in names]
        self.rows = []
        for row in board.rows:
            cells = [replace(self._cell(row.rows.get(name)), seen=row.marks.get(name) == SEEN) for name in names]
            letters = row.letters if len(board.ranking.order) > 1 else ""
            unreadable = max(numbers.n_unreadable for numbers in row.rows.values())
            self.rows.append(MetricRow(row.detector, letters, unreadable, cells))
        if cues:
            self.rows.append(MetricRow(WORST_CUE, "", 0, [self._cell(cues.get(name)) for name in names]))
        means = [board.unseen[row.detector] for row in board.rows if row.detector in board.unseen]
        self.notes = [sentence(mean) for mean in means] if metric == "auroc" else []

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
        return self._per_cent(CHANCE) if self.key == "auroc" else None

    def _cell(self, row: Row | None) -> Cell:
        if row is None or self.key not in row.numbers:
            return Cell()
        number = row.numbers[self.key]
        if math.isnan(number.value):
            return Cell("n/a", reason=number.reason or "")
        verdicts = self.board.comparison.cues.verdicts if self.key == "auroc" else {}
        verdict, found = verdicts.get((row.detector, row.condition, row.generator), ""), number.interval
        ends = (found.low, found.high, number.value) if found else None
        return Cell(
            value=f"{number.value:.4f}",
            sort=number.value,
            spread=f"± {number.seeds_sd:.4f}" if number.seeds_sd is not None else "",
            interval=f"{found.low:.3f} to {found.high:.3f}" if found else "no interval",
            reason=number.reason or "",
            mark=MARKS.get(verdict, ""),
            verdict=f"{verdict} the worst cue" if verdict == BELOW else f"{verdict} from the worst cue",
            track=(self._per_cent(ends[0]), self._per_cent(ends[1]), self._per_cent(ends[2])) if ends else None,
        )

    def _per_cent(self, value: float) -> float:
        low, high = self.axis
        return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 1)


def metric_tables(section: Section) -> list[MetricTable]:
    """Makes the tables, condition by condition."""
    return [MetricTable(board, metric) for board in boards_of(section.comparison) for metric in shown_metrics()]


def _lowest(numbers: Iterable[Number]) -> float:
    """Rounds the lowest end down to a tenth; the axis holds chance in any case."""
    ends = [number.interval.low if number.interval else number.value for number in numbers]
    return math.floor(10 * min([CHANCE, *(end for end in ends if not math.isnan(end))])) / 10


def _counts(rows: Sequence[Row]) -> str:
    if not rows or rows[0].generator == ALL:
        return ""
    both = [sorted(set(counts)) for counts in zip(*((r.n_real, r.n_generated) for r in rows), strict=True)]
    real, generated = (f"{n[0]:,}" if n[0] == n[-1] else f"{n[0]:,} to {n[-1]:,}" for n in both)
    return f"{real} real, {generated} generated"
