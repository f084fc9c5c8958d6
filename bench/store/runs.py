"""What is kept of a run beside its scores."""

import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.contrasts import ContrastRule
from bench.store.damage import FAILURES, DamagedFileError, checksum, first_line, open_part
from bench.store.facts import FORMAT, MEMBERS_CHECKSUM, Facts, parse_facts

FACTS_FILE, MEMBERS_FILE = "run.json", "members.parquet"
MEMBERS = {"condition": pl.String, "generator": pl.String, "path": pl.String}


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a run beside its scores, in the folder of its name.

    Args:
        facts: Written as ``run.json``.
        members: Written as ``members.parquet`` unless empty; see ``bench.scoring.facts.members_of``.
    """

    name: str
    facts: Facts
    members: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MEMBERS))

    @classmethod
    def now(cls, facts: Facts, members: pl.DataFrame, kind: str = "") -> "RunRecord":
        """Names a run by the present time, so that names sort by age, and a few random digits."""
        return cls(f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{kind}{uuid.uuid4().hex[:6]}", facts, members)


@dataclass(frozen=True)
class Run:
    """A run of the store: its ``run.json``, or nothing where there is none, and its ``members.parquet``."""

    folder: Path
    facts: Facts
    members: pl.DataFrame

    @property
    def name(self) -> str:
        """The folder's name, which sorts by age."""
        return self.folder.name

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return "cost" in self.facts

    @property
    def data(self) -> Mapping[str, Any]:
        """What it says of its images; nothing in a run of an older version."""
        return self.facts.get("data", {}) if self.facts.get("format") == FORMAT else {}

    @property
    def listing(self) -> str | None:
        """The key of its data set's listing; none in a run of an older version."""
        key = self.data.get("set")
        return None if key is None else str(key)

    @property
    def detectors(self) -> Mapping[str, Facts]:
        """What it says of each detector, by fingerprint."""
        return self.facts.get("detectors", {}) if self.data else {}

    @property
    def protocol(self) -> str:
        """What was done to images before a view was cut."""
        return protocol_text(self.data.get("protocol", {}))

    @property
    def wanted(self) -> dict[str, int]:
        """The number of images of each condition."""
        return dict(self.data.get("wanted", {}))

    def rules(self) -> dict[str, tuple[ContrastRule, ...]]:
        """Returns the contrasts of each condition."""
        grouped = self.members.group_by("condition", "generator").agg("path")
        apart = self.data.get("apart") or ()
        limited = {(condition, generator): frozenset(paths) for condition, generator, paths in grouped.iter_rows()}
        return {
            condition: tuple(
                ContrastRule(generator, tuple(reals), limited.get((condition, generator)), generator in apart)
                for generator, reals in contrasts.items()
            )
            for condition, contrasts in self.data.get("contrasts", {}).items()
        }


def protocol_text(protocol: Mapping[str, Any]) -> str:
    """Writes down what was done to images before a view was cut."""
    return ", ".join(f"{name}={value}" for name, value in sorted(protocol.items())) or "as they are"


def first_title(output: Path) -> str | None:
    """Returns the title, as part of a path, of the data set that was scored first in a results folder."""
    runs = ((run.name, folder.name) for folder in (output / "scores").glob("*") for run in folder.glob("[0-9]*"))
    return min(runs, default=(None, None))[1]


def is_fused(facts: Facts) -> bool:
    """Says whether a run kept scores that were made of stored ones, which costs nothing worth keeping."""
    detectors = facts.get("detectors", {}).values()
    return bool(detectors) and all("members" in detector for detector in detectors)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Reads several runs, oldest first, each once.

    Raises:
        DamagedFileError: A file is broken.
    """
    return [read_run(folder) for folder in sorted(set(folders))]


def read_run(folder: Path) -> Run:
    """Reads what is kept of a run; nothing of it where there is no ``run.json``.

    Raises:
        DamagedFileError: A file is broken.
        BenchError: A file cannot be read.
    """
    file = folder / FACTS_FILE
    try:
        facts = _facts(file)
        members = _members(folder / MEMBERS_FILE, facts.pop(MEMBERS_CHECKSUM, None)) if facts else None
    except OSError as error:
        raise BenchError(f"Cannot read {error.filename or folder}: {error.strerror}.") from error
    return Run(folder, facts, pl.DataFrame(schema=MEMBERS) if members is None else members)


def _facts(file: Path) -> Facts:
    try:
        return parse_facts(file.read_bytes())
    except FileNotFoundError:
        if os.path.lexists(file):
            raise DamagedFileError(file, "a link to nothing") from None
        return {}
    except IsADirectoryError:
        raise DamagedFileError(file, "no file") from None
    except ValueError as error:
        raise DamagedFileError(file, first_line(error)) from error


def _members(file: Path, expected: str | None) -> pl.DataFrame | None:
    if not os.path.lexists(file):
        if expected is not None:
            raise DamagedFileError(file.with_name(FACTS_FILE), f"{MEMBERS_FILE}, which belongs to it, is missing")
        return None
    try:
        if expected is not None and checksum(file) != expected:
            raise ValueError(f"its bytes do not have the checksum in {FACTS_FILE}")
        with open_part(file) as opened:
            table = opened.read(columns=list(MEMBERS))
        table.validate(full=True)
        members = pl.DataFrame(table).select(*MEMBERS)
        if members.schema != pl.Schema(MEMBERS) or any(members.null_count().row(0)):
            raise ValueError("its columns are not those of this file")
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno is not None and file.is_file():
            raise
        raise DamagedFileError(file, first_line(error)) from error
    return members
