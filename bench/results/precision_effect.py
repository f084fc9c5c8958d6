"""What a lower precision does to the scores: some images are scored in both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.report.ranks import rankings_of
from bench.results.summary import summarise
from bench.scoring.build import run_facts
from bench.scoring.entry import Entry
from bench.scoring.machine.precision import EXACT
from bench.scoring.options import RunOptions
from bench.store.contrasts import ContrastRule
from bench.store.panel import Panel
from bench.store.schema import CLEAN
from datamodules import DetectionDataModule
from datamodules.sampling import limited

SAMPLE = 64
"""Images of each source that are scored in both precisions."""


def sampled(items: pl.DataFrame) -> NDArray[np.bool_]:
    """Says which images are scored in both, ``(n_items,)``: the same ones everywhere."""
    return items["path"].is_in(limited(items, SAMPLE)["path"].to_list()).to_numpy()


def exact_entries(entries: Sequence[Entry], datamodule: DetectionDataModule, options: RunOptions) -> list[Entry]:
    """Returns the entries of the clean images and the first seed, filed under exact precision."""
    facts = run_facts(datamodule, replace(options, precision=EXACT))
    return [
        replace(entry, scoring=replace(entry.scoring, fingerprint=entry.detector.fingerprint(**facts)))
        for entry in entries
        if entry.scoring.condition == CLEAN and entry.scoring.seed == 0
    ]


def effect_notes(
    entries: Sequence[Entry],
    rows: pl.DataFrame,
    exact: Sequence[Entry],
    exact_rows: pl.DataFrame,
    contrasts: Mapping[str, Sequence[ContrastRule]],
    precision: str,
) -> list[str]:
    """Compares the scores of the same images in both precisions, a sentence for each detector.

    Args:
        entries: In the precision of the run.
        rows: Their rows, with ``scoring``.
        exact: In exact precision.
        exact_rows: Their rows, with ``scoring``.
        contrasts: Which images face each other under each condition.
        precision: Name of the run's precision.
    """
    notes = []
    for position, entry in enumerate(exact):
        same = replace(entry.scoring, fingerprint="")
        own = next(i for i, one in enumerate(entries) if replace(one.scoring, fingerprint="") == same)
        pair = (exact_rows.filter(pl.col("scoring") == position), rows.filter(pl.col("scoring") == own))
        both = pair[0].join(pair[1].select("path", "sha256"), on=["path", "sha256"], how="semi")["path"].to_list()
        stacked = pl.concat(
            [
                one.filter(pl.col("path").is_in(both)).with_columns(pl.lit(number, dtype=pl.Int64).alias("scoring"))
                for number, one in enumerate(pair)
            ]
        )
        names = (f"{entry.scoring.detector} in {EXACT}", f"{entry.scoring.detector} in {precision}")
        scorings = [replace(entry.scoring, detector=name) for name in names]
        panel = Panel.of(stacked, scorings, {CLEAN: contrasts[CLEAN]})
        notes.append(_effect(entry.scoring.detector, panel, precision))
    return notes


def _effect(detector: str, panel: Panel, precision: str) -> str:
    """Says how far scores and AUROC move."""
    exact, other = panel.scores
    known = np.isfinite(exact) & np.isfinite(other)
    if not known.any():
        return f"{precision} against {EXACT}, {detector}: no image is scored in both."
    moved = np.abs(other - exact)[known] / np.maximum(np.abs(exact[known]), np.finfo(np.float64).tiny)
    rho = spearmanr(exact[known], other[known]).statistic if known.sum() > 2 else float("nan")
    head = (
        f"{precision} against {EXACT} on {known.sum()} images, {detector}: scores move by {np.median(moved):.2%} "
        f"(median; at most {moved.max():.2%}), rank correlation {rho:.4f}"
    )
    ranking = rankings_of(summarise(panel)).get(CLEAN)
    if ranking is None or not ranking.pairs:
        return f"{head}; AUROC: too few images to compare."
    (pair,) = ranking.pairs
    sign = 1 if pair.first.endswith(precision) else -1
    low, high = sorted((sign * pair.test.low, sign * pair.test.high))
    values = [ranking.values[f"{detector} in {name}"] for name in (EXACT, precision)]
    return (
        f"{head}; AUROC {values[0]:.4f} -> {values[1]:.4f} ({sign * pair.test.difference:+.4f} "
        f"[{low:+.4f}, {high:+.4f}], paired)."
    )
