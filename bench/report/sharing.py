"""What tasks, submissions and imported scores are told of: sentences and plain values."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.report.table import print_line
from bench.store.sharing.checking import Checked
from bench.store.sharing.submission import Fault, Submission
from bench.store.sharing.task import Frozen, Task
from datamodules.items import GENERATED, REAL

if TYPE_CHECKING:  # a check is quick, as it needs no network
    from bench.scoring.foreign_scores import ForeignScores
    from bench.scoring.importing import Imported

MOST_NAMED = 5
SHORT = 12
"""Digits of a sha256 that are shown."""


def task_words(task: Task) -> str:
    """Says what a task is, in a few words."""
    return f"{task.name}, version {task.version} (digest {task.digest[:SHORT]})"


def print_frozen(frozen: Frozen, console: Console) -> None:
    """Says what was frozen, and what was left out."""
    task = frozen.task
    labels, groups = task.images["label"], task.images["group"].n_unique()
    real, generated = ((labels == label).sum() for label in (REAL, GENERATED))
    independent = f" in {groups:,} groups" if groups < len(task.images) else ""
    print_line(
        f"Task {task_words(task)}: {real:,} real and {generated:,} generated images{independent}, conditions "
        f"{', '.join(task.conditions)}.",
        console,
    )
    if frozen.contradicted:
        _, first, second = frozen.contradicted[0]
        print_line(
            f"Left out, as they are called real and generated: {len(frozen.contradicted):,} images, such as {first} "
            f"and {second}.",
            console,
        )
    if frozen.copies:
        print_line(
            f"Copies of an image that is there, byte for byte: {frozen.copies:,}; each image stands once.", console
        )
    for path, reason in frozen.unreadable[:MOST_NAMED]:
        print_line(f"Left out: {path} ({reason}).", console)
    if len(frozen.unreadable) > MOST_NAMED:
        print_line(f"Left out: {len(frozen.unreadable) - MOST_NAMED:,} more that cannot be read.", console)
    if not task.license:
        print_line("It says nothing of the images' licence: --license NOTE does.", console)


def frozen_json(frozen: Frozen) -> dict[str, Any]:
    """Returns the same as plain values."""
    task = frozen.task
    return {
        "task": task.named,
        "title": task.title,
        "images": len(task.images),
        "conditions": list(task.conditions),
        "contradicted": [{"sha256": key, "real": one, "generated": two} for key, one, two in frozen.contradicted],
        "copies": frozen.copies,
        "unreadable": [{"path": path, "reason": reason} for path, reason in frozen.unreadable],
    }


def print_submitted(submission: Submission, task: Task, console: Console) -> None:
    """Says what a submission holds."""
    seeds = submission.scores["seed"].n_unique()
    print_line(
        f"{submission.detector} on {task_words(task)}: {len(submission.scores):,} scores of {len(task.images):,} "
        f"images, {seeds} seed{'s' if seeds > 1 else ''}, conditions {', '.join(task.conditions)}.",
        console,
    )
    if submission.facts is None:
        print_line(
            "Its store is of an older version and does not say what the fingerprint covers: a check notes that it "
            "cannot be computed again.",
            console,
        )
    print_line(f"Next: python -m bench submit check {submission.folder}", console)


def submitted_json(submission: Submission) -> dict[str, Any]:
    """Returns the same as plain values."""
    return {
        "detector": submission.detector,
        "fingerprint": submission.fingerprint,
        "task": dict(submission.task),
        "rows": len(submission.scores),
    }


def print_checked(checked: Checked, console: Console) -> None:
    """Prints a line a fault, or that there is none."""
    for fault in checked.faults:
        print_line(f"{checked.folder}: {fault}.", console)
    for note in checked.notes:
        print_line(f"{checked.folder}: note: {note}.", console)
    if not checked.faults and checked.task is not None and checked.submission is not None:
        rows, detector = len(checked.submission.scores), checked.submission.detector
        print_line(f"{checked.folder}: {detector} on {task_words(checked.task)}, {rows:,} scores, no fault.", console)


def checked_json(checked: Checked) -> dict[str, Any]:
    """Returns the same as plain values."""
    return {
        "folder": str(checked.folder),
        "sound": not checked.faults,
        "task": checked.task.named if checked.task else None,
        "detector": checked.submission.detector if checked.submission else None,
        "rows": len(checked.submission.scores) if checked.submission else None,
        "faults": list(map(_record, checked.faults)),
        "notes": list(map(_record, checked.notes)),
    }


def _record(fault: Fault) -> dict[str, str]:
    return {"kind": fault.kind, "file": fault.file, "reason": fault.reason}


def print_refused(foreign: "ForeignScores", console: Console) -> None:
    """Prints a line for each fault of a table of scores."""
    for fault in foreign.faults:
        print_line(f"{fault}.", console)
    print_line("Nothing was imported.", console)


def print_imported(imported: "Imported", file: Path, console: Console) -> None:
    """Says what was imported."""
    if not imported.rows:
        print_line(f"{imported.store} has the scores of {file} already, as {imported.name}.", console)
        return
    print_line(
        f"{imported.name}: {imported.rows:,} scores of {imported.images:,} images of {imported.title}, imported into "
        f"{imported.store}. Nothing here can tell how they were made.",
        console,
    )


def imported_json(imported: "Imported | None", foreign: "ForeignScores") -> dict[str, Any]:
    """Returns the same as plain values."""
    return {
        "file": str(foreign.file),
        "sha256": foreign.sha256,
        "imported": None if imported is None else imported.rows,
        "fingerprint": None if imported is None else imported.fingerprint,
        "faults": list(map(_record, foreign.faults)),
    }
