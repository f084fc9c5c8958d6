"""Reads the scores of the suite and of the scripts, and says how far they are apart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr
from scripts import Cell
from sklearn.metrics import roc_auc_score

Scores = dict[str, float]


@dataclass(frozen=True)
class Difference:
    """How far some scores are from others of the same images.

    Args:
        auroc: Of the scores; the mean over cells.
        largest: Largest relative difference of a score, over all cells.
        median: Their median.
        spearman: Smallest rank correlation of a cell.
    """

    auroc: float
    largest: float
    median: float
    spearman: float


def suite_scores(run: Path, cells: Sequence[Cell]) -> dict[Cell, Scores]:
    """Reads the scores of cells from the folder of a run."""
    rows = pl.concat([pl.read_parquet(part) for part in run.glob("part-*.parquet")])
    found = {}
    for cell in cells:
        chosen = rows.filter(
            pl.col("detector") == cell.detector, pl.col("condition") == cell.condition, pl.col("seed") == cell.seed
        )
        found[cell] = dict(zip(chosen["path"].to_list(), chosen["score"].to_list(), strict=True))
    return found


def script_scores(folder: Path, cells: Sequence[Cell]) -> dict[Cell, Scores]:
    """Reads the scores that the scripts wrote."""
    return {cell: json.loads((folder / cell.file_name).read_text())["scores"] for cell in cells}


def difference(scores: Mapping[Cell, Scores], reference: Mapping[Cell, Scores], detector: str) -> Difference:
    """Compares the scores of a detector, in the cells that both have.

    Raises:
        SystemExit: The two have no cell in common, or scored other images.
    """
    cells = [cell for cell in scores if cell in reference and cell.detector == detector]
    if not cells:
        raise SystemExit(f"error: there are no scores of {detector} to compare.")
    pairs = [_aligned(scores[cell], reference[cell], detector) for cell in cells]
    relative = np.concatenate([np.abs(ours - theirs) / np.abs(theirs) for ours, theirs, _ in pairs])
    aurocs = [float(roc_auc_score(labels, ours)) for ours, _, labels in pairs]
    return Difference(
        float(np.mean(aurocs)),
        float(relative.max()),
        float(np.median(relative)),
        min(float(spearmanr(ours, theirs).statistic) for ours, theirs, _ in pairs),
    )


def _aligned(
    scores: Scores, reference: Scores, detector: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    if scores.keys() != reference.keys():
        odd = sorted(scores.keys() ^ reference.keys())
        raise SystemExit(f"error: {len(odd)} images have a score of {detector} on one side only, such as {odd[0]}.")
    paths = sorted(scores)
    labels = np.array([path.startswith("generated/") for path in paths])
    return np.array([scores[path] for path in paths]), np.array([reference[path] for path in paths]), labels
