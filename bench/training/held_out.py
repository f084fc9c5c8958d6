"""Tests a trained file on the groups that it has not seen, generator by generator, through the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.results.comparison import Comparison, compare
from bench.results.cues.worst import AgainstCues, compare_with_cues
from bench.results.numbers import WITH_INTERVAL, Row
from bench.results.seen import SEEN, UNSEEN, marks_of
from bench.results.summary import summarise
from bench.scoring.build import create_datamodule
from bench.scoring.cues import cues_of
from bench.scoring.options import RunOptions
from bench.scoring.training_record import TrainingRecord, read_record
from bench.store.panel import Panel
from bench.training.options import FitOptions
from bench.training.split import group_hashes
from datamodules import GENERATED
from datamodules.conditions import CLEAN_IMAGES, Reencoded, Treatment
from datamodules.matching import Reencode, parse_match


@dataclass(frozen=True)
class HeldOut:
    """What a trained file is worth on images that it has not seen.

    Args:
        record: Of its training.
        rows: For each condition its seen generators and the unseen ones, with their means where there are several,
            each with its mark, ``seen`` or ``unseen``.
        cues: The worst cue of each of these.
        left_out: Number of images of the trained groups.
        tested: Number of images in the table.
        scored: Number of scores that were computed now.
    """

    record: TrainingRecord
    rows: Sequence[tuple[str, Row]]
    cues: Mapping[str, AgainstCues]
    left_out: int
    tested: int
    scored: int


def evaluate_held_out(fit: FitOptions, options: RunOptions, progress: bool = False) -> HeldOut | None:
    """Scores every generator of the data set and makes the numbers of the held-out groups.

    Args:
        fit: What was trained; its file is there.
        options: As in the training; all generators are taken.
        progress: Whether to draw a progress bar.

    Returns:
        The numbers; nothing on devices other than the first.

    Raises:
        BenchError: The file says nothing of its training, or no image is left to test on.
    """
    record = read_record(fit.save)
    if record is None:
        raise BenchError(f"{fit.save} does not say what it was trained on.")
    everything = replace(options, generators=None, seeds=1, crop_seeds=False)
    comparison = compare([fit.spec], everything, progress, tables=False)
    if comparison is None:
        return None
    rows = comparison.rows.filter(pl.Series(~np.isin(group_hashes(comparison.rows["group"]), record.groups)))
    generators = sorted(rows.filter(pl.col("label") == GENERATED)["generator"].unique())
    if not generators:
        raise BenchError("No generated image is left to test on: every group was trained on.")
    marks = marks_of(record.facts, generators)
    panels = {
        mark: _panel(comparison, rows, [name for name, own in marks.items() if own == mark]) for mark in (SEEN, UNSEEN)
    }
    tables = _cue_tables(everything)
    return HeldOut(
        record,
        [
            (mark, row)
            for mark, panel in panels.items()
            for row in summarise(panel, WITH_INTERVAL).rows
            if row.n_generated
        ],
        {mark: compare_with_cues(panel, tables) for mark, panel in panels.items()},
        _images_of(everything) - rows["path"].n_unique(),
        rows["path"].n_unique(),
        comparison.scored,
    )


def _panel(comparison: Comparison, rows: pl.DataFrame, generators: Sequence[str]) -> Panel:
    """Takes the real images and those of some generators."""
    own = rows.filter((pl.col("label") != GENERATED) | pl.col("generator").is_in(list(generators)))
    contrasts = {
        condition: [rule for rule in rules if rule.generator in generators]
        for condition, rules in comparison.panel.contrasts.items()
    }
    return Panel.of(own, comparison.panel.scorings, contrasts)


def _cue_tables(options: RunOptions) -> dict[str, pl.DataFrame]:
    """Measures trivial cues of the images as they are and as they were matched."""
    datamodule = create_datamodule(options)
    datamodule.setup()
    match = parse_match(options.match, datamodule.resize)
    treatments: list[Treatment] = [CLEAN_IMAGES, *([Reencoded(match)] if isinstance(match, Reencode) else [])]
    return {one.name: cues_of(datamodule, options.output, one) for one in treatments}


def _images_of(options: RunOptions) -> int:
    datamodule = create_datamodule(options)
    datamodule.setup()
    return len(datamodule.items)
