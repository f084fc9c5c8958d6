"""Finds the run of a lock, in the store or by making it again, and compares it or locks it anew."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import BenchError
from bench.references.checks import LockedScores, Verification, numbers_of
from bench.references.locks import Column, Lock, LockedImage, LockedNumber, rounded
from bench.results.comparison import compare
from bench.scoring.options import RunOptions
from bench.store.dataset import ConfiguredDetector, StoredDataset, read_store
from bench.store.panel import Panel

CONFIGURATION = ("view_mode", "precision", "backbone")


@dataclass(frozen=True)
class LockedRun:
    """What the store holds of a lock's run.

    Args:
        panel: The locked columns that are there, under the lock's names of detectors; the images have ``sha256``.
        dataset: Where they are from.
        detectors: By the lock's names of detectors.
    """

    panel: Panel
    dataset: StoredDataset
    detectors: Mapping[str, ConfiguredDetector]


def rerun(lock: Lock, machine: Mapping[str, Any], output: Path | None = None, progress: bool = False) -> LockedRun:
    """Runs a lock's run again, from the images.

    ``machine`` are the options of ``RunOptions`` that a lock leaves open, ``output`` is a results' folder that must
    hold no scores yet, by default a temporary one.

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
        return _run_of(lock, dataset, {})


def recompute(lock: Lock, output: Path) -> LockedRun:
    """Reads a lock's run from the score store.

    Raises:
        BenchError: The store has nothing of it.
    """
    for dataset in read_store(output):
        if (dataset.title, dataset.protocol) == (lock.title, lock.protocol):
            run = _run_of(lock, dataset, lock.configurations)
            if run.panel.scorings:
                return run
    remedy = f"make the run with '{lock.command} --output {output}', or score afresh with --rerun"
    raise BenchError(f"The store {output / 'scores'} has no run of {lock.title} as locked: {remedy}.")


def verify(lock: Lock, run: LockedRun, name: str) -> Verification:
    """Compares a run with its lock, which is called by a name.

    Raises:
        BenchError: The lock holds a run, but no numbers yet.
    """
    if not lock.columns:
        raise BenchError(f"{name} holds no numbers yet: write them with --update --reason TEXT.")
    table = LockedScores(lock, run.panel)
    new = len(run.panel.images) - len(table.panel.images)
    notes = [f"{new:,} images of the run are not in the lock, by path and sha256, and are left out."] if new else []
    lacking = [detector for detector in lock.detectors if detector not in run.detectors]
    notes += [f"There is no {detector} with the locked backbone, view and precision." for detector in lacking]
    checks = [*table.score_checks(), *table.metric_checks()]
    checks.sort(key=lambda check: lock.detectors.index(check.detector))
    return Verification(f"{run.dataset.title} against {name}", tuple(checks), tuple(table.moved), tuple(notes))


def make_lock(lock: Lock, run: LockedRun, reason: str) -> Lock:
    """Locks what a run gave, and says why.

    Raises:
        BenchError: A detector of the run is lacking.
    """
    lacking = [detector for detector in lock.detectors if detector not in run.detectors]
    if lacking:
        raise BenchError(f"The run lacks {', '.join(lacking)}: nothing was locked.")
    scores = [[rounded(score) for score in column] for column in run.panel.scores.tolist()]
    images = run.panel.images.select("path", "generator", "sha256").iter_rows()
    return replace(
        lock,
        reason=reason,
        title=run.dataset.title,
        protocol=run.dataset.protocol,
        configurations={detector: _configuration(run.detectors[detector]) for detector in lock.detectors},
        columns=tuple(Column.of(scoring) for scoring in run.panel.scorings),
        numbers=tuple(LockedNumber(*key, rounded(value)) for key, value in numbers_of(run.panel).items()),
        images={
            path: LockedImage(source, sha256, values)
            for (path, source, sha256), values in zip(images, zip(*scores, strict=True), strict=True)
        },
    )


def _configuration(detector: ConfiguredDetector) -> dict[str, Any]:
    """Says what scores depend on beside the detector's own options, and not its version: that one is to be checked."""
    return {name: detector.facts.get(name) for name in CONFIGURATION}


def _run_of(lock: Lock, dataset: StoredDataset, configurations: Mapping[str, Any]) -> LockedRun:
    """Takes the columns of a lock; of several detectors that match, the one that was run last."""
    detectors = {}
    for name in lock.detectors:
        matching = [
            detector
            for detector in dataset.detectors.values()
            if detector.facts.get("label") == name and configurations.get(name) in (None, _configuration(detector))
        ]
        if matching:
            detectors[name] = max(matching, key=lambda detector: _last_run(dataset, detector))
    names = {detector.label: name for name, detector in detectors.items()}
    scorings = {
        row: replace(scoring, detector=names[scoring.detector])
        for row, scoring in enumerate(dataset.panel.scorings)
        if scoring.detector in names
    }
    rows = [row for row, scoring in scorings.items() if not lock.columns or Column.of(scoring) in lock.columns]
    rows.sort(key=lambda row: (lock.detectors.index(scorings[row].detector), *astuple(Column.of(scorings[row]))))
    scores, present = dataset.panel.scores[rows], dataset.panel.present[rows]
    panel = replace(dataset.panel, scorings=tuple(scorings[row] for row in rows), scores=scores, present=present)
    return LockedRun(panel, dataset, detectors)


def _last_run(dataset: StoredDataset, detector: ConfiguredDetector) -> str:
    runs = [run for (label, _), sources in dataset.sources.items() if label == detector.label for run in sources]
    return max(runs, default="")
