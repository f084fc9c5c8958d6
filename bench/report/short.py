"""What a terminal shows by default: a row a detector, and the few sentences that a reader of it needs."""

import math
from collections.abc import Sequence
from functools import partial

from bench.report.notes import DEMO, finding_notes
from bench.report.numbers import cell, value_text
from bench.report.standings import CONFIRMED, confirmed_cell
from bench.report.store_notes import called
from bench.report.table import Table
from bench.results.concerns import InvertedLogits
from bench.results.cues.worst import WORST_CUE
from bench.results.leaderboard import Board, BoardRow, UnrankedDetector
from bench.results.robustness import Robustness
from bench.results.seen import UnseenMean
from bench.results.summary import MEAN, Change, Row, main_row
from bench.statistics.metrics import METRICS, shown_metrics
from bench.store.findings import ChangedImages, IgnoredFiles, IncompleteSeed, UnreadableImages
from bench.store.schema import CLEAN
from bench.store.sweeps import SweptSettings

IMPORTANT = (
    *(UnreadableImages, IgnoredFiles, IncompleteSeed, ChangedImages, InvertedLogits, UnseenMean, UnrankedDetector),
    SweptSettings,
)
"""The findings whose sentences stand below a short table, too."""
LETTERS = "Detectors that share a letter are not separated by the paired test (Holm, 5 %)."
INTERVALS = "[low, high]: 95 % interval over groups of images and seeds."
CUES = (
    "Worst cue: the most that file format, size, brightness or their like tell. A detector that is not above it may "
    "have measured nothing else."
)
CHANGES = (
    "Mean AUROC, with its interval on clean images, and elsewhere with its change against them; *: a paired test tells "
    "the change from none (Holm over the conditions of a detector, 5 %)."
)
AREAS = "Area: AUROC averaged over the levels. " + LETTERS


def short_tables(boards: Sequence[Board], title: str) -> list[Table]:
    """Makes a table of each board: a row for each detector, best first, and one for the worst cue.

    None where there is nothing to rank by on one of them, which is neither a mean nor a single generator.
    """
    return [_short_table(board, title) for board in boards] if all(board.target for board in boards) else []


def _short_table(board: Board, title: str) -> Table:
    rows = [_row(board, row) for row in sorted(board.rows, key=partial(_order, board))] + _cue_row(board)
    auroc = "mean AUROC" if board.target == MEAN else f"AUROC, {board.target}"
    metrics = [METRICS[name].title.replace("(generated)", "gen.").replace("(real)", "real") for name in _others()]
    last = CONFIRMED if board.comparison.standings else "against worst cue"
    columns = ("detector", "rank", auroc, *metrics, "against chance", last, "images")
    return Table(title if board.condition == CLEAN else f"{title}, {board.condition}", columns, rows)


def short_notes(boards: Sequence[Board]) -> list[str]:
    """Says how to read the table, and what a reader must know of these very numbers."""
    comparison, findings = boards[0].comparison, [finding for board in boards for finding in board.findings]
    important = [one for one in [*comparison.findings, *findings] if isinstance(one, IMPORTANT)]
    ranked = any(len(board.ranking.order) > 1 for board in boards)
    demo = comparison.run.get("data", {}).get("name") == "demo"
    return [
        *([DEMO] if demo else []),
        *([LETTERS] if ranked else []),
        *([INTERVALS] if any(_has_interval(board) for board in boards) else []),
        *([CUES] if any(board.cues for board in boards) else []),
        *dict.fromkeys(finding_notes(important)),
    ]


def short_robustness(robustness: Robustness) -> Table:
    """Makes a row for each condition and a column for each detector: its mean AUROC, and what the condition changes."""
    comparison, cells = robustness.comparison, robustness.comparison.summary.cells
    detectors = list(dict.fromkeys([*comparison.labels, *(detector for detector, _ in cells)]))
    conditions = sorted(dict.fromkeys(condition for _, condition in cells), key=lambda name: name != CLEAN)
    changes = {(change.detector, change.condition): change for change in comparison.summary.changes}
    rows = []
    for condition in conditions:
        places = [(detector, condition) for detector in detectors]
        rows.append([condition, *(_changed(main_row(cells.get(at, {}).values()), changes.get(at)) for at in places)])
    areas = {(area.detector, area.kind): area.auroc for area in robustness.areas if area.weights}
    for kind in dict.fromkeys(kind for _, kind in areas):
        letters = robustness.rankings[kind].letters
        values = [value_text(areas[name, kind]) if (name, kind) in areas else "" for name in detectors]
        marked = (f"{text} {letters.get(name, '')}".strip() for name, text in zip(detectors, values, strict=True))
        rows.append([f"area, {kind}", *marked])
    columns = ("condition", *(called(comparison, name) for name in detectors))
    return Table(f"{comparison.title}: robustness", columns, rows, numbers=columns[1:])


def _changed(row: Row | None, change: Change | None) -> str:
    """Writes the AUROC of a detector under a condition with its change, or, on the clean images, its interval."""
    if row is None or change is None:
        return cell(row.numbers["auroc"] if row else None)
    mark = "*" if change.separated else ""
    return f"{value_text(row.numbers['auroc'])} {value_text(change.auroc, signed=True)}{mark}"


def short_robustness_notes(robustness: Robustness) -> list[str]:
    """Says how to read the table, and what a reader must know of these very numbers."""
    comparison = robustness.comparison
    data = comparison.run.get("data", {})
    areas = any(area.weights for area in robustness.areas)
    important = [one for one in comparison.findings if isinstance(one, IMPORTANT)]
    return [
        *([DEMO] if data.get("name") == "demo" else []),
        CHANGES,
        *([AREAS] if areas else []),
        *(["One class alone is degraded: this shows how scores can be evaded."] if robustness.uneven else []),
        *dict.fromkeys(finding_notes(important)),
    ]


def _order(board: Board, row: BoardRow) -> tuple[bool, float]:
    """Puts those without a rank behind the others, which are in their order, by their AUROC."""
    if row.letters or board.target not in row.rows:
        return not row.letters, math.inf if not row.letters else 0.0
    value = row.rows[board.target].numbers["auroc"].value
    return True, math.inf if math.isnan(value) else -value


def _has_interval(board: Board) -> bool:
    return any(row.rows[board.target].numbers["auroc"].interval for row in board.rows if board.target in row.rows)


def _others() -> list[str]:
    return list(shown_metrics()[1:])


def _row(board: Board, row: BoardRow) -> list[str]:
    target = row.rows.get(board.target)
    numbers = target.numbers if target else {}
    auroc = numbers.get("auroc")
    return [
        called(board.comparison, row.detector),
        row.letters if row.ranked else "not ranked",
        cell(auroc),
        *(value_text(numbers[name]) if name in numbers else "" for name in _others()),
        (auroc and auroc.against_chance) or "",
        confirmed_cell(board.comparison, row.detector) or row.against_cue.get(board.target, ""),
        "" if row.coverage is None or row.coverage.complete else str(row.coverage),
    ]


def _cue_row(board: Board) -> list[list[str]]:
    cue = board.cues.get(WORST_CUE, {}).get(board.target)
    if cue is None:
        return []
    name = board.cue_names.get(board.target, "varies")
    return [[WORST_CUE, "", cell(cue.numbers["auroc"]), *[""] * len(_others()), "", name, ""]]
