"""Compares a submission with its task, offline: what can be known to be wrong without the images and the detector."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from bench.store.sharing.plain_files import read_plain
from bench.store.sharing.submission import (
    FACTS_FILE,
    MOST_SCORES,
    MOST_SEEDS,
    SCORES_FILE,
    Fault,
    Submission,
    SubmissionError,
    faults_of_folder,
    fingerprint_of,
    read_facts,
    read_scores,
    submission_of,
)
from bench.store.sharing.task import Task, TaskError, read_task
from bench.store.sharing.task_images import SHA256

LONGEST = 500
"""Letters of a label or an address."""
NEEDED_VERSIONS = ("fauxbench", "python")
_KEY = ("sha256", "seed", "condition")


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Args:
        task: The task; None where there is none that can be used.
        submission: The submission, where its files could be read.
        faults: Why it is refused; nothing where it is taken.
        notes: What could not be checked.
    """

    folder: Path
    task: Task | None
    submission: Submission | None
    faults: Sequence[Fault]
    notes: Sequence[Fault] = ()


def faults(folder: Path, task: Task) -> list[Fault]:
    """Returns what is wrong with a submission to a task; nothing where it is taken."""
    return list(check(folder, task).faults)


def check(folder: Path, task: Task | Path | None = None) -> Checked:
    """Checks a submission.

    Args:
        folder: The submission's.
        task: Its task, or the task's file; by default the one of its digest in a folder ``tasks`` of a folder above.
    """
    found = faults_of_folder(folder)
    if any(fault.kind == "folder" for fault in found):
        return Checked(folder, None, None, found)
    facts, scores = None, None
    spoilt = {fault.file for fault in found}
    try:
        facts = None if FACTS_FILE in spoilt else read_facts(folder)
    except SubmissionError as error:
        found += error.faults
    try:
        task = _task(folder, task, facts)
    except TaskError as error:
        return Checked(folder, None, None, [*found, Fault("task", error.file.name, error.reason)])
    if task is None:
        lacking = Fault("task", "", "no folder above it has its task in tasks/: name the task's file with --task")
        return Checked(folder, None, None, [*found, *([lacking] if facts else [])])
    found += _faults_of_facts(facts, task) if facts else []
    try:
        most = sum(len(task.wanted(condition)) for condition in task.conditions) * MOST_SEEDS
        rows = facts["scores"]["rows"] if facts else None
        scores = None if SCORES_FILE in spoilt else read_scores(folder, rows, most)
        found += [] if scores is None else faults_of_scores(scores, task)
    except SubmissionError as error:
        found += error.faults
    found += list(_faults_of_bytes(folder, facts)) if facts and SCORES_FILE not in spoilt else []
    submission = None if facts is None or scores is None else submission_of(folder, facts, scores)
    unknown = "the fingerprint cannot be computed again: its store did not keep what it covers"
    notes = [Fault("fingerprint", FACTS_FILE, unknown)] if facts and not facts.get("facts") else []
    return Checked(folder, task, submission, found, notes)


def _task(folder: Path, task: Task | Path | None, facts: Mapping[str, Any] | None) -> Task | None:
    if isinstance(task, Path):
        return read_task(task)
    if task is not None or facts is None:
        return task
    file = task_beside(folder, facts["task"]["digest"])
    return None if file is None else read_task(file)


def task_beside(folder: Path, digest: str) -> Path | None:
    """Finds the file of a task by its digest, in the folder ``tasks`` of the nearest folder above that has it."""
    if not re.fullmatch(SHA256, digest):
        return None
    for above in folder.resolve().parents:
        for file in sorted((above / "tasks").glob("*.json")):
            try:
                if digest.encode() in read_plain(file, MOST_SCORES):
                    return file
            except ValueError:
                continue  # it is no task's file
    return None


