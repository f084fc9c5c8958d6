"""Takes the scores of a task's images by one configured detector out of a store, whatever they are filed under."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions
from bench.store.damage import PARTS
from bench.store.dataset import SHORT
from bench.store.facts import COVERS, TRAINED_ON, Facts
from bench.store.reader import read_parts, scan_rows
from bench.store.runs import Run, read_runs
from bench.store.schema import CLEAN, OK
from bench.store.sharing.checking import fault_of_address, protocol_text
from bench.store.sharing.submission import SCORES, Submission
from bench.store.sharing.task import Task
from detectors.errors import did_you_mean

_SUBSET = ("generators", "limit", "balance")
"""Options that leave images out."""
_OTHERWISE = ("output", "conditions", "seeds", "wandb", "groups", "devices", "num_nodes", "num_workers", "batch_size")
"""Options that the command names itself, or that move no score."""


def make_submission(store: Path, task: Task, detector: str, repository: str, folder: Path) -> Submission:
    """Makes a submission, which is not written yet.

    Args:
        store: The results folder.
        task: The task.
        detector: A label of the store, as tables show it, or the start of a fingerprint.
        repository: URL by which the submitter can be reached.
        folder: Where it will be written.

    Raises:
        BenchError: The store does not have every score of the task by this detector, or not just one such detector.
    """
    if fault := fault_of_address(repository):
        raise BenchError(f"--repository: {fault}.")
    with phase("Reading the store"):
        runs = read_runs(part.parent for part in (store / "scores").glob(f"*/*/{PARTS}"))
        if not runs:
            raise BenchError(f"There are no scores under {store / 'scores'}: run 'python -m bench compare' first.")
        fingerprint, of_detector = _chosen(runs, task, detector, store)
        rows = rows_of(store, task, fingerprint)
    facts = of_detector[-1].detectors[fingerprint]
    label = str(facts["label"])
    _check_held_out(rows, facts, label)
    _check_complete(rows, task, label, store, of_detector[-1])
    covers, imported = facts.get(COVERS), "imported" in facts
    trained = facts.get(TRAINED_ON)
    return Submission(
        folder=folder,
        detector=label,
        method="" if imported else str(facts["name"]),
        options=dict(covers["detector"].get("options", {})) if covers else _without_paths(facts["options"]),
        facts=covers,
        fingerprint=fingerprint,
        trained_on=None if trained is None else tuple(trained),
        versions=_versions(of_detector),
        task=task.named,
        repository=repository,
        imported=imported,
        scores=rows.select(*SCORES),
    )


def _chosen(runs: Sequence[Run], task: Task, name: str, store: Path) -> tuple[str, list[Run]]:
    """Finds the one configured detector that is meant, and the runs that told of it, oldest first."""
    by_fingerprint: dict[str, list[Run]] = {}
    for run in runs:
        for fingerprint in run.detectors:
            by_fingerprint.setdefault(fingerprint, []).append(run)
    labels = {key: str(told[-1].detectors[key]["label"]) for key, told in by_fingerprint.items()}
    shown = {key: f"{label} #{key[:SHORT]}" for key, label in labels.items()}
    named = [key for key in labels if name in (labels[key], shown[key])]
    named = named or [key for key in labels if len(name) >= SHORT and key.startswith(name)]
    if not named:
        there = sorted(set(labels.values()))
        raise BenchError(
            f"There are no scores of detector {name!r} in {store}, which has: {', '.join(there)}."
            f"{did_you_mean(name, there)}"
        )
    wanted = protocol_text(task.protocol)
    protocols = {key: _protocol(by_fingerprint[key][-1], key) for key in named}
    right = [key for key in named if protocols[key] == wanted]
    if not right:
        raise BenchError(
            f"{name!r} was scored under the protocol {protocols[named[0]]}, and the task {task.name!r} has {wanted}: "
            "score it with the options --resize and --crop-seeds of the task."
        )
    if len(right) > 1:
        several = ", ".join(repr(shown[key]) for key in right)
        raise BenchError(f"{name!r} names {len(right)} configured detectors of {store}: choose one of {several}.")
    return right[0], by_fingerprint[right[0]]


def _protocol(run: Run, fingerprint: str) -> str:
    covers = run.detectors[fingerprint].get(COVERS)
    return str(covers["run"].get("protocol")) if covers else protocol_text(run.data.get("protocol", {}))


def rows_of(store: Path, task: Task, fingerprint: str) -> pl.DataFrame:
    """Reads a detector's rows of the images and conditions of a task: the latest of each image, seed and condition."""
    wanted = pl.concat(
        [pl.DataFrame({"sha256": task.wanted(name)}).with_columns(condition=pl.lit(name)) for name in task.conditions]
    )

    def take(parts: Sequence[Path]) -> pl.DataFrame:
        if not parts:
            return pl.DataFrame(schema=SCORES | dict.fromkeys(("status", "reason", "group", "path"), pl.String))
        rows = scan_rows(parts).filter(pl.col("fingerprint") == fingerprint)
        rows = rows.join(wanted.lazy(), on=["sha256", "condition"], how="semi", maintain_order="left")
        return rows.select(*SCORES, "status", "reason", "group", "path").collect()

    rows = read_parts(store / "scores", take, f"*/*/{PARTS}")
    return rows.unique(["sha256", "seed", "condition"], keep="last", maintain_order=True)


