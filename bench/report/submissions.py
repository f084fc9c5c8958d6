"""The board of submitted scores: who submitted what, what was refused, and the files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report.board_files import board_texts, boards_json
from bench.report.escaping import page_address, printable
from bench.report.leaderboard import BoardReport
from bench.report.standings import SCORES_ONLY
from bench.report.submission_notes import CONFIRMED_BY, SCORES_ONLY_WORDS, SPREAD, UNKNOWN_CUES
from bench.report.table import Table, note_lines, print_line, print_tables, write_texts
from bench.results.across.findings import AcrossSets
from bench.results.comparison import Comparison
from bench.results.submissions.agreement import TOLERANCE, Difference
from bench.results.submissions.boards import Submissions
from bench.results.submissions.standing import Disagreement, Origin, Standing
from bench.statistics.number import finite

HEAD = f"""# Leaderboard of submitted scores

Made by `python -m bench leaderboard --submissions` from submitted scores alone: every number was computed here. AUROC
with 95 % interval over images and seeds; higher scores mean *more likely generated*, and no AUROC is flipped. Detectors
that share a letter are *not separated* by the paired test (Holm over all pairs of a table at 5 %); what this says is
about these generators. {SCORES_ONLY_WORDS}
"""
SUBMITTED = ("detector", "submitter", "stands", "largest difference", "scores", "folder")
SUBMITTED_NOTE = (
    "Largest difference: of the scores of one image from those of the row, in spreads; two submissions of one "
    f"configured detector count as equal up to {TOLERANCE:g}. A spread is {SPREAD}."
)
REFUSED = ("folder", "first fault", "others")
REFUSED_NOTE = "These submissions are on no board; submit check names every fault."


def submissions_table(comparison: Comparison) -> Table:
    """Makes a row for each submission: those with a row of the board in its order, each with those of its scores."""
    rows: list[Sequence[str]] = []
    links: dict[str, str] = {}
    for label in comparison.labels:
        standing = comparison.standings[label]
        stands = f"ranked, {SCORES_ONLY}" if standing.scored.scores_only else "ranked"
        rows.append(_row(label, standing.scored.origin, stands, "", _scores_of(standing)))
        for companion in standing.companions:
            stands = f"{'confirms' if companion.confirms else 'repeats'} it"
            rows.append(_row(label, companion.origin, stands, _size(companion.difference), ""))
        for origin in (standing.scored.origin, *(companion.origin for companion in standing.companions)):
            address = page_address(origin.repository)
            links |= {origin.submitter: address} if address else {}
    return Table(f"Submissions for {comparison.title}", SUBMITTED, rows, SUBMITTED_NOTE, names=1, links=links)


def refused_tables(submissions: Submissions) -> list[Table]:
    """Makes a table with a row for each submission that is on no board; none without any."""
    rows = [(one.folder, one.fault, str(one.more or "")) for one in submissions.refused]
    return [Table("Refused", REFUSED, rows, REFUSED_NOTE)] if rows else []


def print_refused(submissions: Submissions) -> int:
    """Says of each submission that is on no board why, a line each on standard error, and returns the exit code."""
    for one in submissions.refused:
        more = f" (and {one.more} more faults)" if one.more > 1 else " (and another fault)" if one.more else ""
        print(printable(f"Refused: {one.folder}: {one.fault}{more}"), file=sys.stderr)
    return 1 if submissions.refused else 0


def submissions_notes(submissions: Submissions) -> list[str]:
    """Counts what there is, and names the tasks without a submission."""
    standings = [standing for comparison in submissions.comparisons for standing in comparison.standings.values()]
    companions = [companion for standing in standings for companion in standing.companions]
    confirming = sum(companion.confirms for companion in companions)
    total = len(standings) + len(companions) + len(submissions.refused)
    counts = [
        f"{len(standings)} ranked",
        f"{confirming} confirming another",
        f"{len(companions) - confirming} repeated",
    ]
    notes = [f"Submissions: {total}; {', '.join(counts)}, {len(submissions.refused)} refused."]
    return [*notes, *([f"Without a submission: {'; '.join(submissions.empty)}."] if submissions.empty else [])]


def submissions_json(
    submissions: Submissions, reports: Sequence[BoardReport], across: Sequence[AcrossSets] = ()
) -> dict[str, Any]:
    """Returns everything as plain values: what a store's leaderboard has, and beside it ``submissions``."""
    return {
        **boards_json(reports, across),
        "submissions": {
            "tolerance": TOLERANCE,
            "tolerance_unit": SPREAD,
            "tasks": [
                {
                    "dataset": comparison.stored.title if comparison.stored else comparison.title,
                    **{key: getattr(task, key) for key in ("name", "version", "digest", "identity", "license")},
                    "disagreements": [
                        _disagreement_record(one) for one in comparison.findings if isinstance(one, Disagreement)
                    ],
                }
                for comparison, task in zip(submissions.comparisons, submissions.tasks, strict=True)
            ],
            "without_submissions": list(submissions.empty),
            "refused": [{"folder": one.folder, "fault": one.fault, "more": one.more} for one in submissions.refused],
        },
    }


def write_submissions(
    submissions: Submissions,
    reports: Sequence[BoardReport],
    output: Path,
    raw_names: bool = False,
    across: Sequence[AcrossSets] = (),
) -> tuple[Path, ...]:
    """Writes ``LEADERBOARD.md`` and the files ``leaderboard*`` beside it."""
    tables = [submissions_table(comparison) for comparison in submissions.comparisons]
    sections = [table.markdown("##") for table in (*tables, *refused_tables(submissions))]
    sections.append(["## All submissions", "", *note_lines(submissions_notes(submissions))])
    facts = submissions_json(submissions, reports, across)
    return write_texts(board_texts(reports, HEAD, sections, facts, raw_names, across), output)


def print_submissions(submissions: Submissions, console: Console, long: bool = False) -> None:
    """Prints how many submissions there are, and with ``long`` each; without, how to read all boards, once."""
    for table in [submissions_table(comparison) for comparison in submissions.comparisons] if long else ():
        print_line("", console)
        print_tables([table], console, notes=[table.note])
    print_line("", console)
    standings = [standing for comparison in submissions.comparisons for standing in comparison.standings.values()]
    closed = any(standing.scored.scores_only for standing in standings)
    reading = [
        *([] if long or not standings else [UNKNOWN_CUES, CONFIRMED_BY]),
        *([SCORES_ONLY_WORDS] if closed else []),
    ]
    print_tables([], console, notes=[*reading, *submissions_notes(submissions)])


def _row(label: str, origin: Origin, stands: str, difference: str, scores: str) -> Sequence[str]:
    return (label, origin.submitter, stands, difference, scores, origin.folder)


def _scores_of(standing: Standing) -> str:
    """Names the conditions and counts the seeds of each."""
    counts: dict[str, int] = {}
    for condition, _ in standing.scored.cells:
        counts[condition] = counts.get(condition, 0) + 1
    return ", ".join(f"{name} ({count} seed{'s' if count > 1 else ''})" for name, count in counts.items())


def _size(difference: Difference) -> str:
    return f"{difference.spreads:.2g}" if difference.spreads else "none"


def _disagreement_record(finding: Disagreement) -> dict[str, Any]:
    difference = finding.difference
    return {
        "detectors": [finding.first, finding.second],
        "condition": difference.condition,
        "seed": difference.seed,
        "sha256": finding.image,
        "scores": list(difference.scores),
        "largest_difference": finite(difference.spreads),
    }
