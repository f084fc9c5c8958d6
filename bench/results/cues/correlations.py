"""How far detectors' scores follow the way that real images were stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.statistics.bootstrap import FEWEST_GROUPS, GroupBootstrap, Interval, interval

SCORE_FACTS = ("jpeg_quality", "pixels")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of a detector's score with a fact, within the real images.

    Args:
        detector: The detector.
        fact: ``jpeg_quality`` (over JPEG files only) or ``pixels`` (width times height).
        rho: The correlation; nan where either is constant.
        interval: Its 95 % interval, or None.
        n: Number of images.
        reason: Why there is no value or no interval.
    """

    detector: str
    fact: str
    rho: float
    interval: Interval | None
    n: int
    reason: str | None


def score_correlations(scores: pl.DataFrame, cues: pl.DataFrame, draws: int = 1000) -> list[Correlation]:
    """Correlates detectors' scores with JPEG quality and size within the real images.

    Args:
        scores: ``path, detector, score``.
        cues: ``path, label, group, jpeg_quality, width, height``.
        draws: Number of bootstrap draws of groups.

    Returns:
        Two correlations for each detector, detectors in the order of ``scores``.
    """
    facts = cues.filter(pl.col("label") == 0).with_columns(pixels=pl.col("width") * pl.col("height"))
    table = scores.join(facts.select("path", "group", *SCORE_FACTS), on="path").sort("path")
    return [
        _correlation(table.filter(pl.col("detector") == detector), detector, fact, draws)
        for detector in scores["detector"].unique(maintain_order=True)
        for fact in SCORE_FACTS
    ]


def _correlation(table: pl.DataFrame, detector: str, fact: str, draws: int) -> Correlation:
    known = table.filter(pl.col(fact).is_not_null() & pl.col("score").is_finite())
    pairs = [known[name].to_numpy().astype(np.float64) for name in ("score", fact)]
    for name, values in zip(("scores", fact), pairs, strict=True):
        if len(np.unique(values)) < 2:
            reason = f"{name} of the real images all alike" if len(values) else "no real images with this fact"
            return Correlation(detector, fact, float("nan"), None, len(known), reason)
    rho = float(_spearman(pairs, np.ones((1, len(known))))[0])
    groups, labels = known["group"].to_list(), [0] * len(known)
    if len(set(groups)) < FEWEST_GROUPS:
        return Correlation(detector, fact, rho, None, len(known), f"fewer than {FEWEST_GROUPS} independent groups")
    bootstrap = GroupBootstrap(groups, labels, draws=draws)
    drawn = [_spearman(pairs, weights) for weights in bootstrap.chunks(np.arange(len(known)))]
    return Correlation(detector, fact, rho, interval(np.concatenate(drawn)), len(known), None)


def _spearman(pairs: Sequence[Floats], weights: NDArray[np.generic]) -> Floats:
    """Correlates the ranks, in each row of weights those of a sample in which each image stands so many times."""
    places = [np.unique(values, return_inverse=True)[1] for values in pairs]
    rhos = np.empty(len(weights))
    for draw, weight in enumerate(weights.astype(np.float64)):
        ranks = []
        for place in places:
            counts = np.bincount(place, weights=weight)
            ranks.append((np.cumsum(counts) - counts / 2)[place])
        covariance = np.cov(np.stack(ranks), aweights=weight, ddof=0)
        spread = np.sqrt(covariance[0, 0] * covariance[1, 1])
        rhos[draw] = covariance[0, 1] / spread if spread > 0 else np.nan
    return rhos
