"""Sets what papers report beside the numbers of boards, and checks a store's runs against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from bench.references.comparability import Ours, closest
from bench.references.reported import ReportedNumber, find_reported, load_reported
from bench.references.verdicts import DIFFERS, NOT_COMPARABLE, Kind, Verdict, judge
from bench.results.leaderboard import Board, BoardRow, make_boards
from bench.results.summary import MEAN
from bench.scoring.options import MARGIN
from bench.statistics.metrics import shown_metrics
from bench.statistics.number import finite

Missing = Literal["missing"]
MISSING: Missing = "missing"


@dataclass(frozen=True)
class Judged:
    """A number that a paper reports, and how ours compares."""

    reported: ReportedNumber
    verdict: Verdict


Judgements = dict[tuple[str, str, str], Judged]
"""By detector, generator and metric."""


@dataclass(frozen=True)
class PaperCheck:
    """A reported number beside ours.

    Args:
        method: The detector as the store names it; where it is missing, the method's name.
        reported: What the paper prints.
        ours: Our number; None where it is missing.
        outcome: The verdict.
        because: Why, or what the verdict rests on.
        detectable: The difference that the verdict finds with a power of 80 %; None where there is none.
        sensitivity: The outcome by the number of images of each class in the paper, where it does not say it.
    """

    method: str
    reported: ReportedNumber
    ours: float | None
    outcome: Kind | Missing
    because: str
    detectable: float | None = None
    sensitivity: Mapping[int, Kind] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperVerification:
    """What a check against the papers came to: checks by data set and method, and notes, a sentence each."""

    checks: tuple[PaperCheck, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs and nothing is missing; other outcomes than a match say nothing either way."""
        return not any(check.outcome in (DIFFERS, MISSING) for check in self.checks)


def judge_board(board: Board, margin: float = MARGIN) -> Judgements:
    """Finds what papers report for the data and detectors of a board of stored scores.

    Other data are another table, not a verdict.
    """
    return {key: judged for row in board.rows for key, judged in _judge_row(board, row, margin).items()}


def verify_paper(output: Path, margin: float = MARGIN) -> PaperVerification:
    """Checks every run of a store that scored all its images.

    On the data sets that the store holds, what a paper reports and the store lacks is missing; other data sets are
    named in a note.

    Raises:
        BenchError: The store is empty, or has no run on a data set of a paper.
    """
    boards, measured = make_boards(output), [number for number in load_reported() if _measured(number)]
    datasets = dict.fromkeys(str(number.dataset) for number in measured)
    stored = {board.comparison.stored.name for board in boards if board.comparison.stored} & set(datasets)
    if not stored:
        raise BenchError(
            f"The store {output / 'scores'} has no run on a data set of a paper ({', '.join(datasets)}): make one with "
            "'python -m bench compare --detectors wepe rigid --dataset imagenet --data-root DIR --backbone "
            f"dinov2-vitl14 --seeds 5 --output {output}'."
        )
    checks = [check for board in boards for check in _checks(board, margin)]
    covered = {_key(check.reported) for check in checks}
    # Of several numbers for one key the first counts.
    lacking = {_key(n): n for n in reversed(measured) if n.dataset in stored and _key(n) not in covered}
    checks += [PaperCheck(number.method, number, None, MISSING, "not in the store") for number in lacking.values()]
    absent = [name for name in datasets if name not in stored]
    judged = sum(check.outcome not in (NOT_COMPARABLE, MISSING) for check in checks)
    notes = [
        f"Of {judged:,} comparable numbers one in twenty, about {judged / 20:.0f}, is expected to differ by chance.",
        *([f"No run on {', '.join(absent)}: nothing is said of them."] if absent else []),
    ]
    return PaperVerification(tuple(sorted(checks, key=_order)), tuple(notes))


def _judge_row(board: Board, row: BoardRow, margin: float) -> Judgements:
    stored = board.comparison.stored
    if stored is None:
        return {}
    detector = stored.detectors[row.detector]
    names = stored.sources[row.detector, board.condition]
    runs = [run for run in stored.runs if run.name in names and detector.fingerprint in run.detectors]
    judged: Judgements = {}
    if not runs:
        return judged
    generators = [name for name, numbers in row.rows.items() if name != MEAN and not numbers.apart]
    for generator, numbers in row.rows.items():
        for metric, number in numbers.numbers.items():
            options = runs[-1].facts.get("options", {})
            ours = Ours.of(detector.facts, runs[-1].data, options, metric, board.condition, generators)
            candidates = find_reported(detector.facts["name"], stored.name, generator, metric, board.condition)
            reported = closest(candidates, ours)
            if reported is not None:
                judged[row.detector, generator, metric] = Judged(reported, judge(number, reported, ours, margin))
    return judged


def _measured(number: ReportedNumber) -> bool:
    return number.measured_here and number.metric in shown_metrics() and None not in (number.dataset, number.generator)


def _key(number: ReportedNumber) -> tuple[str, str, str | None, str, str]:
    return (number.method, str(number.dataset), number.generator, number.metric, number.condition)


def _order(check: PaperCheck) -> tuple[str, ...]:
    number = check.reported
    dataset, generator = str(number.dataset), str(number.generator)
    return (dataset, check.method, number.condition, number.metric, generator, number.source)


def _checks(board: Board, margin: float) -> list[PaperCheck]:
    rows, checks = {row.detector: row for row in board.rows}, []
    for (detector, generator, metric), judged in judge_board(board, margin).items():
        row, verdict = rows[detector], judged.verdict
        ours = row.rows[generator].numbers[metric].value
        if row.ranked:
            kinds = {images: other.kind for images, other in verdict.sensitivity.items()}
            found = (verdict.kind, verdict.because, finite(verdict.detectable), kinds)
            checks.append(PaperCheck(detector, judged.reported, ours, *found))
        else:
            because = f"not scored whole: {row.coverage}"
            checks.append(PaperCheck(detector, judged.reported, ours, MISSING, because))
    return checks
