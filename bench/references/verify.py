"""Finds the run of a lock, in the store or by making it again, and compares it or locks it anew."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.references.checks import LockedScores, Verification, numbers_of
from bench.references.locks import Column, Lock, LockedImage, LockedNumber, rounded
from bench.references.statistics import locked_statistics
from bench.results.comparing import compare
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions
from bench.store.dataset import ConfiguredDetector, StoredDataset
from bench.store.panel import Panel
from bench.store.whole_store import read_store

CONFIGURATION = ("view_mode", "precision", "backbone")


@dataclass(frozen=True)
class LockedRun:
    """What the store holds of a lock's run.

    Args:
        panel: The locked columns that are there, under the lock's names of detectors; the images have ``sha256``.
        dataset: Where they are from.
        detectors: By the lock's names of detectors.
        further: The further runs of the lock.
    """

    panel: Panel
    dataset: StoredDataset
    detectors: Mapping[str, ConfiguredDetector]
    further: tuple["LockedRun", ...] = ()


def rerun(lock: Lock, machine: Mapping[str, Any], output: Path | None = None, progress: bool = False) -> LockedRun:
    """Runs a lock's runs again, from the images.

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
        return _rerun(lock, machine, folder, progress)


def _rerun(lock: Lock, machine: Mapping[str, Any], folder: Path, progress: bool) -> LockedRun:
    compare(lock.detectors, RunOptions(output=folder, **{**lock.options, **machine}), progress)
    dataset = max(read_store(folder), key=lambda dataset: dataset.runs[-1].name)
    run = _run_of(lock, dataset, {})
    return replace(run, further=tuple(_rerun(further, machine, folder, progress) for further in lock.further))


def recompute(lock: Lock, output: Path) -> LockedRun:
    """Reads a lock's run from the score store, and what there is of the further ones.

    Raises:
        BenchError: The store has nothing of it.
    """
    with phase("Reading the store"):
        datasets = {(dataset.title, dataset.protocol): dataset for dataset in read_store(output)}
    dataset = datasets.get((lock.title, lock.protocol))
    run = _run_of(lock, dataset, lock.configurations) if dataset else None
    if dataset and run and run.panel.scorings:
        others = [(further, datasets.get((further.title, further.protocol), dataset)) for further in lock.further]
        return replace(run, further=tuple(_run_of(further, of, further.configurations) for further, of in others))
    remedy = f"make the run with '{lock.command} --output {output}', or score afresh with --rerun"
    raise BenchError(f"The store {output / 'scores'} has no run of {lock.title} as locked: {remedy}.")


@phase("Comparing with the lock")
def verify(lock: Lock, run: LockedRun, name: str) -> Verification:
    """Compares a run with its lock, which is called by a name.

    Raises:
        BenchError: The lock holds a run, but no numbers yet.
    """
    if not lock.filled:
        raise BenchError(f"{name} holds no numbers yet: write them with --update --reason TEXT.")
    table = LockedScores(lock, run.panel)
    new = len(run.panel.images) - len(table.panel.images)
    notes = [f"{new:,} images of the run are not in the lock, by path and sha256, and are left out."] if new else []
    checks = [*table.score_checks(), *table.metric_checks()]
    checks.sort(key=lambda check: lock.detectors.index(check.detector))
    checks += table.statistics_checks()
    backbone = f" with {lock.options['backbone']}" if "backbone" in lock.options else ""
    title = f"{run.dataset.title}{backbone} against {name}"
    further = tuple(verify(other, found, name) for other, found in zip(lock.further, run.further, strict=True))
    return Verification(title, tuple(checks), tuple(table.moved), tuple(notes), further, lock.command)


def make_lock(lock: Lock, run: LockedRun, reason: str) -> Lock:
    """Locks what a run and the further ones gave, and says why.

    Raises:
        BenchError: A detector of the run is lacking.
    """
    lacking = [detector for detector in lock.detectors if detector not in run.detectors]
    if lacking:
        raise BenchError(f"The run lacks {', '.join(lacking)}: nothing was locked.")
    scores = [[rounded(score) for score in column] for column in run.panel.scores.tolist()]
    images = run.panel.images.select("path", "generator", "sha256").iter_rows()
    locked = replace(
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
        further=tuple(make_lock(*pair, reason) for pair in zip(lock.further, run.further, strict=True)),
    )
    return replace(locked, statistics=locked_statistics(LockedScores(locked, run.panel).locked_panel))


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
    return LockedRun(panel.only(np.asarray(present.any(axis=0))), dataset, detectors)


def _last_run(dataset: StoredDataset, detector: ConfiguredDetector) -> str:
    runs = [run for (label, _), sources in dataset.sources.items() if label == detector.label for run in sources]
    return max(runs, default="")
