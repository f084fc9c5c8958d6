"""How often intervals hold the truth that take generators as a sample, or that put several data sets together.

    python benchmarks/across.py --trials 1000 --only generators mixtures
    python benchmarks/across.py --trials 400 --only agreement worst

Scores are normal and each image is a group of its own. Generators are drawn from a distribution of the distance of
their scores from those of the reals. A share of 1,000 trials has a standard error of 0.7 points at 95 %, of 400 trials
one of 1.1. The tables are those of docs/statistics.md.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from tables import Tables, percent, print_tables, row

from bench.statistics.agreement import agreement, kendall_w, spearman_rho
from bench.statistics.generators import over_generators
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence, combined
from bench.statistics.intervals import auroc_interval, holm, paired_test
from bench.statistics.joint import drawn_aurocs
from bench.statistics.minimum import minimum_interval
from bench.statistics.ranking import SIGNIFICANT

Floats = NDArray[np.float64]
Kind = Callable[[np.random.Generator, int], Floats]
"""Draws so many distances of generators from the reals, in standard deviations of scores."""
AREAS, SPREADS, NUMBERS, SIZES = (0.7, 0.9), (0.1, 1.0), (10, 20, 50), ((50, 50), (200, 50), (200, 200))
AHEAD, LARGE, DRAWS = 200, 400_000, 500


def distance(area: float) -> float:
    """Returns the distance at which normal scores have this AUROC."""
    return float(norm.ppf(area) * np.sqrt(2))


def normal_kind(area: float, spread: float) -> Kind:
    """Makes distances that are normal around that of an AUROC."""
    return lambda stream, number: stream.normal(distance(area), spread, number)


def mixed_kind(share: float) -> Kind:
    """Makes a kind of which a share is missed (AUROC 0.6) and the rest is found (0.98)."""
    return lambda stream, number: np.where(stream.random(number) < share, distance(0.6), distance(0.98))


def areas(distances: Floats) -> Floats:
    """Returns the true AUROCs."""
    return np.asarray(norm.cdf(distances / np.sqrt(2)))


def on_generators(
    distances: Floats, n_real: int, n_generated: int, stream: np.random.Generator
) -> list[InfluenceValues]:
    """Draws images of generators, which face the same reals, and measures a detector on each."""
    reals, labels, found = stream.normal(size=n_real), np.repeat([0, 1], [n_real, n_generated]), []
    for number, mean in enumerate(distances):
        scores = np.concatenate([reals, stream.normal(mean, 1, n_generated)])
        groups = np.concatenate([np.arange(n_real), n_real + number * n_generated + np.arange(n_generated)])
        found.append(auroc_influence([Contrast(labels, scores, groups)]))
    return found


def sample_coverage(kind: Kind, number: int, n_real: int, n_generated: int, trials: int) -> tuple[float, float, float]:
    """Returns how often the usual interval holds the mean of the kind, and how often the one over generators does.

    The third number is the share of further generators of the kind whose AUROC lies in the prediction interval.
    """
    truth = float(areas(kind(np.random.default_rng(9), LARGE)).mean())
    stream = np.random.default_rng((number, n_real, n_generated))
    held = np.zeros((trials, 3))
    for trial in range(trials):
        found = on_generators(kind(stream, number), n_real, n_generated, stream)
        sample, usual, further = over_generators(found), auroc_interval(combined(found)), areas(kind(stream, AHEAD))
        inside = (sample.unseen.low <= further) & (further <= sample.unseen.high)
        held[trial] = usual.low <= truth <= usual.high, sample.kind.low <= truth <= sample.kind.high, inside.mean()
    usual_share, kind_share, unseen_share = held.mean(axis=0).tolist()
    return usual_share, kind_share, unseen_share


def true_rankings(sets: int, detectors: int, alike: float, stream: np.random.Generator) -> Floats:
    """Draws ``(S, K)`` true distances, correlated ``alike`` between sets; AUROCs lie around 0.8."""
    common, own = stream.normal(size=detectors), stream.normal(size=(sets, detectors))
    return np.asarray(distance(0.8) + 0.4 * (np.sqrt(alike) * common + np.sqrt(1 - alike) * own))


def on_sets(distances: Floats, images: int, stream: np.random.Generator) -> dict[str, list[InfluenceValues]]:
    """Draws the images of each set; detectors' scores of an image share half of their variance."""
    found, labels = {}, np.repeat([0, 1], images)
    for number, of_set in enumerate(distances):
        content = stream.normal(0, np.sqrt(0.5), 2 * images)
        groups = number * 2 * images + np.arange(2 * images)
        found[f"set {number}"] = [
            auroc_influence(
                [Contrast(labels, content + stream.normal(0, np.sqrt(0.5), 2 * images) + labels * d, groups)]
            )
            for d in of_set
        ]
    return found


