"""Compares detectors on a dataset: computes what the store lacks, then makes every number from the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from bench.errors import BenchError
from bench.report.notes import find_concerns, make_notes
from bench.report.ranks import rankings_of
from bench.report.tables import Report, csv_frame, markdown
from bench.report.wandb import log_report, wandb_session
from bench.results.cues.worst import compare_with_cues
from bench.results.precision_effect import effect_notes
from bench.results.seen import marks_of, unseen_notes
from bench.results.summary import summarise
from bench.scoring.build import VIEWS, run_facts, wanted
from bench.scoring.conditions import Assignment
from bench.scoring.cues import cues_of
from bench.scoring.ensembles import ScoreTable, assemble
from bench.scoring.entry import Entry
from bench.scoring.facts import fused_facts, members_of
from bench.scoring.machine.memory import hand_freed_memory_back
from bench.scoring.machine.precision import PRECISIONS
from bench.scoring.machine.processes import Processes
from bench.scoring.machine.trainer import ACCELERATORS, STRATEGIES, create_trainer
from bench.scoring.options import RunOptions
from bench.scoring.plan import Preparation, known_rows
from bench.scoring.run import score, score_exactly
from bench.store.panel import Panel
from bench.store.runs import Facts, RunRecord
from bench.store.schema import CLEAN
from bench.store.writer import ScoreStore, missing
from datamodules import DetectionDataModule
from datamodules.conditions import Reencoded, Treatment, Unified
from detectors.backbones.compiling import check_compiler


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Args:
        report: The numbers, ready to be shown.
        panel: The scores of every image, which they were made from.
        facts: What the runs that gave the scores kept of themselves, oldest first.
        read_bytes: Reads an image's file by its path.
        rows: The score rows that they were made from.
        logged: What the test loop logged, by name.
        scored: Number of scores that were computed now rather than found in the store.
        files: The files that were written.
    """

    report: Report
    panel: Panel
    facts: tuple[Facts, ...]
    read_bytes: Callable[[str], bytes]
    rows: pl.DataFrame
    logged: dict[str, float]
    scored: int
    files: tuple[Path, ...]


def compare(
    detectors: Sequence[str], options: RunOptions, progress: bool = False, tables: bool = True
) -> Comparison | None:
    """Compares detectors on a dataset.

    Args:
        detectors: As on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``.
        options: Data, backbone and machine.
        progress: Whether to draw a progress bar.
        tables: Whether to write ``compare.csv`` and ``compare.md``; studies write tables of their own.

    Returns:
        The numbers, with what they were made from; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    with wandb_session(options):
        return _compare(detectors, options, progress, tables)


def _compare(detectors: Sequence[str], options: RunOptions, progress: bool, tables: bool) -> Comparison | None:
    check_options(options)
    trainer = create_trainer(options, progress)
    preparation = Preparation(detectors, options, str(trainer.strategy.root_device))
    with Processes(trainer) as processes:
        plan = processes.first_does(preparation.plan)
        entries = preparation.entries(plan)
        exact = score_exactly(plan, entries, options, processes, progress)
        logged = score(trainer, entries, plan.job, plan, options, processes)
    if not processes.is_first:
        return None
    hand_freed_memory_back()

    datamodule, assignments, specs = plan.datamodule, plan.assignments, plan.specs
    store = ScoreStore(options.output, datamodule.title)
    rows = known_rows(store, datamodule, entries)
    left = missing(rows, len(datamodule.items), len(entries)) & wanted(entries, assignments, len(datamodule.items))
    if left.any():
        raise BenchError(
            f"{left.sum()} scores are missing from the store after the run; an image changed while it ran?"
        )
    contrasts = {one.treatment.name: one.contrasts for one in assignments}
    effects: list[str] = []
    if exact:
        exact_rows = known_rows(store, datamodule, exact)
        effects = effect_notes(entries, rows, exact, exact_rows, contrasts, options.precision)
    table = assemble(specs, entries, rows, plan.held_out, run_facts(datamodule, options), plan.notes)
    del rows  # the table has its own, and there may be many millions
    if plan.trained:
        table = replace(table, rows=table.rows.filter(~pl.col("group").is_in(list(plan.trained))))
    fused = fused_facts(specs, entries, table.scorings, options, plan.held_out | plan.trained)
    kept = {**plan.facts, "detectors": fused}
    store.add(table.fused, datamodule, RunRecord.now(kept, members_of(assignments), kind="fused-"))
    panel = Panel.of(table.rows, table.scorings, contrasts)
    report = make_report(panel, table, entries, assignments, datamodule, options)
    everything = {**plan.facts, "detectors": {**plan.facts["detectors"], **fused}}
    marks = _marks(report, table, everything["detectors"])
    report = replace(report, notes=[*report.notes, *unseen_notes(report.summary, marks), *effects], marks=marks)
    files = write_report(report, options.output) if tables else ()
    log_report(trainer.logger, report, everything, store.folder)
    runs = tuple(run.facts for run in store.runs({scoring.fingerprint for scoring in table.scorings}))
    scored = int(plan.job.absent.sum())
    return Comparison(report, panel, runs, datamodule.read_bytes, table.rows, logged, scored, files)


def check_options(options: RunOptions) -> None:
    """Looks at what can be known to be wrong before any work.

    Raises:
        BenchError: A value is not among the choices.
        OptionError: Compiling is asked for without a compiler.
    """
    choices = {"view": VIEWS, "precision": PRECISIONS, "accelerator": ACCELERATORS, "strategy": STRATEGIES}
    for name, known in choices.items():
        if getattr(options, name) not in known:
            raise BenchError(f"--{name} must be one of {', '.join(known)}, got {getattr(options, name)!r}.")
    if options.compile:
        check_compiler()


def make_report(
    panel: Panel,
    table: ScoreTable,
    entries: Sequence[Entry],
    assignments: Sequence[Assignment],
    datamodule: DetectionDataModule,
    options: RunOptions,
) -> Report:
    """Makes the numbers and the sentences around them."""
    summary = summarise(panel)
    title = f"{datamodule.title}: {', '.join(dict.fromkeys(scoring.detector for scoring in table.scorings))}"
    views = {entry.scoring.detector: str(entry.detector.view) for entry in entries}
    for scoring in table.scorings:
        views.setdefault(scoring.detector, "those of its members")
    notes = make_notes(table.rows, entries, datamodule, options, summary)
    notes += [*table.notes, *(one.note for one in assignments if one.note)]
    cues = compare_with_cues(panel, {t.name: cues_of(datamodule, options.output, t) for t in _audited(assignments)})
    concerns = find_concerns(table, entries)
    return Report(title, summary, cues, notes, concerns, rankings_of(summary), views)


def _marks(report: Report, table: ScoreTable, facts: Mapping[str, Facts]) -> dict[str, dict[str, str]]:
    generators = dict.fromkeys(row.generator for row in report.summary.rows)
    return {one.detector: marks_of(facts[one.fingerprint], generators) for one in table.scorings}


def _audited(assignments: Sequence[Assignment]) -> list[Treatment]:
    """Leaves out degradations: what is done to both classes by us says nothing of the data."""
    treatments = [one.treatment for one in assignments]
    return [one for one in treatments if one.name == CLEAN or isinstance(one, Reencoded | Unified)]


def write_report(report: Report, output: Path) -> tuple[Path, ...]:
    """Writes ``compare.csv`` and ``compare.md``."""
    files = (output / "compare.csv", output / "compare.md")
    csv_frame(report).write_csv(files[0])
    files[1].write_text(markdown(report), encoding="utf-8")
    return files
