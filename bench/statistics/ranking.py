"""Which detectors a paired test can tell apart, and in which order they stand.

Not being separated is not transitive: of three detectors the first may be separated from the third while the second is
from neither. Hence letters: two detectors share a letter if, and only if, they are not separated.

References:
    Letters: Piepho, Journal of Computational and Graphical Statistics 13 (2004) 456-466.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np

from bench.statistics.influence import InfluenceValues
from bench.statistics.intervals import PairedTest, auroc_interval, holm, paired_test, smallest_difference
from bench.statistics.number import Number

SIGNIFICANT = 0.05
Influences = Mapping[str, Mapping[str, InfluenceValues]]


@dataclass(frozen=True)
class InCommon:
    """Two detectors on the images that both have, where one lacks images of the other.

    Args:
        images: Their number.
        first: The influence values of the first on these; None where they are too few for an interval.
        second: Those of the second.
    """

    images: int
    first: InfluenceValues | None
    second: InfluenceValues | None


Common = Callable[[str, str, str], InCommon | None]
"""Asked with two detectors and a generator; None where both have the same images."""


@dataclass(frozen=True)
class Pair:
    """Two detectors against each other.

    Args:
        first: The better one on the target.
        generator: What they are compared on: the target, or a generator.
        test: Of first minus second.
        p_adjusted: Holm's p-value within the family: all pairs on the target, or all pairs and generators.
        smallest: The smallest difference that the family's test would find in four of five cases.
        images: Number of the images that both have and that the test is on, where one lacks images of the other; None
            where both have the same. The test is nan where they are too few.
        one_draw: Whether one of them has drawn something that all images share with a single seed, so that the test
            says nothing of other draws of the method.
    """

    first: str
    second: str
    generator: str
    test: PairedTest
    p_adjusted: float
    smallest: float
    images: int | None = None
    one_draw: bool = False

    @property
    def separated(self) -> bool:
        """Whether the adjusted test tells them apart at 5 %."""
        return self.p_adjusted < SIGNIFICANT

    @property
    def columns(self) -> dict[str, str | float | bool | None]:
        """The columns of tables for programs."""
        return {
            "first": self.first,
            "second": self.second,
            "difference": self.test.difference,
            "low": self.test.low,
            "high": self.test.high,
            "p": self.test.p,
            "p_adjusted": self.p_adjusted,
            "smallest_difference": self.smallest,
            "separated": self.separated,
            "for_this_draw": self.one_draw,
            "images_in_common": self.images,
        }


class LeftOut(NamedTuple):
    """The places and mean AUROCs of a detector when each generator in turn is left out, in the order of those."""

    places: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Ranking:
    """The order of the detectors of one table.

    Args:
        order: Detectors, best first; equal ones by name.
        values: The target AUROC of each detector.
        letters: Of each detector; one that is not separated from another shares one with it.
        pairs: Every pair on the target.
        by_generator: Every pair on every generator, a family of its own; empty with one generator.
        wins: Of each detector, by rival, how many generators it wins, loses and ties.
        leave_one_out: Of each detector, the places and means when each generator in turn is left out of the mean;
            empty with one generator.
        worst: Of each detector, the generator with its lowest AUROC, and that; empty with one generator.
        unranked: Why a detector is not ranked.
    """

    order: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    by_generator: tuple[Pair, ...] = ()
    wins: Mapping[str, Mapping[str, tuple[int, int, int]]] = field(default_factory=dict)
    leave_one_out: Mapping[str, LeftOut] = field(default_factory=dict)
    worst: Mapping[str, tuple[str, Number]] = field(default_factory=dict)
    unranked: Mapping[str, str] = field(default_factory=dict)


def rank_detectors(
    influences: Influences, target: str = "mean", common: Common | None = None, drawing: Collection[str] = ()
) -> Ranking:
    """Ranks detectors by their AUROC and tests every pair.

    Args:
        influences: By detector and generator (or ``mean``), where there are groups enough for an interval.
        target: What they are ranked by, one of the generators or the mean over them.
        common: Finds what two are tested on where one lacks images of the other; without it all have the same.
        drawing: Detectors whose seeds draw something that all images share.
    """
    ranked = {name: by_generator for name, by_generator in influences.items() if target in by_generator}
    order = sorted(ranked, key=lambda name: (-ranked[name][target].value, name))
    one_draw = {name for name in drawing if name in ranked and len(ranked[name][target].seeds) == 1}
    pairs = _family(ranked, order, [target], common, one_draw)
    generators = _shared(ranked, order, target)
    return Ranking(
        order=tuple(order),
        values={name: ranked[name][target].value for name in order},
        letters=compact_letters(order, [(p.first, p.second) for p in pairs if p.separated]),
        pairs=pairs,
        by_generator=_family(ranked, order, generators, common, one_draw),
        wins={name: {rival: _wins(ranked, name, rival, target) for rival in order if rival != name} for name in order},
        leave_one_out=_left_out(ranked, order, generators),
        worst={name: _worst(ranked[name], generators) for name in order if len(generators) > 1},
        unranked=dict.fromkeys(sorted(set(influences) - set(order)), "too few independent groups for an interval"),
    )


def compact_letters(order: Sequence[str], separated: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Finds letters such that two names (best first) share one if, and only if, they are not separated.

    Piepho's insertion and absorption: each separated pair splits every set of names that holds both.

    Examples:
        >>> compact_letters(["x", "y", "z"], [("x", "z")])
        {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    sets = [frozenset(order)] if order else []
    for first, second in separated:
        split: list[frozenset[str]] = []
        for names in sets:
            split += [names - {first}, names - {second}] if {first, second} <= names else [names]
        sets = [names for i, names in enumerate(split) if not _absorbed(names, i, split)]
    place = {name: position for position, name in enumerate(order)}
    sets.sort(key=lambda names: sorted(place[name] for name in names))
    return {name: "".join(_letter(i) for i, names in enumerate(sets) if name in names) for name in order}


def _absorbed(names: frozenset[str], position: int, sets: Sequence[frozenset[str]]) -> bool:
    """Says whether another set holds all of a set's names; of two equal ones the first stays."""
    return any(names < other or (names == other and i < position) for i, other in enumerate(sets))


