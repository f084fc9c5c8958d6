"""What is kept of a run beside its scores."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from bench.store.contrasts import ContrastRule

FACTS_FILE, MEMBERS_FILE = "run.json", "members.parquet"
FORMAT = 1
"""Number of the layout of these facts; raised when a reader must know."""

MEMBERS = {"condition": pl.String, "generator": pl.String, "path": pl.String}
Facts = dict[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a run beside its scores.

    Args:
        name: The run's folder.
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


def rules_from(data: Mapping[str, Any], members: pl.DataFrame) -> dict[str, tuple[ContrastRule, ...]]:
    """Reads the contrasts of each condition back from ``bench.scoring.facts.data_facts`` and ``members_of``."""
    limited = {
        (condition, generator): frozenset(paths)
        for condition, generator, paths in members.group_by("condition", "generator").agg("path").iter_rows()
    }
    return {
        condition: tuple(
            ContrastRule(generator, tuple(reals), limited.get((condition, generator)))
            for generator, reals in contrasts.items()
        )
        for condition, contrasts in data["contrasts"].items()
    }
