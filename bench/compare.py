"""Compares detectors on a dataset: computes what the store lacks, then makes every number from the store."""

import inspect
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.evaluation import Entry, Evaluation
from bench.notes import find_concerns, make_notes
from bench.options import RunOptions
from bench.provenance import provenance
from bench.specs import DetectorSpec, parse_detectors
from bench.store import ScoreStore, Scoring, missing
from bench.summary import summarise
from bench.tables import Report, csv_frame, markdown
from bench.trainer import ACCELERATORS, PRECISIONS, create_trainer
from bench.treatments import Assignment, assign_treatments
from bench.worst_cue import compare_with_cues
from datamodules import DATASETS, DataOptionError, DetectionDataModule, index_of
from detectors import Backbone, View, create_backbone, create_detector

COMMON_VIEW = View(224, "random-crop")
VIEWS = {"method": None, "common": COMMON_VIEW}


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Args:
        report: The numbers, ready to be shown.
        rows: The score rows that they were made from.
        logged: What the test loop logged, by name.
        scored: Number of scores that were computed now rather than found in the store.
        files: The files that were written.
    """

    report: Report
    rows: pl.DataFrame
    logged: dict[str, float]
    scored: int
    files: tuple[Path, ...]


def compare(detectors: Sequence[str], options: RunOptions, progress: bool = False) -> Comparison | None:
    """Compares detectors on a dataset.

    Args:
        detectors: As on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``.
        options: Data, backbone and machine.
        progress: Whether to draw a progress bar.

    Returns:
        The numbers, with what they were made from; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    if options.view not in VIEWS:
        raise BenchError(f"--view must be one of {', '.join(VIEWS)}, got {options.view!r}.")
    for name, choices in (("precision", PRECISIONS), ("accelerator", ACCELERATORS)):
        if getattr(options, name) not in choices:
            raise BenchError(f"--{name} must be one of {', '.join(choices)}, got {getattr(options, name)!r}.")
    specs = parse_detectors(list(detectors))
    datamodule = create_datamodule(options)
    datamodule.setup()
    backbone = create_backbone(options.backbone, options.weights)
    assignments = assign_treatments(options, datamodule)
    entries = create_entries(specs, backbone, datamodule, assignments, options)
    scorings = [entry.scoring for entry in entries]

    store = ScoreStore(options.output, datamodule.title)
    known = store.known(datamodule.items, datamodule.read_bytes, scorings)
    absent = missing(known, len(datamodule.items), len(scorings)) & wanted(entries, assignments, len(datamodule.items))
    logged, goes_on = run(entries, assignments, datamodule, store, known, absent, options, progress)
    if not goes_on:
        return None

    rows = store.known(datamodule.items, datamodule.read_bytes, scorings)
    left = missing(rows, len(datamodule.items), len(scorings)) & wanted(entries, assignments, len(datamodule.items))
    if left.any():
        raise BenchError(
            f"{left.sum()} scores are missing from the store after the run; an image changed while it ran?"
        )
    report = make_report(rows, entries, assignments, datamodule, options)
    files = write_report(report, options.output)
    return Comparison(report, rows, logged, int(absent.sum()), files)


def create_datamodule(options: RunOptions) -> DetectionDataModule:
    """Builds the dataset that the options name."""
    cls = index_of(DATASETS, options.dataset)
    if options.data_root is None and options.dataset != "demo":
        raise DataOptionError(f"--dataset {options.dataset} needs --data-root DIR.")
    values: dict[str, Any] = {
        name: getattr(options, name) for name in ("generators", "limit", "balance", "batch_size", "num_workers")
    }
    if options.resize != RunOptions.resize:
        values["resize"] = options.resize
    accepted = _constructor_options(cls)
    for name in ("real_split", "protocol", "real_fit"):
        value = getattr(options, name)
        if value is not None and name not in accepted:
            raise DataOptionError(f"--{name.replace('_', '-')} does not apply to --dataset {options.dataset}.")
        if value is not None:
            values[name] = value
    return cls(options.data_root, **values)  # type: ignore[arg-type] # the demo's root may be None