def _letter(position: int) -> str:
    """Names a letter: a to z, then a1, b1, ..."""
    turn, letter = divmod(position, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")


def _family(
    influences: Influences,
    order: Sequence[str],
    generators: Sequence[str],
    common: Common | None,
    one_draw: set[str],
) -> tuple[Pair, ...]:
    """Tests every pair on every generator, with p-values adjusted for all of them."""
    names = [(first, second, generator) for generator in generators for first, second in combinations(order, 2)]
    shared = [common(*name) if common else None for name in names]
    tests = [
        _test(influences[first][generator], influences[second][generator])
        if known is None
        else _test(known.first, known.second)
        for (first, second, generator), known in zip(names, shared, strict=True)
    ]
    adjusted = holm([test.p for test in tests])
    return tuple(
        Pair(
            *name,
            test,
            float(p),
            smallest_difference(test, len(tests)),
            known.images if known else None,
            not one_draw.isdisjoint(name[:2]),
        )
        for name, test, p, known in zip(names, tests, adjusted, shared, strict=True)
    )


def _test(first: InfluenceValues | None, second: InfluenceValues | None) -> PairedTest:
    if first is None or second is None:
        return PairedTest(*[float("nan")] * 6)
    return paired_test(first, second)


def _shared(influences: Influences, order: Sequence[str], target: str) -> list[str]:
    """Returns the generators that all ranked detectors have, where the target is their mean."""
    generators = [influences[name] for name in order]
    return [g for g in next(iter(generators), ()) if g != target and all(g in others for others in generators)]


def _wins(influences: Influences, name: str, rival: str, target: str) -> tuple[int, int, int]:
    """Counts the generators that one wins, loses and ties, by the AUROC alone."""
    both = [g for g in influences[name] if g in influences[rival]]
    generators = [g for g in both if g != target] or both
    signs = [np.sign(influences[name][g].value - influences[rival][g].value) for g in generators]
    return sum(s > 0 for s in signs), sum(s < 0 for s in signs), sum(s == 0 for s in signs)


def _left_out(influences: Influences, order: Sequence[str], generators: Sequence[str]) -> dict[str, LeftOut]:
    """Computes the place and the mean of each detector when each generator in turn is left out."""
    if len(generators) < 2:
        return {}
    places: dict[str, list[int]] = {name: [] for name in order}
    means: dict[str, list[float]] = {name: [] for name in order}
    for left_out in generators:
        rest = [generator for generator in generators if generator != left_out]
        values = {name: float(np.mean([influences[name][g].value for g in rest])) for name in order}
        for name in order:
            means[name].append(values[name])
            places[name].append(1 + sum(value > values[name] for value in values.values()))
    return {name: LeftOut(tuple(places[name]), tuple(means[name])) for name in order}


def _worst(influences: Mapping[str, InfluenceValues], generators: Sequence[str]) -> tuple[str, Number]:
    name = min(generators, key=lambda generator: influences[generator].value)
    return name, Number(influences[name].value, auroc_interval(influences[name]), chance=0.5)
