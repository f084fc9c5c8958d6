"""A comparison of detectors on one data set: computes what the store lacks, then every number from the store.

Nothing is written here: a :class:`Comparison` holds findings, and ``bench.report`` makes text, files and pages of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.results.cues.worst import AgainstCues
from bench.results.edited_area import EditedArea, edited_areas
from bench.results.real_sources import RealSource, real_sources_of
from bench.results.seen import marks_of
from bench.results.submissions.standing import Standing
from bench.results.summary import Row, Summary, main_row
from bench.statistics.ranking import Ranking
from bench.store.dataset import StoredDataset
from bench.store.facts import Facts
from bench.store.findings import Finding
from bench.store.panel import Panel
from bench.store.schema import CLEAN
from bench.store.sweeps import SweptSettings


@dataclass(frozen=True)
class Comparison:
    """Findings about the detectors of one data set.

    Args:
        title: What was compared on what.
        rankings: By condition.
        detectors: What runs kept of each detector, by label, in the order of tables.
        views: The picture that each detector was shown.
        runs: What the runs that gave the scores kept of themselves (``run.json``), oldest first.
        stored: The data set in the store, where nothing was scored for this comparison.
        standings: Of submitted scores, by label.
        run: What the run that was made for it kept of itself; empty where there was none.
        read_bytes: Reads an image's file by its path; None where there are no images at hand.
        scored: Number of scores that were computed now rather than found in the store.
    """

    title: str
    panel: Panel
    summary: Summary
    cues: AgainstCues = field(default_factory=AgainstCues)
    rankings: Mapping[str, Ranking] = field(default_factory=dict)
    detectors: Mapping[str, Facts] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    runs: Sequence[Facts] = ()
    findings: Sequence[Finding] = ()
    stored: StoredDataset | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    run: Facts = field(default_factory=dict)
    read_bytes: Callable[[str], bytes] | None = None
    logged: Mapping[str, float] = field(default_factory=dict)
    scored: int = 0

    @cached_property
    def labels(self) -> list[str]:
        """The detectors in the order of the first condition, and then those that have no scores under it."""
        first = self.ordered(self.conditions[0]) if self.conditions else []
        return list(dict.fromkeys([*first, *(label for label, _ in self.panel.cells)]))

    def ordered(self, condition: str) -> list[str]:
        """Returns the detectors of a condition: by rank, and those without one after them, best first."""
        ranking = self.rankings.get(condition)
        main = {
            label: main_row(rows.values()) for (label, where), rows in self.summary.cells.items() if where == condition
        }
        values = {label: row.numbers["auroc"].value if row else math.nan for label, row in main.items()}
        rest = sorted(values, key=lambda label: (math.isnan(values[label]), -values[label]))
        return list(dict.fromkeys([*(ranking.order if ranking else ()), *rest]))

    @cached_property
    def conditions(self) -> list[str]:
        """The clean images first, where they are one; those of a store by name, others as they were asked for."""
        names = list(dict.fromkeys(condition for _, condition in self.panel.cells))
        return sorted(names, key=lambda name: (name != CLEAN, name if self.stored else ""))

    @cached_property
    def real_sources(self) -> list[RealSource]:
        """What each detector does on the real images of each source, where they have several."""
        return real_sources_of(self.panel)

    @cached_property
    def edited_areas(self) -> list[EditedArea]:
        """The AUROC of each detector on edited images by the share of their area, where it is known."""
        return edited_areas(self.panel)

    @cached_property
    def chosen_here(self) -> frozenset[str]:
        """The detectors with settings that a sweep tried on this very data set, but for the methods' own settings."""
        return frozenset(name for one in self.findings if isinstance(one, SweptSettings) for name in one.chosen)

    @property
    def rows(self) -> list[Row]:
        """The detectors' numbers, then those of the worst cue."""
        return [*self.summary.rows, *self.cues.rows]

    def mark(self, row: Row) -> str | None:
        """Says whether a trained detector has seen the generator; nothing of one without training, or of a mean."""
        return marks_of(self.detectors.get(row.detector, {}), [row.generator]).get(row.generator)

    def to_polars(self) -> pl.DataFrame:
        """Returns a row for each detector, condition, generator and metric, with the columns of ``compare.csv``."""
        return pl.DataFrame([self._record(row, metric) for row in self.rows for metric in row.numbers], schema=_RECORD)

    def to_pandas(self) -> Any:  # noqa: ANN401 - pandas need not be installed
        """Returns what :meth:`to_polars` does, as a frame of pandas.

        Raises:
            BenchError: pandas is not installed.
        """
        try:
            return self.to_polars().to_pandas()
        except ModuleNotFoundError as error:
            raise BenchError("to_pandas needs pandas: pip install pandas. to_polars does not.") from error

    def scores(self) -> pl.DataFrame:
        """Returns ``path, label, generator, group, detector, condition, seed, score``, null of an unreadable image."""
        return self.panel.table()

    def _record(self, row: Row, metric: str) -> dict[str, Any]:
        number = row.numbers[metric]
        verdict = self.cues.verdicts.get((row.detector, row.condition, row.generator)) if metric == "auroc" else None
        return {
            "detector": row.detector,
            "condition": row.condition,
            "generator": row.generator,
            "metric": metric,
            **number.columns(),
            "seeds_sd": number.seeds_sd,
            "against_worst_cue": verdict,
            "against_chance": number.against_chance if metric == "auroc" else None,
            "chance": number.chance,
            **row.counts,
            "reason": number.remark,
            "seen": self.mark(row),
            "chosen_on_this_data": row.detector in self.chosen_here,
        }


_RECORD = {
    **dict.fromkeys(("detector", "condition", "generator", "metric"), pl.String),
    **dict.fromkeys(("value", "low", "high", "seeds_sd"), pl.Float64),
    **dict.fromkeys(("against_worst_cue", "against_chance"), pl.String),
    "chance": pl.Float64,
    **dict.fromkeys(("n_real", "n_generated", "n_unreadable"), pl.Int64),
    **dict.fromkeys(("reason", "seen"), pl.String),
    "chosen_on_this_data": pl.Boolean,
}