def _constructor_options(cls: type) -> set[str]:
    """Returns the keyword arguments that a dataset takes, its bases' included."""
    return {name for base in cls.__mro__ if base is not object for name in inspect.signature(base).parameters}


def create_entries(
    specs: Sequence[DetectorSpec],
    backbone: Backbone,
    datamodule: DetectionDataModule,
    assignments: Sequence[Assignment],
    options: RunOptions,
) -> list[Entry]:
    """Builds every detector for every seed, all on one backbone, and has it score every condition.

    Raises:
        BenchError: Two specifications come to the same detector.
    """
    entries = []
    facts = {"precision": options.precision, "protocol": json.dumps(datamodule.protocol, sort_keys=True)}
    written: dict[str, str] = {}
    for spec in specs:
        for seed in range(options.seeds):
            detector = create_detector(spec.name, backbone, seed=seed, view=VIEWS[options.view], **spec.options)
            fingerprint = detector.fingerprint(**facts)
            if written.setdefault(fingerprint, spec.label) != spec.label:
                raise BenchError(f"{spec.label!r} is the same detector as {written[fingerprint]!r}.")
            entries += [
                Entry(Scoring(spec.label, fingerprint, seed, one.treatment.name), detector, position, one.contrasts)
                for position, one in enumerate(assignments)
            ]
    return entries


def wanted(entries: Sequence[Entry], assignments: Sequence[Assignment], n_items: int) -> NDArray[np.bool_]:
    """Says which scores the run is about, ``(n_items, n_entries)``: a matching leaves images out."""
    everything = np.ones(n_items, dtype=np.bool_)
    chosen = [everything if one.chosen is None else one.chosen for one in assignments]
    return np.stack([chosen[entry.treatment] for entry in entries], axis=1)


def run(
    entries: Sequence[Entry],
    assignments: Sequence[Assignment],
    datamodule: DetectionDataModule,
    store: ScoreStore,
    known: pl.DataFrame,
    absent: NDArray[np.bool_],
    options: RunOptions,
    progress: bool,
) -> tuple[dict[str, float], bool]:
    """Scores what is absent.

    Returns:
        What the test loop logged, and whether this process is the one that goes on to write tables.
    """
    datamodule.views = tuple(dict.fromkeys(entry.detector.view for entry in entries))
    datamodule.treatments = tuple(one.treatment for one in assignments)
    trainer = create_trainer(options, progress)
    facts = provenance(options.as_facts(), str(trainer.strategy.root_device))
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    evaluation = Evaluation(entries, datamodule, absent, known, store, name, facts)
    try:
        logged = trainer.test(evaluation, datamodule, verbose=False)
    finally:
        evaluation.close()
    return {key: float(value) for key, value in (logged[0] if logged else {}).items()}, trainer.is_global_zero


def make_report(
    rows: pl.DataFrame,
    entries: Sequence[Entry],
    assignments: Sequence[Assignment],
    datamodule: DetectionDataModule,
    options: RunOptions,
) -> Report:
    """Makes the numbers and the sentences around them."""
    scorings = [entry.scoring for entry in entries]
    summary = summarise(rows, scorings, {one.treatment.name: one.contrasts for one in assignments})
    title = f"{datamodule.title}: {', '.join(dict.fromkeys(scoring.detector for scoring in scorings))}"
    notes = make_notes(rows, entries, datamodule, options, summary)
    notes += [one.note for one in assignments if one.note]
    cues = compare_with_cues(rows, scorings, assignments, datamodule, options.output)
    return Report(title, summary, cues, notes, find_concerns(rows, entries))


def write_report(report: Report, output: Path) -> tuple[Path, ...]:
    """Writes ``compare.csv`` and ``compare.md``."""
    files = (output / "compare.csv", output / "compare.md")
    csv_frame(report).write_csv(files[0])
    files[1].write_text(markdown(report), encoding="utf-8")
    return files
