"""Finds the run of a lock, in the store or by making it again, and compares it or locks it anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import BenchError
from bench.references.checks import LockedScores, Verification, locked_images, number_checks, numbers_of
from bench.references.locks import Column, Lock, LockedImage, LockedNumber, rounded
from bench.results.comparison import compare
from bench.scoring.options import RunOptions
from bench.store.dataset import ConfiguredDetector, StoredDataset, read_store
from bench.store.panel import Panel

CONFIGURATION = ("view_mode", "precision", "backbone")


@dataclass(frozen=True)
class Found:
    """What the store holds of a lock's run.

    Args:
        panel: The locked columns that are there, under the lock's names of detectors; the images have ``sha256``.
        dataset: Where they are from.
        detectors: By the lock's names of detectors.
    """

    panel: Panel
    dataset: StoredDataset
    detectors: Mapping[str, ConfiguredDetector]


def rerun(lock: Lock, machine: Mapping[str, Any], output: Path | None = None, progress: bool = False) -> Found:
    """Runs a lock's run again, from the images.

    Args:
        lock: The lock.
        machine: Options of ``RunOptions`` that a lock leaves open.
        output: The results' folder, which must hold no scores yet; a temporary one by default.
        progress: Whether to draw a progress bar.

    Raises:
        BenchError: The run cannot be made, or there are scores already, which would be read rather than made.
    """
    with TemporaryDirectory(prefix="bench-verify-") as temporary:
        folder = output or Path(temporary)
        if next((folder / "scores").glob("*/*/part-*.parquet"), None):
            raise BenchError(
                f"--rerun needs an --output without scores, and {folder} has some: name another folder, or leave out "
                "--rerun to compare the scores that are there."
            )
        compare(lock.detectors, RunOptions(output=folder, **{**lock.options, **machine}), progress)
        (dataset,) = read_store(folder)
        return _found(lock, dataset, {})


def recompute(lock: Lock, output: Path) -> Found:
    """Reads a lock's run from the score store.

    Raises:
        BenchError: The store has nothing of it.
    """
    remedy = f"make the run with '{lock.command} --output {output}', or score afresh with --rerun"
    for dataset in read_store(output):
        if (dataset.title, dataset.protocol) == (lock.title, lock.protocol):
            found = _found(lock, dataset, lock.configurations)
            if found.panel.scorings:
                return found
    raise BenchError(f"The store {output / 'scores'} has no run of {lock.title} as locked: {remedy}.")


def verify(lock: Lock, found: Found, name: str) -> Verification:
    """Compares a run with its lock.

    Args:
        lock: The lock.
        found: The run.
        name: What to call the lock.

    Raises:
        BenchError: The lock holds a run, but no numbers yet.
    """
    if not lock.columns:
        raise BenchError(f"{name} holds no numbers yet: write them with --update --reason TEXT.")
    panel = locked_images(lock, found.panel)
    table = LockedScores(lock, panel)
    new = len(found.panel.images) - len(panel.images)
    notes = [f"{new:,} images of the run are not in the lock, by path and sha256, and are left out."] if new else []
    lacking = [detector for detector in lock.detectors if detector not in found.detectors]
    notes += [f"There is no {detector} with the locked backbone, view and precision." for detector in lacking]
    checks = sorted(
        [*table.checks(), *number_checks(lock, panel, table)],
        key=lambda check: lock.detectors.index(check.detector),
    )
    moved = sorted(table.moved, key=lambda one: (-one.times, one.path, one.column.detector))
    return Verification(f"{found.dataset.title} against {name}", tuple(checks), tuple(moved), tuple(notes))


def make_lock(lock: Lock, found: Found, reason: str) -> Lock:
    """Locks what a run gave.

    Args:
        lock: Names the run.
        found: What it gave.
        reason: Why it is locked anew.

    Raises:
        BenchError: A detector of the run is lacking.
    """
    lacking = [detector for detector in lock.detectors if detector not in found.detectors]
    if lacking:
        raise BenchError(f"The run lacks {', '.join(lacking)}: nothing was locked.")
    panel = found.panel
    scores = [[rounded(score) for score in column] for column in panel.scores.tolist()]
    rows = panel.images.select("path", "generator", "sha256").iter_rows()
    return replace(
        lock,
        reason=reason,
        title=found.dataset.title,
        protocol=found.dataset.protocol,
        configurations={detector: _configuration(found.detectors[detector]) for detector in lock.detectors},
        columns=tuple(Column(one.detector, one.condition, one.seed) for one in panel.scorings),
        numbers=tuple(LockedNumber(*key, rounded(value)) for key, value in numbers_of(panel).items()),
        images={
            path: LockedImage(source, sha256, tuple(of))
            for (path, source, sha256), of in zip(rows, zip(*scores, strict=True), strict=True)
        },
    )


def _configuration(detector: ConfiguredDetector) -> dict[str, Any]:
    """Says what scores depend on beside the detector's own options, and not its version: that one is to be checked."""
    return {name: detector.facts.get(name) for name in CONFIGURATION}


def _found(lock: Lock, dataset: StoredDataset, configurations: Mapping[str, Any]) -> Found:
    """Takes the columns of a lock; of several detectors that match, the one that was run last."""
    methods: dict[str, ConfiguredDetector] = {}
    for detector in lock.detectors:
        wanted = configurations.get(detector)
        matching = [
            method
            for method in dataset.detectors.values()
            if method.facts.get("label") == detector and wanted in (None, _configuration(method))
        ]
        if matching:
            methods[detector] = max(matching, key=lambda method: _last_run(dataset, method))
    own = {method.label: detector for detector, method in methods.items()}
    everything = [
        (row, replace(scoring, detector=own[scoring.detector]))
        for row, scoring in enumerate(dataset.panel.scorings)
        if scoring.detector in own
    ]
    chosen = [
        (row, scoring)
        for row, scoring in everything
        if not lock.columns or Column(scoring.detector, scoring.condition, scoring.seed) in lock.columns
    ]
    chosen.sort(key=lambda one: (lock.detectors.index(one[1].detector), one[1].condition, one[1].seed))
    rows = [row for row, _ in chosen]
    panel = replace(
        dataset.panel,
        scorings=tuple(scoring for _, scoring in chosen),
        scores=dataset.panel.scores[rows],
        present=dataset.panel.present[rows],
    )
    return Found(panel, dataset, methods)


def _last_run(dataset: StoredDataset, detector: ConfiguredDetector) -> str:
    return max(
        (name for (label, _), of in dataset.sources.items() if label == detector.label for name in of), default=""
    )
