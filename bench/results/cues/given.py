"""What is left of a detector among images that are alike in how they were stored.

Only pairs of a real and a generated image of one stratum count: of the same JPEG quality, in steps of five, or of none,
and of the same number of pixels, to the nearest power of two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.estimates import Estimate
from bench.results.summary import MEAN
from bench.statistics.bootstrap import groups_reason
from bench.statistics.influence import Contrast, InfluenceValues, Placed, combined, mean_over_seeds
from bench.statistics.number import Number
from bench.store.panel import Panel, Part

QUALITY_STEP = 5
NO_PAIRS = "no real and generated images alike in JPEG quality and size"
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class GivenCues:
    """A detector's AUROC given the images' JPEG quality and size, against one generator or in the mean over them.

    Args:
        auroc: Over all pairs of the images whose cues are known.
        within: Over the pairs within strata.
        share: How many of the pairs these are, from 0 to 1.
    """

    detector: str
    condition: str
    generator: str
    auroc: Number
    within: Number
    share: float


def given_cues(
    panel: Panel, label: str, condition: str, contrasts: Mapping[str, pl.DataFrame], averaged: Sequence[str]
) -> list[GivenCues]:
    """Stratifies the AUROCs of a detector.

    Args:
        panel: The scores.
        label: The detector.
        condition: What was done to the images.
        contrasts: By generator, the images that the detector has scored: ``image``, their position in the panel, and
            ``jpeg_quality``, ``width`` and ``height`` as far as they are known.
        averaged: The generators that the mean is about.
    """
    scores = panel.scores[panel.seeds(label, condition)]
    both: dict[str, tuple[Estimate, Estimate, float]] = {}
    for generator, table in contrasts.items():
        rows, strata = table["image"].to_numpy().astype(np.intp), strata_of(table)
        labels = panel.labels[rows]
        if strata is None or len(np.unique(labels)) < 2:
            continue
        part = Part(rows, labels, panel.groups[rows], scores[:, rows], 0)
        counts = np.stack([np.bincount(strata[labels == side], minlength=strata.max() + 1) for side in (0, 1)])
        alike = np.logical_and.reduce(counts)[strata]
        share = float((counts[0] * counts[1]).sum() / (part.n_real * part.n_generated))
        inner = Part(rows[alike], labels[alike], part.groups[alike], part.scores[:, alike], 0)
        both[generator] = _estimate(part), _estimate(inner, strata[alike]), share
    whole = [both[generator] for generator in averaged if generator in both]
    if len(whole) > 1:
        aurocs, withins, shares = zip(*whole, strict=True)
        both[MEAN] = _mean(aurocs), _mean(withins), float(np.mean(shares))
    return [
        GivenCues(label, condition, generator, auroc.number("auroc"), within.number("auroc"), share)
        for generator, (auroc, within, share) in both.items()
    ]


def strata_of(table: pl.DataFrame) -> Integers | None:
    """Numbers the strata of images, ``(n,)``; None where neither quality nor size is known."""
    facts = []
    if "jpeg_quality" in table.columns:
        facts.append((pl.col("jpeg_quality") / QUALITY_STEP).floor().alias("quality"))
    if {"width", "height"} <= set(table.columns):
        facts.append((pl.col("width").cast(pl.Float64) * pl.col("height")).log(2).round().alias("pixels"))
    if not facts:
        return None
    strata = table.select(pl.struct(facts).rank("dense") - 1).to_series()
    return strata.to_numpy().astype(np.int64)


def _estimate(part: Part, strata: Integers | None = None) -> Estimate:
    if not len(part.rows):
        return Estimate(np.full(len(part.scores), np.nan), NO_PAIRS)
    placed = [Placed(Contrast(part.labels, scores, part.groups)) for scores in part.scores]
    seeds = [seed.auroc() if strata is None else seed.auroc_within(strata) for seed in placed]
    influence = mean_over_seeds(seeds)
    return Estimate(np.array(influence.seeds), groups_reason(*part.n_groups), influence)


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    influences: list[InfluenceValues] = [one.influence for one in estimates if one.influence is not None]
    reason = next((one.reason for one in estimates if one.reason), None)
    if len(influences) < len(estimates):
        return Estimate(np.full(len(estimates[0].seeds), np.nan), reason)
    mean = combined(influences)
    return Estimate(np.array(mean.seeds), reason, mean)
