"""What a lower precision does to the scores: some images are scored in both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from bench.results.rankings import rankings_of
from bench.results.summary import summarise
from bench.scoring.options import EXACT
from bench.statistics.intervals import PairedTest
from bench.store.contrasts import ContrastRule
from bench.store.findings import Finding
from bench.store.panel import Panel
from bench.store.schema import CLEAN

if TYPE_CHECKING:
    from bench.scoring.entry import Entry


@dataclass(frozen=True)
class PrecisionEffect(Finding):
    """How far a detector's scores, and its AUROC, move in a lower precision.

    Args:
        images: Number of images that are scored in both.
        median: Median of the scores' relative differences.
        largest: The greatest of them.
        rank_correlation: Spearman's.
        aurocs: Mean AUROC in exact precision and in the other; None where there are too few images.
        test: The paired test of the other minus the exact one; None likewise.
    """

    detector: str
    precision: str
    images: int
    median: float = float("nan")
    largest: float = float("nan")
    rank_correlation: float = float("nan")
    aurocs: tuple[float, float] | None = None
    test: PairedTest | None = None


def precision_effects(
    entries: "Sequence[Entry]",
    rows: pl.DataFrame,
    exact: "Sequence[Entry]",
    exact_rows: pl.DataFrame,
    contrasts: Mapping[str, Sequence[ContrastRule]],
    precision: str,
) -> list[PrecisionEffect]:
    """Compares the scores of the same images in the run's precision and the exact one, detector by detector.

    Both have entries and their rows, with ``scoring``; ``contrasts`` say which images face each other by condition.
    """
    effects = []
    for position, entry in enumerate(exact):
        same = replace(entry.scoring, fingerprint="")
        other = next(i for i, entry in enumerate(entries) if replace(entry.scoring, fingerprint="") == same)
        pair = (exact_rows.filter(pl.col("scoring") == position), rows.filter(pl.col("scoring") == other))
        in_both = pl.col("path").is_in(pair[0].join(pair[1], on=["path", "sha256"], how="semi")["path"].to_list())
        stacked = [
            scores.filter(in_both).with_columns(scoring=pl.lit(number, dtype=pl.Int64))
            for number, scores in enumerate(pair)
        ]
        scorings = [replace(entry.scoring, detector=name) for name in (EXACT, precision)]
        panel = Panel.of(pl.concat(stacked), scorings, {CLEAN: contrasts[CLEAN]})
        effects.append(_effect(entry.scoring.detector, panel, precision))
    return effects


def _effect(detector: str, panel: Panel, precision: str) -> PrecisionEffect:
    exact, other = panel.scores
    known = np.isfinite(exact) & np.isfinite(other)
    if not known.any():
        return PrecisionEffect(detector, precision, 0)
    moved = np.abs(other - exact)[known] / np.maximum(np.abs(exact[known]), np.finfo(np.float64).tiny)
    rho = spearmanr(exact[known], other[known]).statistic if known.sum() > 2 else float("nan")
    effect = PrecisionEffect(
        detector, precision, int(known.sum()), float(np.median(moved)), float(moved.max()), float(rho)
    )
    ranking = rankings_of(summarise(panel), panel).get(CLEAN)
    if ranking is None or not ranking.pairs:
        return effect
    (pair,) = ranking.pairs
    test = pair.test if pair.first == precision else pair.test.reversed
    return replace(effect, aurocs=(ranking.values[EXACT], ranking.values[precision]), test=test)
