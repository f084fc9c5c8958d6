"""What is kept of a run beside its scores."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.contrasts import ContrastRule

FACTS_FILE, MEMBERS_FILE = "run.json", "members.parquet"
FORMAT = 1
"""Number of the layout of these facts; raised when a reader must know."""

MEMBERS = {"condition": pl.String, "generator": pl.String, "path": pl.String}
Facts = dict[str, Any]


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
    def detectors(self) -> Mapping[str, Facts]:
        """What it says of each detector, by fingerprint."""
        return self.facts.get("detectors", {}) if self.data else {}

    @property
    def protocol(self) -> str:
        """What was done to images before a view was cut."""
        protocol = self.data.get("protocol", {})
        return ", ".join(f"{name}={value}" for name, value in sorted(protocol.items())) or "as they are"

    @property
    def wanted(self) -> dict[str, int]:
        """The number of images of each condition."""
        return dict(self.data.get("wanted", {}))

    def rules(self) -> dict[str, tuple[ContrastRule, ...]]:
        """Returns the contrasts of each condition."""
        grouped = self.members.group_by("condition", "generator").agg("path")
        limited = {(condition, generator): frozenset(paths) for condition, generator, paths in grouped.iter_rows()}
        return {
            condition: tuple(
                ContrastRule(generator, tuple(reals), limited.get((condition, generator)))
                for generator, reals in contrasts.items()
            )
            for condition, contrasts in self.data.get("contrasts", {}).items()
        }


def is_fused(facts: Facts) -> bool:
    """Says whether a run kept scores that were made of stored ones, which costs nothing worth keeping."""
    detectors = facts.get("detectors", {}).values()
    return bool(detectors) and all("members" in detector for detector in detectors)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Reads several runs, oldest first, each once.

    Raises:
        BenchError: A file is broken.
    """
    return [_read(folder) for folder in sorted(set(folders))]


def _read(folder: Path) -> Run:
    facts, members = folder / FACTS_FILE, folder / MEMBERS_FILE
    try:
        return Run(
            folder,
            json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {},
            pl.read_parquet(members) if members.is_file() else pl.DataFrame(schema=MEMBERS),
        )
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise BenchError(f"Cannot read the run {folder}: {error}.") from error