def _faults_of_bytes(folder: Path, facts: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        now = hashlib.sha256(read_plain(folder / SCORES_FILE, MOST_SCORES)).hexdigest()
    except ValueError as error:
        yield Fault("file", SCORES_FILE, str(error))
        return
    if now != facts["scores"]["sha256"]:
        told = f"{FACTS_FILE} says {_short(facts['scores']['sha256'])}"
        yield Fault("digest", SCORES_FILE, f"its sha256 is {_short(now)}, and {told}: the scores were changed")


def _faults_of_facts(facts: Mapping[str, Any], task: Task) -> list[Fault]:
    return [Fault(kind, FACTS_FILE, reason) for kind, reason in _wrong(facts, task)]


def _wrong(facts: Mapping[str, Any], task: Task) -> Iterator[tuple[str, str]]:
    for key, told in task.named.items():
        if facts["task"][key] != told:
            now, there = (
                _short(value) if key == "digest" else repr(value)[:80] for value in (facts["task"][key], told)
            )
            yield "task", f"it is of a task with the {key} {now}, and this one has {there}"
    for key in ("detector", "repository"):
        if not facts[key].isprintable() or not 0 < len(facts[key]) <= LONGEST:
            yield "name", f"its {key} is empty, too long or holds letters that cannot be printed"
    if fault := fault_of_address(facts["repository"]):
        yield "repository", fault
    if lacking := [name for name in NEEDED_VERSIONS if not facts["versions"].get(name)]:
        yield "versions", f"the version of {lacking[0]} is missing"
    if facts["imported"] == bool(facts["method"]):
        yield "name", "it has a method just where it is not imported, and here that is not so"
    yield from _wrong_fingerprint(facts, task)


def _wrong_fingerprint(facts: Mapping[str, Any], task: Task) -> Iterator[tuple[str, str]]:
    covered = facts.get("facts")
    if not re.fullmatch(SHA256, facts["fingerprint"]):
        yield "fingerprint", f"its fingerprint {_short(facts['fingerprint'])} is none"
        return
    if not covered:
        return
    now = fingerprint_of(covered)
    if now != facts["fingerprint"]:
        told = _short(facts["fingerprint"])
        yield "fingerprint", f"the fingerprint of its facts is {_short(now)}, and it says {told}"
    of_method = covered["detector"]
    if facts["imported"]:
        if of_method.get("imported") != facts["detector"]:
            yield "fingerprint", "its facts are not those of the imported detector that it names"
    elif of_method.get("detector") != facts["method"]:
        yield "fingerprint", f"its facts are not those of the method {facts['method']!r}"[:LONGEST]
    elif of_method.get("options") != facts["options"]:
        yield "fingerprint", "its options are not those in its facts"
    if covered["run"].get("protocol") != protocol_text(task.protocol):
        there = str(covered["run"].get("protocol"))[:80]
        yield "protocol", f"it was scored under the protocol {there}, and the task's is {protocol_text(task.protocol)}"


def protocol_text(protocol: Mapping[str, Any]) -> str:
    """Writes a protocol as fingerprints cover it."""
    return json.dumps(dict(protocol), sort_keys=True)


def fault_of_address(text: str) -> str | None:
    """Says what is wrong with the address of a repository, or nothing."""
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or any(letter.isspace() for letter in text):
        return f"its repository {text[:80]!r} is no address that begins with https:// or http://"
    return "its repository holds a user's name or password" if "@" in parts.netloc else None


def faults_of_scores(scores: pl.DataFrame, task: Task, file: str = SCORES_FILE) -> list[Fault]:
    """Compares scores with the images of a task: each exactly once, for every seed and condition, and finite.

    Args:
        scores: With the columns of ``bench.store.sharing.submission.SCORES``, nothing missing.
        task: The task.
        file: What the faults are filed under.
    """
    return [Fault("scores", file, reason) for reason in _wrong_scores(scores, task)]


def _wrong_scores(scores: pl.DataFrame, task: Task) -> Iterator[str]:
    strange = scores.join(task.images.select("sha256"), on="sha256", how="anti")["sha256"].unique()
    if len(strange):
        yield f"{_images(len(strange), 'are')} not in the task, such as {_short(strange.min())}"
    if len(others := scores.filter(~pl.col("condition").is_in(task.conditions))["condition"].unique().sort()):
        yield f"it has the condition {others[0][:80]!r}, which the task does not have"
    if scores.select(_KEY).is_duplicated().any():
        twice = scores.select(_KEY).filter(scores.select(_KEY).is_duplicated()).unique().sort(_KEY)
        sha256, seed, condition = twice.row(0)
        where = f"{_short(sha256)}, seed {seed}, {condition[:80]}"
        images = twice["sha256"].n_unique()
        yield f"{_images(images, 'have')} more than one score of a seed and condition, such as {where}"
    infinite = scores.filter(~pl.col("score").is_finite())
    if len(infinite):
        first = _short(infinite["sha256"][0])
        yield f"{_images(infinite['sha256'].n_unique(), 'have')} a score that is no finite number, such as {first}"
    seeds = scores["seed"].unique().sort().to_list()
    if seeds and seeds[0] < 0:
        yield f"it has the seed {seeds[0]}, which is below 0"
    for condition in task.conditions:
        yield from _missing(scores.filter(pl.col("condition") == condition), task, condition, seeds)


def _missing(scores: pl.DataFrame, task: Task, condition: str, seeds: Sequence[int]) -> Iterator[str]:
    wanted = task.wanted(condition)
    here = scores.filter(pl.col("sha256").is_in(wanted.implode())).unique(["sha256", "seed"])
    beside = scores.filter(pl.col("sha256").is_in(task.images["sha256"].implode()))["sha256"].n_unique()
    if beside > here["sha256"].n_unique():
        yield f"{condition} has scores of images that it is not about in the task"
    counts = dict(here.group_by("seed").len().iter_rows())
    lacking = [seed for seed in seeds or [0] if counts.get(seed, 0) < len(wanted)]
    if lacking:
        seed = lacking[0]
        there = here.filter(pl.col("seed") == seed)["sha256"]
        first = wanted.filter(~wanted.is_in(there.implode()))
        more = f"; seeds that lack some: {len(lacking):,}" if len(lacking) > 1 else ""
        yield (
            f"{condition}, seed {seed}: {_images(len(first), 'have')} no score, such as {_short(first[0])} "
            f"(the task has {len(wanted):,}){more}"
        )


def _images(count: int, verb: str) -> str:
    singular = {"are": "is", "have": "has"}
    return f"1 image {singular[verb]}" if count == 1 else f"{count:,} images {verb}"


def _short(sha256: object) -> str:
    text = str(sha256)
    return text if len(text) < 16 else f"{text[:12]}..."
