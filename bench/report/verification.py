"""Prints what a verification came to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console

from bench.references.checks import COUNTED, Check, Moved, Verification
from bench.references.paper import PaperVerification
from bench.report.table import Table, print_line, print_tables
from bench.report.verdicts import COLUMNS, NOTE, sensitivity_words
from bench.statistics.metrics import METRICS

MOST_MOVED = 10
CHECKS = ("detector", "condition", "generator", "metric", "locked", "now", "verdict", "note")
MOVED = ("image", "detector", "condition", "seed", "locked", "now", "times tolerated")
PAPER = ("detector", "data", "condition", "generator", "metric", "ours", "reported", "where", *COLUMNS)


def print_verification(verification: Verification, console: Console) -> None:
    """Prints of every run the checks, the scores that moved most and the notes, and the sum."""
    _print_run(verification, console)
    print_line(_counted(check.status for check in verification.all_checks), console)


def _print_run(verification: Verification, console: Console) -> None:
    tables = [Table(verification.title, CHECKS, [_check_cells(check) for check in verification.checks], names=4)]
    if verification.moved:
        title = f"Scores that moved most, {min(MOST_MOVED, len(verification.moved))} of {len(verification.moved):,}"
        tables.append(Table(title, MOVED, [_moved_cells(moved) for moved in verification.moved[:MOST_MOVED]], names=4))
    print_tables(tables, console, notes=verification.notes)
    for further in verification.further:
        _print_run(further, console)


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
