"""Tests a trained file on the groups that it has not seen, generator by generator, through the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.report.loggers.session import compare_and_log
from bench.results.cues.worst import AgainstCues, compare_with_cues
from bench.results.seen import SEEN, UNSEEN, marks_of
from bench.results.summary import Row, summarise
from bench.scoring.options import RunOptions
from bench.scoring.stored_cues import read_cues
from bench.scoring.training_record import TrainingRecord, group_hashes, read_record
from bench.statistics.metrics import shown_metrics
from bench.store.panel import Panel
from bench.training.options import FitOptions
from datamodules import GENERATED


@dataclass(frozen=True)
class HeldOut:
    """What a trained file is worth on images that it has not seen.

    Args:
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
    """Scores every generator of the data set with the file that was trained, and keeps to the held-out groups.

    Returns:
        The numbers; nothing on devices other than the first.

    Raises:
        BenchError: The file says nothing of its training, or no image is left to test on.
    """
    record = read_record(fit.save)
    if record is None:
        raise BenchError(f"{fit.save} does not say what it was trained on.")
    everything = replace(options, generators=None, seeds=1, crop_seeds=False)
    comparison = compare_and_log([fit.spec], everything, progress)
    if comparison is None:
        return None
    images = comparison.panel.images
    panel = comparison.panel.only(~np.isin(group_hashes(images["group"]), record.groups))
    generators = sorted(panel.images.filter(pl.col("label") == GENERATED)["generator"].unique())
    if not generators:
        raise BenchError("No generated image is left to test on: every group was trained on.")
    marks = marks_of(record.facts, generators)
    panels = {mark: _facing(panel, {name for name in generators if marks[name] == mark}) for mark in (SEEN, UNSEEN)}
    data = comparison.run["data"]
    cues = read_cues([(options.output, data["title"])], comparison.conditions, comparison.panel.images)
    rows = [(mark, row) for mark, part in panels.items() for row in summarise(part, shown_metrics()).rows]
    return HeldOut(
        record=record,
        rows=[(mark, row) for mark, row in rows if row.n_generated],
        cues={mark: compare_with_cues(part, cues) for mark, part in panels.items()},
        left_out=data["images"] - len(panel.images),
        tested=len(panel.images),
        scored=comparison.scored,
    )


def _facing(panel: Panel, generators: Collection[str]) -> Panel:
    """Takes the real images and those of some generators."""
    chosen = (pl.col("label") != GENERATED) | pl.col("generator").is_in(list(generators))
    contrasts = {
        condition: [rule for rule in rules if rule.generator in generators]
        for condition, rules in panel.contrasts.items()
    }
    return replace(panel.only(panel.images.select(chosen).to_series().to_numpy()), contrasts=contrasts)
