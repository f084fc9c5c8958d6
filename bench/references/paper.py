"""Checks a store's runs against the numbers that papers report, with the verdicts of ``bench.references.verdicts``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from bench.references.judged import judge_board
from bench.references.reported import ReportedNumber, load_reported
from bench.references.verdicts import Kind
from bench.results.leaderboard import Board, make_boards
from bench.statistics.metrics import shown_metrics

Outcome = Kind | Literal["missing"]
Key = tuple[str, str, str | None, str, str]


@dataclass(frozen=True)
class PaperCheck:
    """A reported number beside ours.

    Args:
        method: The detector as the store names it; where it is missing, the method's name.
        reported: What the paper prints.
        ours: Our number; None where it is missing.
        outcome: The verdict.
        because: Why, or what the verdict rests on.
    """

    method: str
    reported: ReportedNumber
    ours: float | None
    outcome: Outcome
    because: str


@dataclass(frozen=True)
class PaperVerification:
    """What a check against the papers came to.

    Args:
        checks: By data set and method.
        notes: What a reader must know, a sentence each.
    """

    checks: tuple[PaperCheck, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs and nothing is missing; what is not comparable says nothing either way."""
        return all(check.outcome in ("matches", "not comparable") for check in self.checks)


def verify_paper(output: Path) -> PaperVerification:
    """Checks every run of a store that scored all its images.

    On the data sets that the store holds, what a paper reports and the store lacks is missing; other data sets are
    named in a note.

    Raises:
        BenchError: The store is empty, or has no run on a data set of a paper.
    """
    boards, measured = make_boards(output), [number for number in load_reported() if _measured(number)]
    datasets = dict.fromkeys(str(one.dataset) for one in measured)
    there = {board.comparison.stored.name for board in boards if board.comparison.stored} & set(datasets)
    if not there:
        raise BenchError(
            f"The store {output / 'scores'} has no run on a data set of a paper ({', '.join(datasets)}): make one with "
            "'python -m bench compare --detectors wepe rigid --dataset imagenet --data-root DIR --backbone "
            f"dinov2-vitl14 --seeds 5 --output {output}'."
        )
    found = [check for board in boards for check in _of_board(board)]
    covered = {_key(check.reported) for check in found}
    lacking = {_key(one): one for one in reversed(measured) if one.dataset in there and _key(one) not in covered}
    found += [PaperCheck(one.method, one, None, "missing", "not in the store") for one in lacking.values()]
    absent = [name for name in datasets if name not in there]
    judged = sum(check.outcome in ("matches", "differs") for check in found)
    notes = [
        f"Of {judged:,} comparable numbers one in twenty, about {judged / 20:.0f}, is expected to differ by chance.",
        *([f"No run on {', '.join(absent)}: nothing is said of them."] if absent else []),
    ]
    return PaperVerification(tuple(sorted(found, key=_order)), tuple(notes))


def _measured(one: ReportedNumber) -> bool:
    return one.measured_here and one.metric in shown_metrics() and None not in (one.dataset, one.generator)


def _key(one: ReportedNumber) -> Key:
    return (one.method, str(one.dataset), one.generator, one.metric, one.condition)


def _order(check: PaperCheck) -> tuple[str, ...]:
    one = check.reported
    return (str(one.dataset), check.method, one.condition, one.metric, str(one.generator), one.source)


def _of_board(board: Board) -> list[PaperCheck]:
    rows = {row.detector: row for row in board.rows}
    checks = []
    for (detector, generator, metric), judged in judge_board(board).items():
        row, verdict = rows[detector], judged.verdict
        ours = row.rows[generator].numbers[metric].value
        outcome: Outcome = verdict.kind if row.ranked else "missing"
        because = verdict.because if row.ranked else f"not scored whole: {row.coverage}"
        checks.append(PaperCheck(detector, judged.reported, ours, outcome, because))
    return checks
