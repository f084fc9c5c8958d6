"""Compares detectors on a dataset: computes what the store lacks, then makes every number from the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.building import VIEWS, create_datamodule, create_entries, run_facts, single_detectors, wanted
from bench.cue_table import cues_of
from bench.errors import BenchError
from bench.evaluation import Entry, Evaluation
from bench.facts import data_facts, detector_facts, fused_facts, members_of
from bench.fusion import ScoreTable, assemble, groups_to_fit
from bench.notes import find_concerns, make_notes
from bench.options import RunOptions
from bench.panel import Panel
from bench.probed import asks_for_probe, resolve_probes
from bench.provenance import provenance
from bench.rank_tables import rankings_of
from bench.records import FORMAT, Facts, RunRecord
from bench.scoring import CLEAN
from bench.specs import parse_detectors
from bench.store import ScoreStore, missing
from bench.summary import summarise
from bench.tables import Report, csv_frame, markdown
from bench.trainer import ACCELERATORS, PRECISIONS, create_trainer
from bench.treatments import Assignment, assign_treatments
from bench.wandb_log import log_report, wandb_session
from bench.worst_cue import compare_with_cues
from datamodules import DetectionDataModule
from datamodules.conditions import Reencoded, Treatment, Unified
from detectors import create_backbone


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
    if options.view not in VIEWS:
        raise BenchError(f"--view must be one of {', '.join(VIEWS)}, got {options.view!r}.")
    for name, choices in (("precision", PRECISIONS), ("accelerator", ACCELERATORS)):
        if getattr(options, name) not in choices:
            raise BenchError(f"--{name} must be one of {', '.join(choices)}, got {getattr(options, name)!r}.")
    specs = parse_detectors(list(detectors))
    datamodule = create_datamodule(options)
    datamodule.setup()
    backbone = create_backbone(options.backbone, options.weights)
    held_out = frozenset[str]()
    if any(spec.members or asks_for_probe(spec) for spec in specs):
        held_out = groups_to_fit(datamodule.items)
    probed = {spec.label for spec in specs if asks_for_probe(spec)}
    specs, probe_notes = resolve_probes(specs, backbone, datamodule, held_out)
    assignments = assign_treatments(options, datamodule)
    entries = create_entries(single_detectors(specs), backbone, datamodule, assignments, options)
    scorings = [entry.scoring for entry in entries]

    trainer = create_trainer(options, progress)
    store = ScoreStore(options.make_output(), datamodule.title)
    known = store.known(datamodule.items, datamodule.read_bytes, scorings)
    absent = missing(known, len(datamodule.items), len(scorings)) & wanted(entries, assignments, len(datamodule.items))
    left_out = {spec.label: held_out for spec in specs if spec.members or spec.label in probed}
    facts = {
        **provenance(options.as_facts(), str(trainer.strategy.root_device)),
        "format": FORMAT,
        "data": data_facts(datamodule, assignments),
        "detectors": detector_facts(entries, options, left_out),
    }
    members = members_of(assignments)
    logged, goes_on = run(
        trainer, entries, assignments, datamodule, store, known, absent, RunRecord.now(facts, members)
    )
    if not goes_on:
        return None

    rows = store.known(datamodule.items, datamodule.read_bytes, scorings)
    left = missing(rows, len(datamodule.items), len(scorings)) & wanted(entries, assignments, len(datamodule.items))
    if left.any():
        raise BenchError(
            f"{left.sum()} scores are missing from the store after the run; an image changed while it ran?"
        )
    table = assemble(specs, entries, rows, held_out, run_facts(datamodule, options), probe_notes)
    fused = fused_facts(specs, entries, table.scorings, options, held_out)
    store.add(table.fused, datamodule, RunRecord.now({**facts, "detectors": fused}, members, kind="fused-"))
    panel = Panel.of(table.rows, table.scorings, {one.treatment.name: one.contrasts for one in assignments})
    report = make_report(panel, table, entries, assignments, datamodule, options)
    files = write_report(report, options.output) if tables else ()
    log_report(trainer.logger, report, {**facts, "detectors": {**facts["detectors"], **fused}}, store.folder)
    runs = tuple(run.facts for run in store.runs({scoring.fingerprint for scoring in table.scorings}))
    return Comparison(report, panel, runs, datamodule.read_bytes, table.rows, logged, int(absent.sum()), files)


def run(
    trainer: L.Trainer,
    entries: Sequence[Entry],
    assignments: Sequence[Assignment],
    datamodule: DetectionDataModule,
    store: ScoreStore,
    known: pl.DataFrame,
    absent: NDArray[np.bool_],
    record: RunRecord,
) -> tuple[dict[str, float], bool]:
    """Scores what is absent.

    Returns:
        What the test loop logged, and whether this process is the one that goes on to write tables.
    """
    datamodule.views = tuple(dict.fromkeys(entry.detector.view for entry in entries))
    datamodule.treatments = tuple(one.treatment for one in assignments)
    evaluation = Evaluation(entries, datamodule, absent, known, store, record)
    try:
        logged = trainer.test(evaluation, datamodule, verbose=False)
    finally:
        evaluation.close()
    return {key: float(value) for key, value in (logged[0] if logged else {}).items()}, trainer.is_global_zero


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
