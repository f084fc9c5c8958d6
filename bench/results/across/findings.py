"""What boards of several data sets say of detectors: means over sets, the worst of them, and whether rankings agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.results.across.sets import RankedSet, Sets, sets_of
from bench.results.comparison import Comparison
from bench.results.summary import DRAWS
from bench.scoring.machine.phases import phase
from bench.statistics.agreement import FEWEST_DETECTORS, agreement
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import auroc_interval
from bench.statistics.joint import drawn_aurocs
from bench.statistics.minimum import minimum_interval
from bench.statistics.number import Number, sd_over_seeds

Floats = NDArray[np.float64]
FEWEST_SETS = 3
"""Of Kendall's W; on two sets it says what rho does."""


@dataclass(frozen=True)
class Worst:
    """The lowest AUROC of a detector.

    Args:
        set_name: Where.
        generator: Which, or None for a whole set.
        auroc: The lowest measured one, and the interval of the lowest true one, whichever that is.
    """

    set_name: str
    generator: str | None
    auroc: Number


@dataclass(frozen=True)
class AcrossDetector:
    """A detector over the sets in which it is ranked.

    Args:
        aurocs: Its main AUROC by set.
        mean: Over these sets, with an interval for exactly these.
        not_ranked: Sets that have it without a rank.
        not_scored: Sets that have no score of it.
    """

    detector: str
    aurocs: Mapping[str, Number]
    mean: Number
    worst_set: Worst
    worst_generator: Worst
    not_ranked: Sequence[str]
    not_scored: Sequence[str]

    @property
    def everywhere(self) -> bool:
        """Whether it is ranked in every set, so that its mean may be held against others'."""
        return not (self.not_ranked or self.not_scored)


@dataclass(frozen=True)
class Separation:
    """In how many of the sets in which both are ranked a detector is separated above another, and below it."""

    first: str
    second: str
    sets: int
    above: int
    below: int


@dataclass(frozen=True)
class Agreement:
    """How far the rankings of sets agree: Spearman's rho of two sets, Kendall's W of more.

    Args:
        detectors: Those that are ranked in all of these sets.
        number: With the reason where there is none.
    """

    sets: tuple[str, ...]
    detectors: tuple[str, ...]
    number: Number

    @property
    def statistic(self) -> str:
        """``rho`` or ``W``."""
        return "rho" if len(self.sets) == 2 else "W"


@dataclass(frozen=True)
class AcrossSets:
    """Everything about one condition.

    Args:
        detectors: Those ranked in every set come first, best first.
        agreements: Of each two sets, and with three and more, of all.
    """

    condition: str
    store: Sets
    sets: Sequence[RankedSet]
    detectors: Sequence[AcrossDetector]
    separations: Sequence[Separation]
    agreements: Sequence[Agreement]


@phase("Comparing data sets")
def across_sets(comparisons: Sequence[Comparison], draws: int = DRAWS) -> list[AcrossSets]:
    """Puts the boards of several sets together, for each condition that at least two have."""
    store = sets_of(comparisons)
    if store is None:
        return []
    return [_across(store, condition, sets, draws) for condition, sets in store.by_condition.items()]


def _across(store: Sets, condition: str, sets: Sequence[RankedSet], draws: int) -> AcrossSets:
    names = sorted({detector for ranked in sets for detector in (*ranked.labels, *ranked.unranked)})
    ranked = [name for name in names if any(name in one.labels for one in sets)]
    detectors = [_detector(name, sets) for name in ranked]
    detectors.sort(key=lambda row: (not row.everywhere, -len(row.aurocs), -row.mean.value, row.detector))
    order = [row.detector for row in detectors]
    return AcrossSets(
        condition, store, sets, detectors, _separations(order, sets), list(_agreements(store, sets, draws))
    )


