"""Prints what a verification came to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from bench.references.checks import AGREEMENT, COUNTED, SCORES, STATISTICS, Check, Moved, Verification
from bench.references.paper import PaperVerification
from bench.report.table import Table, print_line, print_tables
from bench.report.verdicts import COLUMNS, NOTE, sensitivity_words
from bench.statistics.metrics import METRICS

MOST_MOVED = 10
OF_THE_LOCK = (STATISTICS, AGREEMENT)
"""Checks of what is computed from the locked scores, whatever a store has."""
TITLE = "bold italic"
CHECKS = ("detector", "condition", "generator", "metric", "locked", "now", "verdict", "note")
MOVED = ("image", "detector", "condition", "seed", "locked", "now", "times tolerated")
PAPER = ("detector", "data", "condition", "generator", "metric", "ours", "reported", "where", *COLUMNS)


def print_verification(verification: Verification, console: Console) -> None:
    """Prints of every run what drifts or is missing, the scores that moved most and the notes, and the sum.

    A detector that matches whole is named in a sentence, and so is one without a number that can be compared; a store
    without any is one line. ``--json`` has every check.
    """
    if all(check.status == "missing" for check in verification.all_checks if check.metric not in OF_THE_LOCK):
        print_line(f"Nothing to verify: {_lacking(verification, _compared(verification))}", console)
        return
    _print_run(verification, console)
    print_line(_counted(check.status for check in verification.all_checks), console)


def _print_run(verification: Verification, console: Console) -> None:
    compared = _compared(verification)
    whole, absent = (
        {name: checks for name, checks in compared.items() if all(check.status == status for check in checks)}
        for status in ("matches", "missing")
    )
    lines = [check for name, checks in compared.items() if name not in {*whole, *absent} for check in checks]
    of_the_lock = [check for check in verification.checks if check.metric in OF_THE_LOCK]
    if len(absent) < len(compared):
        lines += [check for check in of_the_lock if check.status != "matches"]
    tables = [Table(verification.title, CHECKS, list(map(_check_cells, lines)), names=4)] if lines else []
    if verification.moved:
        title = f"Scores that moved most, {min(MOST_MOVED, len(verification.moved))} of {len(verification.moved):,}"
        tables.append(Table(title, MOVED, [_moved_cells(moved) for moved in verification.moved[:MOST_MOVED]], names=4))
    if not lines:
        print_line(verification.title, console, TITLE)
    notes = [f"Matches: {name} ({_sum(checks)})." for name, checks in whole.items()]
    again = sum(int(check.now or 0) for check in of_the_lock)
    notes += [f"Computed again from the locked scores: {again:,} numbers match."] if again else []
    notes += [f"Not verified: {_lacking(verification, absent)}"] if absent else []
    print_tables(tables, console, notes=[*verification.notes, *notes])
    for further in verification.further:
        print_line("", console)
        _print_run(further, console)


def _compared(verification: Verification) -> dict[str, list[Check]]:
    """Returns the checks of scores and metrics by detector."""
    by_detector: dict[str, list[Check]] = {}
    for check in verification.checks:
        if check.metric not in OF_THE_LOCK:
            by_detector.setdefault(check.detector, []).append(check)
    return by_detector


def _sum(checks: Sequence[Check]) -> str:
    scores = sum(int(check.now or 0) for check in checks if check.metric == SCORES)
    return f"{scores:,} scores, {sum(check.metric != SCORES for check in checks):,} metrics"


def _lacking(verification: Verification, absent: Mapping[str, Sequence[Check]]) -> str:
    """Says of which detectors the store lacks scores, and how to make them."""
    named = []
    for name, checks in absent.items():
        counts = [(check.now or 0, check.locked or 0) for check in checks if check.metric == SCORES]
        there, locked = map(sum, zip(*counts, strict=True)) if counts else (0, 0)
        named.append(name + (f" ({there:,.0f} of {locked:,.0f} scores are there)" if there else ""))
    return (
        f"the store has no whole run of {', '.join(named)} as locked. Make it with '{verification.command}', or score "
        "afresh with --rerun."
    )


def print_paper(verification: PaperVerification, console: Console) -> None:
    """Prints our numbers beside the papers', the notes and the sum."""
    rows = []
    for check in verification.checks:
        reported = check.reported
        names = [check.method, str(reported.dataset), reported.condition, str(reported.generator)]
        numbers = [METRICS[reported.metric].title, _number(check.ours), _number(reported.value)]
        detectable = "" if check.detectable is None else _number(check.detectable)
        verdict = [check.outcome, detectable, sensitivity_words(check.sensitivity), check.because]
        rows.append([*names, *numbers, f"{reported.source}, {reported.table}", *verdict])
    print_tables([Table("Against the papers", PAPER, rows, NOTE, names=5)], console, notes=verification.notes)
    print_line(_counted(check.outcome for check in verification.checks), console)


def verification_json(verification: Verification) -> dict[str, Any]:
    """Returns a verification as plain values, for ``--json``."""
    return {"ok": verification.ok, **asdict(verification)}


def paper_json(verification: PaperVerification) -> dict[str, Any]:
    """Returns a check against the papers as plain values, for ``--json``."""
    return {"ok": verification.ok, **asdict(verification)}


def _check_cells(check: Check) -> list[str]:
    names = [check.detector, check.condition, check.generator]
    if check.metric in COUNTED:
        return [*names, check.metric, f"{check.locked:.0f}", f"{check.now:.0f}", check.status, check.note]
    numbers = [_number(check.locked), "" if check.status == "missing" else _number(check.now)]
    return [*names, METRICS[check.metric].title, *numbers, check.status, check.note]


def _moved_cells(moved: Moved) -> list[str]:
    names = [moved.path, moved.column.detector, moved.column.condition, str(moved.column.seed)]
    scores = ["unreadable" if score is None else f"{score:.7g}" for score in (moved.locked, moved.now)]
    return [*names, *scores, f"{moved.times:.3g}"]


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.5f}"


def _counted(outcomes: Iterable[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(Counter(outcomes).items()))
