"""How often a detector is called above or below ten trivial cues, by simulation: figures of docs/statistics.md.

Scores and cues are normal, each image is a group of its own. One cue may be good, and the others say nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bench.results.cues.opponents import (
    ABOVE,
    BELOW,
    Opponents,
    fitted_cues,
    opponents_of,
    turned_cues,
    verdict_of,
)
from bench.statistics.crossfit import Feature, Images, parts_of
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence

Integers = NDArray[np.int64]
Drawn = tuple[Images, Integers, InfluenceValues, list[Feature]]
"""Images and their halves, the detector on them, and the cues."""


@dataclass(frozen=True)
class Situation:
    """What is compared.

    Args:
        cues: The AUROC of each cue.
        detector: That of the detector; None where it is the first cue itself.
        correlation: That of the detector's noise with the first cue's.
        levels: How many categories each of the last cues has, which are then useless; the others are numbers.
    """

    cues: tuple[float, ...]
    detector: float | None
    correlation: float = 0.0
    levels: tuple[int, ...] = ()


def with_useless(area: float) -> tuple[float, ...]:
    """Returns one good cue and nine useless ones."""
    return (area, *[0.5] * 9)


SIZES = (24, 50, 200)
"""Images of each class."""
NEVER_ABOVE = {
    "is the cue of 0.6, nine useless": Situation(with_useless(0.6), None),
    "is the cue of 0.8, nine useless": Situation(with_useless(0.8), None),
    "is one of ten cues of 0.7": Situation((0.7,) * 10, None),
    "0.6, as the cue, independent": Situation(with_useless(0.6), 0.6),
    "0.8, as the cue, independent": Situation(with_useless(0.8), 0.8),
    "0.5, ten useless": Situation((0.5,) * 10, 0.5),
}
NEVER_BELOW = {
    "0.5, ten useless": Situation((0.5,) * 10, 0.5),
    "0.5, ten useless, of which three categories (2, 5, 30)": Situation((0.5,) * 10, 0.5, levels=(2, 5, 30)),
    "0.5, ten useless categories (30)": Situation((0.5,) * 10, 0.5, levels=(30,) * 10),
    "is the cue of 0.8, nine useless": Situation(with_useless(0.8), None),
}
POWER = {
    "0.9 against 0.8, correlation 0.5": Situation(with_useless(0.8), 0.9, 0.5),
    "0.9 against 0.8, correlation 0.7": Situation(with_useless(0.8), 0.9, 0.7),
}


def share_above(situation: Situation, n: int, trials: int, combination: bool = False) -> float:
    """Returns how often a detector is *above*; without the combination of the cues, which only makes it rarer."""
    above = 0
    for images, halves, detector, features in _draws(situation, n, trials):
        # Every further opponent makes *above* rarer: where the first cue stops it, the others need not be measured.
        first = turned_cues(features[:1], images, halves)
        if _verdict(detector, first) == ABOVE:
            opponents = opponents_of(features, images) if combination else _turned(features, images, halves)
            above += opponents is not None and verdict_of(detector, opponents) == ABOVE
    return above / trials


def share_above_first(situation: Situation, n: int, trials: int) -> float:
    """Returns how often a detector is above the first cue alone: the most that any test of all can find."""
    found = 0
    for images, halves, detector, features in _draws(situation, n, trials):
        found += _verdict(detector, turned_cues(features[:1], images, halves)) == ABOVE
    return found / trials


def share_below(situation: Situation, n: int, trials: int) -> float:
    """Returns how often a detector is *below*."""
    below = 0
    for images, halves, detector, features in _draws(situation, n, trials):
        fitted = fitted_cues(features, images, halves)
        never = next(iter(fitted.values()))
        below += verdict_of(detector, Opponents({"itself": detector}, fitted, never, never)) == BELOW
    return below / trials


def _draws(situation: Situation, n: int, trials: int) -> Iterator[Drawn]:
    labels = np.repeat([0, 1], n)
    images, known = Images(labels, [f"{i:05d}" for i in range(2 * n)]), np.zeros(2 * n, dtype=np.bool_)
    halves = parts_of(images, 2)
    assert halves is not None
    for trial in range(trials):
        stream = np.random.default_rng((n, trial))
        noise = stream.normal(size=(len(situation.cues), 2 * n))
        features = [
            Feature(f"cue {number}", _separation(area) * labels + values, False, known)
            for number, (area, values) in enumerate(zip(situation.cues, noise, strict=True))
        ]
        for number, levels in enumerate(situation.levels, start=len(features) - len(situation.levels)):
            categories = stream.integers(0, levels, 2 * n).astype(np.float64)
            features[number] = Feature(f"cue {number}", categories, True, known)
        scores = features[0].values
        if situation.detector is not None:
            own = np.sqrt(1 - situation.correlation**2) * stream.normal(size=2 * n)
            scores = _separation(situation.detector) * labels + situation.correlation * noise[0] + own
        yield images, halves, auroc_influence([Contrast(labels, scores, images.codes)]), features


def _turned(features: list[Feature], images: Images, halves: Integers) -> Opponents:
    turned = turned_cues(features, images, halves)
    first = next(iter(turned.values()))
    return Opponents(turned, {}, first, first)


def _verdict(detector: InfluenceValues, turned: Mapping[str, InfluenceValues]) -> str:
    first = next(iter(turned.values()))
    return verdict_of(detector, Opponents(turned, {}, first, first))


def _separation(area: float) -> float:
    """Returns the distance of two normal distributions of unit variance with this AUROC."""
    return float(norm.ppf(area) * np.sqrt(2))