def _detector(detector: str, sets: Sequence[RankedSet]) -> AcrossDetector:
    there = [ranked for ranked in sets if detector in ranked.labels]
    aurocs = {ranked.name: ranked.mean(detector) for ranked in there}
    generators: dict[tuple[str, str | None], tuple[float, InfluenceValues | None]] = {
        (ranked.name, name): found for ranked in there for name, found in ranked.generators(detector).items()
    }
    return AcrossDetector(
        detector,
        {name: _number(influence) for name, influence in aurocs.items()},
        _mean(list(aurocs.values())),
        _worst({(name, None): (influence.value, influence) for name, influence in aurocs.items()}),
        _worst(generators),
        [ranked.name for ranked in sets if detector in ranked.unranked],
        [ranked.name for ranked in sets if detector not in ranked.labels and detector not in ranked.unranked],
    )


def _number(influence: InfluenceValues) -> Number:
    return Number(influence.value, auroc_interval(influence), sd_over_seeds(influence.seeds), chance=0.5)


def _mean(influences: Sequence[InfluenceValues]) -> Number:
    seeds = sorted({len(influence.seeds) for influence in influences})
    if len(seeds) > 1:
        reason = f"the numbers of seeds differ between sets ({', '.join(map(str, seeds))})"
        return Number(float(np.mean([influence.value for influence in influences])), reason=reason, chance=0.5)
    return _number(combined(influences))


def _worst(aurocs: Mapping[tuple[str, str | None], tuple[float, InfluenceValues | None]]) -> Worst:
    place = min(aurocs, key=lambda name: (aurocs[name][0], name[0], name[1] or ""))
    value, influences = aurocs[place][0], [influence for _, influence in aurocs.values() if influence is not None]
    if len(influences) < len(aurocs):
        lacking = next(name for name, (_, influence) in aurocs.items() if influence is None)
        return Worst(*place, Number(value, reason=f"too few groups of {lacking[1]} in {lacking[0]}", chance=0.5))
    return Worst(*place, Number(value, minimum_interval(influences), chance=0.5))


def _separations(order: Sequence[str], sets: Sequence[RankedSet]) -> list[Separation]:
    signs = [ranked.signs() for ranked in sets]
    separations = []
    for first, second in combinations(order, 2):
        found = [of_set[pair] for of_set in signs if (pair := (min(first, second), max(first, second))) in of_set]
        turned = [sign if first < second else -sign for sign in found]
        if turned:
            separations.append(Separation(first, second, len(turned), turned.count(1), turned.count(-1)))
    return separations


def _agreements(store: Sets, sets: Sequence[RankedSet], draws: int) -> list[Agreement]:
    labels = {ranked.name: sorted(ranked.labels) for ranked in sets}
    families = [*combinations(sets, 2), *([tuple(sets)] if len(sets) >= FEWEST_SETS else [])]
    common = [sorted(set.intersection(*(set(ranked.labels) for ranked in family))) for family in families]
    if max(map(len, common)) < FEWEST_DETECTORS:
        drawn: dict[str, Floats] = {}
    else:
        influences = {ranked.key: [ranked.mean(name) for name in labels[ranked.name]] for ranked in sets}
        drawn = drawn_aurocs(influences, store.groups, draws)
    agreements = []
    for family, detectors in zip(families, common, strict=True):
        names = tuple(ranked.name for ranked in family)
        if len(detectors) < FEWEST_DETECTORS:
            number = Number(float("nan"), reason=f"needs four detectors in common, has {len(detectors)}")
        else:
            columns = [[labels[ranked.name].index(name) for name in detectors] for ranked in family]
            parts = [drawn[ranked.key][:, column] for ranked, column in zip(family, columns, strict=True)]
            values = [[ranked.mean(name).value for name in detectors] for ranked in family]
            signs = [[of_set[pair] for pair in combinations(detectors, 2)] for of_set in map(RankedSet.signs, family)]
            number = agreement(values, np.stack(parts, axis=1), signs)
        agreements.append(Agreement(names, tuple(detectors), number))
    return agreements
