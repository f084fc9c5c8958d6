"""Sets what papers report beside the numbers of a board."""

from dataclasses import dataclass

from bench.references.comparability import Ours, closest
from bench.references.reported import ReportedNumber, find_reported
from bench.references.verdicts import Verdict, judge_number
from bench.results.leaderboard import Board, BoardRow
from bench.results.summary import MEAN


@dataclass(frozen=True)
class Judged:
    """A number that a paper reports, and how ours compares."""

    reported: ReportedNumber
    verdict: Verdict


Judgements = dict[tuple[str, str, str], Judged]
"""By detector, generator and metric."""


def judge_board(board: Board) -> Judgements:
    """Finds what papers report for the same data and detectors; other data are another table, not a verdict.

    Args:
        board: Of a comparison of stored scores.
    """
    return {key: judged for row in board.rows for key, judged in _judge_row(board, row).items()}


def _judge_row(board: Board, row: BoardRow) -> Judgements:
    stored = board.comparison.stored
    if stored is None:
        return {}
    detector = stored.detectors[row.detector]
    names = stored.sources[row.detector, board.condition]
    runs = [run for run in stored.runs if run.name in names and detector.fingerprint in run.detectors]
    if not runs:
        return {}
    run, judged = runs[-1], {}
    generators = [name for name in row.rows if name != MEAN]
    for generator, numbers in row.rows.items():
        for metric, number in numbers.numbers.items():
            options = run.facts.get("options", {})
            ours = Ours.of(detector.facts, run.data, options, metric, board.condition, generators)
            candidates = find_reported(detector.facts["name"], stored.name, generator, metric, board.condition)
            reported = closest(candidates, ours)
            if reported is not None:
                judged[row.detector, generator, metric] = Judged(reported, judge_number(number, reported, ours))
    return judged
