"""The sentences around a table: what was compared, how to read the numbers, what makes them doubtful."""

import math
from collections.abc import Sequence

import polars as pl
import torch

from bench.results.cues.worst import SIGNIFICANT
from bench.results.numbers import WITH_INTERVAL, Summary
from bench.results.summary import DRAWS, real_scores, unreadable
from bench.scoring.ensembles import ScoreTable
from bench.scoring.entry import Entry
from bench.scoring.options import RunOptions
from bench.statistics.metrics import METRICS
from bench.store.schema import CLEAN
from datamodules import DetectionDataModule
from detectors import Backbone

DEMO = (
    "The demo shows that the suite works: photographs against images of two small neural generators, which say "
    "nothing about modern ones"
)
SAME_CROP = (
    "A seed is one of the method's own draws: all see the same crop of an image, whose chance is not in ± (it is with "
    "--crop-seeds)."
)
RECROPPED = "A seed draws the method's noise and another random crop of each image: ± has the chance of both."
MOST_FILES_NAMED = 5


def find_concerns(table: ScoreTable, entries: Sequence[Entry]) -> list[str]:
    """Asks each detector whether its scores of the real images show that it cannot work as set up."""
    concerns = []
    detectors = {entry.scoring: entry.detector for entry in entries}
    for position, scoring in enumerate(table.scorings):
        if scoring not in detectors:
            continue
        scores = real_scores(table.rows, position)
        concern = detectors[scoring].concern(torch.from_numpy(scores.copy())) if len(scores) else None
        if concern:
            where = "" if scoring.condition == CLEAN else f", {scoring.condition}"
            concerns.append(f"{scoring.detector}, seed {scoring.seed}{where}: {concern}.")
    return concerns


def make_notes(
    rows: pl.DataFrame,
    entries: Sequence[Entry],
    datamodule: DetectionDataModule,
    options: RunOptions,
    summary: Summary,
) -> list[str]:
    """Writes what a reader must know, one sentence a note."""
    return [
        *_data_notes(datamodule),
        *_detector_notes(entries, options),
        *_reading_notes(options, summary),
        *_unreadable_notes(rows, datamodule),
    ]


def _data_notes(datamodule: DetectionDataModule) -> list[str]:
    notes = [
        f"Data: {datamodule.title}, {len(datamodule.items)} images; {datamodule.preprocessing}; then a view is cut."
    ]
    notes += datamodule.notes
    return notes + ([f"{DEMO}."] if datamodule.name == "demo" else [])


def _detector_notes(entries: Sequence[Entry], options: RunOptions) -> list[str]:
    found = (getattr(entry.detector, "backbone", None) for entry in entries)
    backbones = dict.fromkeys(backbone for backbone in found if isinstance(backbone, Backbone))
    notes = [f"Backbone: {backbone.name}, weights sha256 {backbone.fingerprint[:12]}." for backbone in backbones]
    for entry in {entry.scoring.detector: entry for entry in entries}.values():
        settings = ", ".join(f"{name}={value}" for name, value in entry.detector.settled.items())
        notes.append(f"{entry.scoring.detector}: {settings}; view {entry.detector.view} ({options.view}).")
    return notes


def _reading_notes(options: RunOptions, summary: Summary) -> list[str]:
    notes = [
        "AP (generated) has the generated images as its positive class, AP (real) the real ones; the paper's AP is "
        "most likely the latter.",
        f"[low, high]: 95 % interval over groups of images (images that share a source are one group) and seeds: of "
        f"AUROC from placement values, of AP from derivatives by the images' weights, of other metrics from {DRAWS} "
        f"bootstrap draws, the same for all detectors, generators and conditions.",
    ]
    notes.append(
        f"Worst cue: of file ending, format, JPEG quality, size, bytes per pixel, blockiness, brightness, contrast, "
        f"saturation and Laplacian energy the one that tells the classes apart best, cross-fitted. A detector that is "
        f"'not separated' from it, or 'below', in a paired test at {SIGNIFICANT:.0%} may have measured nothing else."
    )
    if options.seeds == 1:
        notes.append("Conditional on seed 0: what a method draws once for all images does not average out.")
    else:
        notes.append(
            f"Mean over {options.seeds} seeds, ± the standard deviation over seeds; intervals take in both errors. "
            + (RECROPPED if options.crop_seeds else SAME_CROP)
        )
    return notes + _absences(summary)


def _absences(summary: Summary) -> list[str]:
    """Says once for each generator why a value or an interval is missing."""
    notes: dict[str, None] = {}
    for row in summary.rows:
        number = row.numbers["auroc"]
        if number.reason:
            what = "n/a" if math.isnan(number.value) else "no interval"
            notes[f"{row.generator}: {what}, {number.reason}."] = None
            continue
        for metric in WITH_INTERVAL[1:]:
            if row.numbers[metric].reason:
                where = f"{row.detector}, {row.condition}, {row.generator}"
                notes[f"{where}: no interval of {METRICS[metric].title}, {row.numbers[metric].reason}."] = None
    return list(notes)


def _unreadable_notes(rows: pl.DataFrame, datamodule: DetectionDataModule) -> list[str]:
    notes = []
    lost = unreadable(rows)
    if len(lost):
        named = "; ".join(f"{path} ({reason})" for path, reason in lost.head(MOST_FILES_NAMED).iter_rows())
        more = f"; and {len(lost) - MOST_FILES_NAMED} more" if len(lost) > MOST_FILES_NAMED else ""
        notes.append(f"Unreadable, never scored: {named}{more}.")
    if datamodule.ignored:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(datamodule.ignored.items()))
        notes.append(f"Ignored for their endings: {kinds}.")
    return notes
