"""A comparison of detectors on one data set: computes what the store lacks, then every number from the store.

Nothing is written here: a :class:`Comparison` holds findings, and ``bench.report`` makes text, files and pages of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl
from lightning.pytorch.loggers import Logger

from bench.errors import BenchError
from bench.results.concerns import find_concerns, find_inverted_logits, find_scaled_images
from bench.results.cues.worst import AgainstCues, compare_with_cues
from bench.results.edited_area import EditedArea, edited_areas
from bench.results.groupings import find_frames, under_other_groups
from bench.results.precision_effect import precision_effects
from bench.results.rankings import drawing_of, rankings_of
from bench.results.real_sources import RealSource, real_sources_of
from bench.results.seen import marks_of, unseen_means
from bench.results.submissions.standing import Standing
from bench.results.summary import Row, Summary, main_row, summarise
from bench.scoring.build import run_facts, wanted
from bench.scoring.claiming import Claiming
from bench.scoring.cues import cues_of
from bench.scoring.ensembles import assemble
from bench.scoring.entry import Entry
from bench.scoring.facts import fused_facts
from bench.scoring.machine.memory import hand_freed_memory_back
from bench.scoring.machine.phases import phase, say
from bench.scoring.machine.processes import Processes
from bench.scoring.machine.progress import plan_words
from bench.scoring.machine.trainer import create_trainer
from bench.scoring.options import RunOptions, check_options
from bench.scoring.plan import Plan, Preparation
from bench.scoring.run import score, score_exactly
from bench.statistics.ranking import Ranking
from bench.store.data_sets import shared_title
from bench.store.dataset import StoredDataset
from bench.store.facts import Facts
from bench.store.findings import Content, Finding, IgnoredFiles, UnreadableImages
from bench.store.listings import Listing
from bench.store.panel import Panel
from bench.store.runs import RunRecord
from bench.store.schema import CLEAN, OK, UNREADABLE
from bench.store.scores import ScoreStore, missing
from bench.store.sweeps import SweptSettings, sweeps_on, swept_settings
from datamodules.conditions import Reencoded, Unified
from datamodules.identity import contradicted


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


def compare(
    detectors: Sequence[str],
    options: RunOptions,
    progress: bool = False,
    loggers: Callable[[], Sequence[Logger]] | None = None,
    noted: Facts | None = None,
) -> Comparison | None:
    """Compares detectors on a dataset.

    Detectors are written as on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``. ``loggers`` makes
    what the test loop logs to, once the options are known to be right; CSV files by default. ``noted`` is what the run
    keeps of itself (``run.json``) beside what every run does.

    Returns:
        The findings; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    check_options(options)
    trainer = create_trainer(options, progress, loggers)
    with Claiming() as claiming, Processes(trainer) as processes:
        # Another machine's first process makes a plan, too, before they join: only one of them claims.
        claims = claiming if processes.is_first else None
        preparation = Preparation(detectors, options, str(trainer.strategy.root_device), claims, noted)
        plan = processes.first_does(preparation.plan)
        say(plan_words(len(plan.datamodule.items), int(plan.job.absent.sum())))
        entries = preparation.entries(plan)
        exact = score_exactly(plan, entries, options, processes, progress)
        logged = score(trainer, entries, plan.job, plan, options, processes)
    if not processes.is_first:
        return None
    hand_freed_memory_back()
    comparison = _from_store(plan, entries, exact, options)
    return replace(comparison, logged=logged, scored=int(plan.job.absent.sum()))


def _from_store(plan: Plan, entries: Sequence[Entry], exact: Sequence[Entry], options: RunOptions) -> Comparison:
    """Makes the numbers of a run that has ended, and keeps the scores of its ensembles."""
    datamodule, record = plan.datamodule, plan.job.record
    contrasts = {planned.condition.name: planned.contrasts for planned in plan.conditions}
    store = ScoreStore(options.output, datamodule.title)
    with phase("Reading the scores"):
        rows = store.known(datamodule, [entry.scoring for entry in entries])
    listing = _read_now(plan.listing, rows)
    n_items = len(datamodule.items)
    left = missing(rows, n_items, len(entries)) & wanted(entries, plan.conditions, n_items)
    if left.any():
        raise BenchError(
            f"{left.sum()} scores are missing from the store after the run; an image changed while it ran?"
        )
    exact_rows = store.known(datamodule, [entry.scoring for entry in exact]) if exact else rows.clear()
    effects = precision_effects(entries, rows, exact, exact_rows, contrasts, options.precision)
    table = assemble(plan.specs, entries, rows, plan.fit_groups, run_facts(datamodule, options), plan.findings)
    del rows  # the table has its own, and there may be many millions
    fused = fused_facts(plan.specs, entries, table.scorings, options, plan.left_out)
    fused_record = RunRecord.now({**record.facts, "detectors": fused}, record.members, kind="fused-")
    store.add(table.fused, datamodule, fused_record)
    panel = Panel.of(table.rows, table.scorings, contrasts, plan.left_out)
    summary, facts = summarise(panel), {**record.facts["detectors"], **fused}
    labels = {scoring.detector: scoring.fingerprint for scoring in table.scorings}
    detectors = {label: facts[fingerprint] for label, fingerprint in labels.items()}
    conditions = [planned.condition for planned in plan.conditions]
    # Degradations are left out: what is done to both classes by us says nothing of the data.
    audited = [conditions[0], *(matched for matched in conditions if isinstance(matched, Reencoded | Unified))]
    views = {entry.scoring.detector: str(entry.detector.view) for entry in entries}
    lost = table.rows.filter(pl.col("status") == UNREADABLE).select("path", "reason")
    lost = lost.unique("path", maintain_order=True).sort("path")
    return Comparison(
        title=f"{datamodule.title}: {', '.join(labels)}",
        panel=panel,
        summary=summary,
        cues=compare_with_cues(panel, {where.name: cues_of(datamodule, options.output, where) for where in audited}),
        rankings=rankings_of(summary, panel, drawing=drawing_of(detectors)),
        detectors=detectors,
        views={label: views.get(label, "those of its members") for label in labels},
        runs=[run.facts for run in store.runs(set(labels.values()))],
        findings=[
            *find_concerns(panel, entries),
            *find_scaled_images(entries, datamodule),
            *find_inverted_logits(summary, detectors),
            *find_frames(datamodule),
            *under_other_groups(panel, summary, options.groups, datamodule),
            *([UnreadableImages(lost.rows())] if len(lost) else []),
            *([IgnoredFiles(dict(datamodule.ignored))] if datamodule.ignored else []),
            *table.findings,
            Content(listing.identity, len(listing.images), listing.read),
            *shared_title(listing),
            *swept_settings(sweeps_on(listing), detectors, facts),
            *(planned.finding for planned in plan.conditions if planned.finding),
            *unseen_means(summary, detectors),
            *effects,
        ],
        run={**record.facts, "detectors": facts},
        read_bytes=datamodule.read_bytes,
    )


def _read_now(listing: Listing, rows: pl.DataFrame) -> Listing:
    """Notes in a data set's listing what was read of it.

    Raises:
        BenchError: An image is called real and generated.
    """
    wrong = contradicted(rows.filter(pl.col("status") == OK).unique("path"))
    if len(wrong):
        _, real, generated = wrong.row(0)
        more = f" So are {len(wrong) - 1:,} other pairs." if len(wrong) > 1 else ""
        raise BenchError(
            f"{real} (real) and {generated} (generated) are the same image, byte for byte.{more} No image is of both "
            "classes: remove one of each."
        )
    return listing if listing.identity else listing.knowing(rows).save()
