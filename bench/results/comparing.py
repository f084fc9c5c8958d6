"""Compares detectors: computes what the store lacks, then every number from the store."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from bench.errors import BenchError
from bench.results.comparison import Comparison
from bench.results.concerns import find_concerns, find_inverted_logits, find_scaled_images
from bench.results.cues.worst import compare_with_cues
from bench.results.groupings import find_frames, under_other_groups
from bench.results.precision_effect import precision_effects
from bench.results.rankings import drawing_of, rankings_of
from bench.results.seen import unseen_means
from bench.results.summary import summarise
from bench.scoring.build import run_facts, wanted
from bench.scoring.carrying_out import Loggers, carry_out
from bench.scoring.cues import cues_of
from bench.scoring.ensembles import assemble, columns_for
from bench.scoring.entry import Entry
from bench.scoring.facts import fused_facts
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions, check_options
from bench.scoring.plan import Plan
from bench.store.data_sets import shared_title
from bench.store.facts import Facts
from bench.store.findings import Content, IgnoredFiles, UnreadableImages
from bench.store.listings import Listing
from bench.store.panel import Panel
from bench.store.runs import RunRecord
from bench.store.schema import OK, UNREADABLE
from bench.store.scores import ScoreStore, missing
from bench.store.sweeps import sweeps_on, swept_settings
from datamodules.conditions import Reencoded, Unified
from datamodules.identity import contradicted


def compare(
    detectors: Sequence[str],
    options: RunOptions,
    progress: bool = False,
    loggers: Loggers | None = None,
    noted: Facts | None = None,
) -> Comparison | None:
    """Compares detectors on a dataset.

    Detectors are written as on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``. ``loggers`` makes
    what the test loop logs to, once the options are known to be right; CSV files by default. It is told whether nothing
    is to be scored, which needs none of Lightning's. ``noted`` is what the run
    keeps of itself (``run.json``) beside what every run does.

    Returns:
        The findings; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    check_options(options)
    outcome = carry_out(detectors, options, progress, loggers, noted)
    if outcome is None:
        return None
    plan = outcome.plan
    comparison = _from_store(plan, outcome.entries, outcome.exact, options)
    return replace(comparison, logged=outcome.logged, scored=int(plan.job.absent.sum()))


def _from_store(plan: Plan, entries: Sequence[Entry], exact: Sequence[Entry], options: RunOptions) -> Comparison:
    """Makes the numbers of a run that has ended, and keeps the scores of its ensembles."""
    datamodule, record = plan.datamodule, plan.job.record
    contrasts = {planned.condition.name: planned.contrasts for planned in plan.conditions}
    store = ScoreStore(options.output, datamodule.title)
    with phase("Reading the scores"):
        columns = columns_for(plan.specs)
        rows = store.known(datamodule, [entry.scoring for entry in entries], columns)
    listing = _read_now(plan.listing, rows)
    n_items = len(datamodule.items)
    left = missing(rows, n_items, len(entries)) & wanted(entries, plan.conditions, n_items)
    if left.any():
        raise BenchError(
            f"{left.sum()} scores are missing from the store after the run; an image changed while it ran?"
        )
    exact_rows = store.known(datamodule, [entry.scoring for entry in exact], columns) if exact else rows.clear()
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
    read = rows.filter(pl.col("status") == OK).select("path", "sha256", "label")
    wrong = contradicted(read.unique("path"))
    if len(wrong):
        _, real, generated = wrong.row(0)
        more = f" So are {len(wrong) - 1:,} other pairs." if len(wrong) > 1 else ""
        raise BenchError(
            f"{real} (real) and {generated} (generated) are the same image, byte for byte.{more} No image is of both "
            "classes: remove one of each."
        )
    return listing if listing.identity else listing.knowing(rows).save()