def separated(detectors: list[InfluenceValues]) -> list[int]:
    """Returns the sign of each pair that a board separates, 0 of others."""
    tests = [paired_test(first, second) for first, second in combinations(detectors, 2)]
    adjusted = holm([test.p for test in tests])
    return [int(np.sign(test.difference)) * (p < SIGNIFICANT) for test, p in zip(tests, adjusted, strict=True)]


def agreement_coverage(sets: int, detectors: int, alike: float, images: int, trials: int) -> tuple[float, float, float]:
    """Returns how often the interval of rho or W holds that of the true AUROCs, and its mean length.

    The third number is how often the percentile interval alone would hold it.
    """
    stream, names = np.random.default_rng((sets, detectors, int(100 * alike), images)), np.arange(2 * images * sets)
    held = np.zeros((trials, 3))
    for trial in range(trials):
        true = true_rankings(sets, detectors, alike, stream)
        truth = float(spearman_rho(true[0], true[1]) if sets == 2 else kendall_w(true))
        found = on_sets(true, images, stream)
        drawn = np.stack(list(drawn_aurocs(found, names.astype(str), DRAWS).values()), axis=1)
        values = [[influence.value for influence in of_set] for of_set in found.values()]
        signs = ([separated(of_set) for of_set in found.values()], certain(sets))
        ends = [agreement(values, drawn, of_pairs).interval for of_pairs in signs]
        (low, high), (low_drawn, high_drawn) = (interval or (np.nan, np.nan) for interval in ends)
        held[trial] = (
            low - 1e-9 <= truth <= high + 1e-9,
            high - low,
            low_drawn - 1e-9 <= truth <= high_drawn + 1e-9,
        )
    share, length, drawn_share = held.mean(axis=0).tolist()
    return share, length, drawn_share


def certain(sets: int) -> list[list[int]]:
    """Makes signs of two pairs that rule out both full agreement and full opposition."""
    return [[1, 1 if number else -1] for number in range(sets)]


def worst_coverage(distances: Floats, images: int, trials: int) -> tuple[float, float]:
    """Returns how often the least true AUROC lies in its interval, and in that of the generator that looks worst."""
    stream, held = np.random.default_rng((len(distances), images)), np.zeros((trials, 2))
    truth = float(areas(distances).min())
    for trial in range(trials):
        found = on_generators(distances, images, images, stream)
        picked = auroc_interval(min(found, key=lambda influence: influence.value))
        ends = minimum_interval(found)
        held[trial] = ends.low <= truth <= ends.high, picked.low <= truth <= picked.high
    share, picked_share = held.mean(axis=0).tolist()
    return share, picked_share


def generator_tables(trials: int) -> Iterator[str]:
    """Generators whose distances are normal."""
    yield row("AUROC", "spread", "real / generated", "generators", "usual interval", "their kind", "one not seen")
    for area in AREAS:
        for spread in SPREADS:
            for n_real, n_generated in SIZES:
                for number in NUMBERS:
                    found = sample_coverage(normal_kind(area, spread), number, n_real, n_generated, trials)
                    yield row(area, spread, f"{n_real} / {n_generated}", number, *map(percent, found))


def mixture_tables(trials: int) -> Iterator[str]:
    """A kind of which most are found and a few are missed."""
    yield row("missed", "generators", "usual interval", "their kind", "one not seen")
    for share in (0.15, 0.3):
        for number in NUMBERS:
            yield row(f"{share:.0%}", number, *map(percent, sample_coverage(mixed_kind(share), number, 50, 50, trials)))


def agreement_tables(trials: int) -> Iterator[str]:
    """Spearman's rho and Kendall's W."""
    yield row("sets", "detectors", "images a class", "alike", "interval holds", "mean length", "percentile alone")
    for sets in (2, 3):
        for detectors in (4, 5, 10):
            for images in (50, 200):
                for alike in (0.0, 0.7, 1.0):
                    share, length, drawn = agreement_coverage(sets, detectors, alike, images, trials)
                    yield row(sets, detectors, images, alike, percent(share), f"{length:.2f}", percent(drawn))


def worst_tables(trials: int) -> Iterator[str]:
    """The least of several AUROCs."""
    yield row("AUROCs", "number", "images a class", "interval of the least", "interval of the picked one")
    for number in (3, 10):
        for name, distances in (
            ("all 0.7", np.full(number, distance(0.7))),
            ("0.6 to 0.9", np.array([distance(area) for area in np.linspace(0.6, 0.9, number)])),
        ):
            for images in (20, 50, 200):
                yield row(name, number, images, *map(percent, worst_coverage(distances, images, trials)))


TABLES: Tables = {
    "generators": generator_tables,
    "mixtures": mixture_tables,
    "agreement": agreement_tables,
    "worst": worst_tables,
}


if __name__ == "__main__":
    sys.exit(print_tables(TABLES, 1000, __doc__))
