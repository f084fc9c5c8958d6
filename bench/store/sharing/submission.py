"""A submission: the scores that one configured detector gave the images of a task, a folder of two files.

Whoever reads one that others wrote learns of each fault by a :class:`Fault`; `bench.store.sharing.checking` compares it
with its task.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.store.damage import FAILURES, first_line
from bench.store.files import write_together
from bench.store.json_objects import fault_in, keys_beside, read_object
from bench.store.sharing.plain_files import kind_of, read_plain

FORMAT = 1
FACTS_FILE, SCORES_FILE = "submission.json", "scores.parquet"
SCORES: dict[str, Any] = {"sha256": pl.String, "score": pl.Float64, "seed": pl.Int64, "condition": pl.String}
"""The columns of the scores."""
MOST_FACTS, MOST_SCORES = 1 << 20, 1 << 32
"""Bytes that the files may have."""
MOST_SEEDS = 1000
_DEEPEST = 20
_LONGEST = 512
"""Bytes of a sha256 or of a condition's name, and those that a row may take when it is unpacked."""
_STORED = {
    "sha256": ("BYTE_ARRAY", "STRING"),
    "score": ("DOUBLE", "NONE"),
    "seed": ("INT64", "NONE"),
    "condition": ("BYTE_ARRAY", "STRING"),
}
_PLAIN = {pl.String: pa.large_string(), pl.Float64: pa.float64(), pl.Int64: pa.int64()}
_TEXTS = [name for name, kind in SCORES.items() if kind == pl.String]
_LAYOUT: dict[str, Any] = {
    "format": int,
    "detector": str,
    "method": str,
    "options": dict,
    "facts?": {"detector": dict, "run": dict},
    "fingerprint": str,
    "trained_on?": [str],
    "versions": {...: str},
    "task": {"name": str, "version": int, "digest": str},
    "scores": {"sha256": str, "rows": int},
    "repository": str,
    "imported": bool,
}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a submission.

    Args:
        kind: What sort of fault it is, a word for programs.
        file: The file that it is in; empty for the folder as a whole.
        reason: What is wrong, a clause.
    """

    kind: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" if self.file else self.reason


class SubmissionError(BenchError):
    """A folder is no submission; ``faults`` say why."""

    def __init__(self, folder: Path, *faults: Fault) -> None:
        super().__init__(f"{folder} is not a submission that can be used: {faults[0]}.")
        self.faults = faults


@dataclass(frozen=True)
class Submission:
    """A submission.

    Args:
        detector: Its label.
        method: Its name in the registry; empty for one that was not scored here.
        facts: What the fingerprint covers, ``detector`` and ``run``; None where the store did not tell.
        trained_on: Names of the generators that a trained detector saw, none where they are not known; None for one
            that is not trained.
        task: Its task's ``name``, ``version`` and ``digest``.
        repository: URL by which the submitter can be reached.
        imported: Whether the scores came from elsewhere, as of a closed detector.
        scores: With the columns of :data:`SCORES`.
        scores_sha256: Of the file of scores, as told.
        rows: Number of scores, as told.
    """

    folder: Path
    detector: str
    method: str
    options: Mapping[str, Any]
    facts: Mapping[str, Any] | None
    fingerprint: str
    trained_on: tuple[str, ...] | None
    versions: Mapping[str, str]
    task: Mapping[str, Any]
    repository: str
    imported: bool
    scores: pl.DataFrame
    scores_sha256: str = ""
    rows: int = 0


def fingerprint_of(facts: Mapping[str, Any]) -> str:
    """Computes a fingerprint from what it covers, as ``detectors.Detector.fingerprint`` does."""
    return hashlib.sha256(json.dumps([facts["detector"], facts["run"]], sort_keys=True).encode()).hexdigest()


def write_submission(submission: Submission) -> tuple[Path, ...]:
    """Writes a submission into its folder, both files or neither; the told numbers are those of what is written.

    Raises:
        BenchError: It cannot be written, or the folder holds something else.
    """
    folder, opened = submission.folder, io.BytesIO()
    try:
        beside = sorted({path.name for path in folder.iterdir()} - {FACTS_FILE, SCORES_FILE}) if folder.exists() else []
        if beside:
            raise BenchError(f"{folder} holds {beside[0]} and is no submission's folder: give another one.")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"Cannot write into {folder}: {error.strerror}.") from error
    scores = submission.scores.select(*SCORES).cast(pl.Schema(SCORES)).sort("condition", "seed", "sha256")
    scores.write_parquet(opened, statistics=False)
    data = opened.getvalue()
    facts = {
        "format": FORMAT,
        "detector": submission.detector,
        "method": submission.method,
        "options": dict(submission.options),
        "facts": submission.facts,
        "fingerprint": submission.fingerprint,
        "trained_on": None if submission.trained_on is None else list(submission.trained_on),
        "versions": dict(submission.versions),
        "task": dict(submission.task),
        "scores": {"sha256": hashlib.sha256(data).hexdigest(), "rows": len(scores)},
        "repository": submission.repository,
        "imported": submission.imported,
    }
    text = json.dumps(facts, indent=2, allow_nan=False)
    return write_together({folder / SCORES_FILE: data, folder / FACTS_FILE: f"{text}\n".encode()})


def read_submission(folder: Path) -> Submission:
    """Reads a submission; whether it is true to its task is `bench.store.sharing.checking`'s to say.

    Raises:
        SubmissionError: The folder is something else.
    """
    faults = faults_of_folder(folder)
    if faults:
        raise SubmissionError(folder, *faults)
    facts = read_facts(folder)
    return submission_of(folder, facts, read_scores(folder, facts["scores"]["rows"]))


def submission_of(folder: Path, facts: Mapping[str, Any], scores: pl.DataFrame) -> Submission:
    """Puts together what was read of a submission."""
    told: dict[str, Any] = {"facts": facts.get("facts"), "trained_on": _names(facts.get("trained_on"))}
    keys = ("detector", "method", "options", "fingerprint", "versions", "task", "repository", "imported")
    file: dict[str, Any] = {"scores_sha256": facts["scores"]["sha256"], "rows": facts["scores"]["rows"]}
    return Submission(folder=folder, scores=scores, **told, **file, **{key: facts[key] for key in keys})


def _names(told: list[str] | None) -> tuple[str, ...] | None:
    return None if told is None else tuple(told)


def faults_of_folder(folder: Path) -> list[Fault]:
    """Looks at what there is in a folder; nothing is read."""
    try:
        state = folder.lstat()
        if kind_of(state) != "a folder":
            return [Fault("folder", "", f"it is {kind_of(state)}, not a folder")]
        entries = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder)}
    except OSError as error:
        return [Fault("folder", "", f"it cannot be read ({error.strerror})")]
    missing = [name for name in (SCORES_FILE, FACTS_FILE) if name not in entries]
    faults = [Fault("file", name, "there is no such file") for name in missing]
    beside = sorted(set(entries) - {SCORES_FILE, FACTS_FILE})
    faults += [Fault("file", name, "a submission has no such file: remove it") for name in beside]
    others = ((name, kind_of(entries[name])) for name in (SCORES_FILE, FACTS_FILE) if name in entries)
    return faults + [
        Fault("file", name, f"it is {kind}, not a plain file") for name, kind in others if kind != "a file"
    ]


def read_facts(folder: Path) -> dict[str, Any]:
    """Reads ``submission.json``.

    Raises:
        SubmissionError: It is something else.
    """
    try:
        facts = read_object(read_plain(folder / FACTS_FILE, MOST_FACTS), _DEEPEST, strict=True)
        if facts.get("format") != FORMAT:
            raise ValueError(f"its format is {json.dumps(facts.get('format'))[:40]}, where {FORMAT} is known")
        if fault := fault_in(facts, _LAYOUT):
            raise ValueError(fault)
        kinds = ((facts, _LAYOUT), *((facts[key], _LAYOUT[key]) for key in ("task", "scores")))
        if beside := [key for held, kind in kinds for key in keys_beside(held, kind)]:
            raise ValueError(f"it has a key {beside[0][:40]!r} that a submission does not have")
    except ValueError as error:
        raise SubmissionError(folder, Fault("format", FACTS_FILE, first_line(error))) from error
    return facts


def read_scores(folder: Path, rows: int | None = None, most: int | None = None) -> pl.DataFrame:
    """Reads ``scores.parquet``.

    Args:
        folder: The submission's.
        rows: How many there are to be; not looked at without it.
        most: The most that are read.

    Raises:
        SubmissionError: It is something else; what it says of its size is looked at before anything is unpacked.
    """
    file = folder / SCORES_FILE
    try:
        data = pa.BufferReader(read_plain(file, MOST_SCORES))
        with pq.ParquetFile(data) as opened:
            if fault := _fault_of_columns(opened):
                raise ValueError(fault)
            there = opened.metadata.num_rows
        if rows is not None and there != rows:
            raise ValueError(f"it has {there:,} rows, and {FACTS_FILE} says {rows:,}")
        if most is not None and there > most:
            raise ValueError(f"it has {there:,} rows, where its task allows {most:,}")
        data.seek(0)
        table = pq.ParquetFile(data, read_dictionary=_TEXTS).read()  # a text that is long and repeated stays one
        table.validate(full=True)
        for name in _TEXTS:
            for chunk in table[name].chunks:
                if any(len(value.as_py() or "") > _LONGEST for value in chunk.dictionary):
                    raise ValueError(f"its column {name} holds a text of more than {_LONGEST} letters")
        plain = {name: table[name].cast(_PLAIN[kind]) for name, kind in SCORES.items()}  # nothing else that it tells
        frame = pl.DataFrame(pa.table(plain)).cast(pl.Schema(SCORES))
    except FAILURES as error:
        raise SubmissionError(folder, Fault("format", SCORES_FILE, first_line(error))) from error
    lacking = [name for name in SCORES if frame[name].null_count()]
    if lacking:
        raise SubmissionError(folder, Fault("scores", SCORES_FILE, f"values of {', '.join(lacking)} are missing"))
    return frame


def _fault_of_columns(opened: Any) -> str | None:  # noqa: ANN401 - pyarrow has no types
    """Says what is wrong with the columns of a file of scores, and with the bytes that they say they have."""
    schema, metadata = opened.schema, opened.metadata
    columns = [schema.column(number) for number in range(len(schema))]
    names = [column.path for column in columns]
    if sorted(names) != sorted(SCORES):
        return f"its columns are {', '.join(names)[:80] or 'none'}, not {', '.join(SCORES)}"
    for column in columns:
        if (column.physical_type, column.logical_type.type) != _STORED[column.path]:
            return f"its column {column.path} is not of type {SCORES[column.path]}"
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if size > _LONGEST * metadata.num_rows + (1 << 20):
        return f"it has {size:,} bytes unpacked, too many for {metadata.num_rows:,} rows"
    return None