def _check_held_out(rows: pl.DataFrame, facts: Facts, label: str) -> None:
    held_out = rows.filter(pl.col("group").is_in(list(facts.get("held_out") or ())))["sha256"].n_unique()
    if held_out:
        raise BenchError(
            f"{label} was fitted to {held_out:,} of the task's images, or to others of their groups: a submission is "
            "of a detector that has not seen them."
        )


def _check_complete(rows: pl.DataFrame, task: Task, label: str, store: Path, run: Run) -> None:
    lost = rows.filter((pl.col("status") != OK) | ~pl.col("score").is_finite().fill_null(False))
    if len(lost):
        path, reason = lost.select("path", pl.col("reason").fill_null("its score is no finite number")).row(0)
        raise BenchError(
            f"{label} has no score that counts of {lost['sha256'].n_unique():,} of the task's images, such as {path} "
            f"({reason}): a submission has a finite score of every image."
        )
    seeds = max(1, rows["seed"].n_unique())
    sought = sum(len(task.wanted(condition)) for condition in task.conditions) * seeds
    if len(rows) == sought:
        return
    whole = rows.group_by("sha256").len().join(_expected(task, seeds), on="sha256").filter(pl.col("len") == pl.col("n"))
    lacking = len(task.images) - len(whole)
    raise BenchError(
        f"{label} lacks scores of {lacking:,} of the task's {len(task.images):,} images in {store} "
        f"({sought - len(rows):,} of {sought:,} scores). This scores what is missing: "
        f"{_command(task, label, store, run)}"
    )


def _expected(task: Task, seeds: int) -> pl.DataFrame:
    every = pl.concat([pl.DataFrame({"sha256": task.wanted(condition)}) for condition in task.conditions])
    return every.group_by("sha256").agg(n=pl.len() * seeds)


def _command(task: Task, label: str, store: Path, run: Run) -> str:
    """Writes the command that scores what is missing, with the options of the run that scored the rest."""
    told: Mapping[str, Any] = run.facts.get("options", {})
    asked = [str(text) for text in run.facts.get("asked") or ()]
    words = ["python", "-m", "bench", "compare", "--detectors"]
    words += [text for text in asked if text == label] or (asked if len(asked) == 1 else [label])
    for option in fields(RunOptions):
        value = told.get(option.name)
        if option.name in (*_SUBSET, *_OTHERWISE) or value in (option.default, None, [], ()):
            continue
        flag = f"--{option.name.replace('_', '-')}"
        values = [str(part) for part in value] if isinstance(value, list) else [str(value)]
        words += [flag] if value is True else [flag, *values]
    if "resize" in told and told["resize"] is None:
        words += ["--resize", "none"]
    most = task.images.group_by("label", "generator").len()["len"].max()
    if isinstance(told.get("limit"), int) and isinstance(most, int) and told["limit"] < most:
        words += ["--limit", str(most)]  # the images of a larger limit are those of a smaller one, and more
    matched = {name.partition(",")[0] for name in task.conditions if name.startswith("reencode:")}
    matched |= {"unbiased" for name in task.conditions if name.startswith("unbiased:")}
    words += ["--match", *matched] if matched and "--match" not in words else []
    others = [name for name in task.conditions if name != CLEAN and not name.startswith(("unbiased:", "reencode:"))]
    words += ["--conditions", *others] if others else []
    seeds = run.detectors[next(key for key, facts in run.detectors.items() if facts["label"] == label)].get("seeds", 1)
    words += ["--seeds", str(seeds)] if seeds != 1 else []
    return shlex.join([*words, "--output", str(store)])


def _versions(runs: Sequence[Run]) -> dict[str, str]:
    """Returns the versions of what scored; where runs differ, all of them."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, version in run.facts.get("versions", {}).items():
            found.setdefault(name, {})[str(version)] = None
    return {name: ", ".join(versions) for name, versions in found.items()}


def _without_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves of a path only the file's name: where a submitter keeps files is nobody's business."""
    return {
        name: Path(value).name if isinstance(value, str) and os.sep in value else value
        for name, value in options.items()
    }
