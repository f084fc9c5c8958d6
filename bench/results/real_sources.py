"""What a detector does on photographs of each source: how many it flags at a common threshold, and how scores shift.

A real image is *flagged* above the threshold at which 5 % of all real images that face generators are: the most lenient
one that flags at most so many, as for the TPR at 5 % FPR. The *shift* of a source is the AUROC of its images
against those of the other sources: 0.5 where they score alike, above it where the source looks more generated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.results.estimates import MOST_DRAWN, TOO_MANY, Estimate
from bench.results.summary import DRAWS, Draws
from bench.results.thresholds.rules import count_above, threshold_at_fpr
from bench.results.thresholds.shares import share_number
from bench.statistics.bootstrap import FEWEST_GROUPS, tpr_reason
from bench.statistics.influence import Contrast, Placed, mean_over_seeds
from bench.statistics.number import Number
from bench.statistics.operating_curve import CELLS
from bench.store.findings import Finding
from bench.store.panel import Panel, Part
from bench.store.schema import CLEAN

FALSE_ALARMS = 0.05
"""The share of all real images that the threshold flags, at most."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RealSource:
    """A detector on the clean real images of one source.

    Args:
        images: Their number, of ``groups`` independent ones.
        false_alarms: The share that is flagged, from 0 to 1.
        shift: The AUROC of the source against the other sources of real images.
    """

    detector: str
    source: str
    images: int
    groups: int
    false_alarms: Number
    shift: Number


@dataclass(frozen=True)
class WorstRealSources(Finding):
    """The source of real images that each detector flags most of; of the shift where no share is known."""

    sources: Sequence[RealSource]


def real_sources_of(panel: Panel, draws: int = DRAWS) -> list[RealSource]:
    """Measures every detector on every source of the clean real images that face a generator.

    Returns:
        Detector by detector, the worst source first; nothing where there are fewer than two sources.
    """
    rules = panel.contrasts.get(CLEAN, ())
    if not rules:
        return []
    faced = np.logical_or.reduce([panel.takes_part(rule) for rule in rules]) & (panel.labels == 0)
    sources = panel.images["generator"].to_numpy()
    if len(np.unique(sources[faced])) < 2:
        return []
    drawn = Draws(panel, draws, faced)
    rows = []
    for detector in (label for label, condition in panel.cells if condition == CLEAN):
        part = panel.part(detector, CLEAN, within=faced)
        rows += _of_detector(detector, part, sources[part.rows], drawn)
    return rows


def worst_sources(sources: Sequence[RealSource]) -> list[WorstRealSources]:
    """Takes the first source of each detector; nothing without sources."""
    worst: dict[str, RealSource] = {}
    for source in sources:
        worst.setdefault(source.detector, source)
    return [WorstRealSources(list(worst.values()))] if worst else []


def _of_detector(detector: str, part: Part, sources: NDArray[np.object_], drawn: Draws) -> list[RealSource]:
    """Makes a row for each source; ``(n,)`` sources of the part's images, which are all real."""
    names = np.unique(sources).tolist()
    if len(names) < 2:
        return []
    groups = {name: len(np.unique(part.groups[sources == name])) for name in names}
    shares = _shares(part, {name: sources == name for name in names}, groups, drawn)
    shifts = {name: _shift(part, sources == name) for name in names}
    rows = [
        RealSource(detector, name, int((sources == name).sum()), groups[name], shares[name], shifts[name])
        for name in names
    ]
    return sorted(rows, key=_best_first, reverse=True)


def _best_first(row: RealSource) -> tuple[float, float]:
    return np.nan_to_num(row.false_alarms.value, nan=-1.0), row.shift.value


def _shares(
    part: Part, chosen: Mapping[str, NDArray[np.bool_]], groups: Mapping[str, int], drawn: Draws
) -> dict[str, Number]:
    """Counts what is flagged; in each bootstrap draw at the threshold of that draw."""
    everyone = part.n_groups[0]
    refused = {name: tpr_reason(everyone, n, FALSE_ALARMS) for name, n in groups.items()}
    few = len(part.rows) <= MOST_DRAWN
    weights = drawn.weights(part) if few and not all(refused.values()) else None
    points, draws = [], []
    for scores in part.scores:
        points.append(_flagged(scores, chosen, None))
        if weights is not None:
            draws.append(_flagged(scores, chosen, weights))
    numbers = {}
    for name, reason in refused.items():
        values = np.array([seed[name][0] for seed in points])
        if reason:
            numbers[name] = Number(float("nan"), reason=reason)
        elif weights is None:
            numbers[name] = Number(float(values.mean()), reason=TOO_MANY)
        else:
            replicates = np.mean([seed[name] for seed in draws], axis=0)
            numbers[name] = share_number(values, replicates, groups[name], None)
    return numbers


def _flagged(
    scores: Floats, chosen: Mapping[str, NDArray[np.bool_]], weights: NDArray[np.int16] | None
) -> dict[str, Floats]:
    """Returns the share of each source's images above the threshold, ``(draws,)``; nan in a draw without the source."""
    parts = [None] if weights is None else np.array_split(weights, 1 + weights.size // CELLS)
    shares: dict[str, list[Floats]] = {name: [] for name in chosen}
    for weight in parts:
        thresholds = threshold_at_fpr(scores, FALSE_ALARMS, weight)
        for name, of_source in chosen.items():
            own = None if weight is None else weight[:, of_source]
            above, total = count_above(scores[of_source], thresholds, own)
            shares[name].append(np.divide(above, total, out=np.full(len(above), np.nan), where=total > 0))
    return {name: np.concatenate(values) for name, values in shares.items()}


def _shift(part: Part, of_source: NDArray[np.bool_]) -> Number:
    labels = of_source.astype(np.int64)
    placed = [Placed(Contrast(labels, scores, part.groups)) for scores in part.scores]
    influence = mean_over_seeds([seed.auroc() for seed in placed])
    few = [
        f"fewer than {FEWEST_GROUPS} independent groups of {whose} ({n})"
        for side, whose in ((of_source, "the source"), (~of_source, "the others"))
        if (n := len(np.unique(part.groups[side]))) < FEWEST_GROUPS
    ]
    return Estimate(np.array(influence.seeds), few[0] if few else None, influence).number("auroc")
