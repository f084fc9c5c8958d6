"""How often intervals hold the truth where classes are of unequal size, scores are few or images come in groups.

    python benchmarks/unbalanced.py --trials 2000

Scores are normal, or five levels of normal ones, and the truth is known. A share of 2,000 trials has a standard error
of 0.5 points at 95 %. The tables are those of docs/statistics.md.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from tables import Tables, percent, print_tables, row

from bench.results.estimates import estimate
from bench.statistics.influence import Contrast, InfluenceValues, Placed, combined, mean_over_seeds
from bench.statistics.intervals import auroc_interval, paired_test, smallest_difference
from bench.statistics.metrics import Positive
from bench.statistics.number import Number
from bench.store.panel import Part

Floats = NDArray[np.float64]
AREAS = (0.5, 0.7, 0.9, 0.99)
METRICS = ("auroc", "ap_generated", "ap_real", "ap_generated_balanced", "ap_real_balanced")
LARGE = 400_000
CELLS = [(10, 2000), (2000, 10), (12, 1000), (30, 3000), (20, 200), (50, 50), (200, 200), (100, 1000), (200, 2000)]


@dataclass(frozen=True)
class Design:
    """``n_real`` and ``n_generated`` images of a true AUROC; ``levels`` cuts scores into five."""

    n_real: int
    n_generated: int
    area: float
    levels: bool = False

    @property
    def shift(self) -> float:
        """The distance of two normal distributions of unit variance with this AUROC."""
        return float(norm.ppf(self.area) * np.sqrt(2))

    def labels(self) -> NDArray[np.int64]:
        """Reals first."""
        return np.repeat([0, 1], [self.n_real, self.n_generated])

    def scores(self, stream: np.random.Generator) -> Floats:
        """Draws one data set."""
        scores = stream.normal(size=self.n_real + self.n_generated) + self.shift * self.labels()
        return (
            np.digitize(scores, self.shift / 2 + np.array([-0.8, -0.3, 0.3, 0.8])).astype(float)
            if self.levels
            else scores
        )

    def truths(self) -> dict[str, float]:
        """Computes every metric on a large data set with this ratio of classes; the AUROC of normal scores is known."""
        times = LARGE // (self.n_real + self.n_generated)
        large = Design(times * self.n_real, times * self.n_generated, self.area, self.levels)
        scores = large.scores(np.random.default_rng(9))
        placed = Placed(Contrast(large.labels(), scores, np.arange(len(scores))))
        truths = {"auroc": placed.auroc().value if self.levels else self.area}
        for name in METRICS[1:]:
            positive: Positive = "real" if name.startswith("ap_real") else "generated"
            truths[name] = placed.average_precision(positive, name.endswith("balanced")).value
        return truths

    def numbers(self, trials: int) -> Iterator[dict[str, Number]]:
        """Yields the suite's numbers of one data set after another, each image its own group."""
        labels, rows = self.labels(), np.arange(self.n_real + self.n_generated)
        stream = np.random.default_rng((self.n_real, self.n_generated, int(1000 * self.area), self.levels))
        for _ in range(trials):
            part = Part(rows, labels, rows.astype(np.int32), self.scores(stream)[None], 0)
            yield {name: one.number(name) for name, one in estimate(part, METRICS, None, None).items()}


def contrasts(design: Design, trials: int) -> Iterator[Contrast]:
    """Yields one data set after another, each image its own group."""
    stream, rows = np.random.default_rng((design.n_real, design.n_generated, 1)), np.arange(len(design.labels()))
    return (Contrast(design.labels(), design.scores(stream), rows) for _ in range(trials))


def coverage(design: Design, trials: int) -> dict[str, tuple[float, bool]]:
    """Returns for each metric how often its interval, where there is one, holds, and whether it is approximate."""
    truths, doubted = design.truths(), set()
    held: dict[str, list[bool]] = {name: [] for name in METRICS}
    for numbers in design.numbers(trials):
        for name, number in numbers.items():
            if number.interval is not None:
                held[name].append(number.interval.low <= truths[name] <= number.interval.high)
                doubted |= {name} if number.doubt else set()
    return {name: (float(np.mean(inside)), name in doubted) for name, inside in held.items()}


def grouped_coverage(n_groups: int, spanning: float, area: float, trials: int) -> float:
    """Returns how often the interval of an AUROC holds the truth with groups of 1 to 8 images in each class.

    Images of a group share 0.7 of their variance. A part of the groups, ``spanning``, holds both classes.
    """
    stream, both = np.random.default_rng((n_groups, int(10 * spanning), int(1000 * area))), int(spanning * n_groups)
    kinds = np.array([(group, label) for group in range(both) for label in (0, 1)] or np.empty((0, 2)), dtype=np.int64)
    alone = [(both + i * 2 + label, label) for i in range(n_groups - both) for label in (0, 1)]
    kinds, inside = np.concatenate([kinds, np.array(alone or np.empty((0, 2)), dtype=np.int64)]), 0
    for _ in range(trials):
        members = np.repeat(kinds, stream.integers(1, 9, len(kinds)), axis=0)
        common = stream.normal(0, np.sqrt(0.7), 2 * n_groups)[members[:, 0]]
        scores = common + stream.normal(0, np.sqrt(0.3), len(members)) + norm.ppf(area) * np.sqrt(2) * members[:, 1]
        low, high = auroc_interval(Placed(Contrast(members[:, 1], scores, members[:, 0])).auroc())
        inside += low <= area <= high
    return inside / trials


def mean_coverage(n_real: int, n_generated: int, of: int, trials: int) -> float:
    """Returns how often the interval of a mean over generators, of AUROC 0.6 to 0.99, holds it; reals are shared."""
    areas, inside = np.linspace(0.6, 0.99, of), 0
    stream = np.random.default_rng((n_real, n_generated, of))
    labels = np.repeat([0, 1], [n_real, n_generated])
    for _ in range(trials):
        reals, aurocs = stream.normal(size=n_real), []
        for number, area in enumerate(areas):
            scores = np.concatenate([reals, stream.normal(norm.ppf(area) * np.sqrt(2), 1, n_generated)])
            groups = np.concatenate([np.arange(n_real), n_real + number * n_generated + np.arange(n_generated)])
            aurocs.append(Placed(Contrast(labels, scores, groups)).auroc())
        low, high = auroc_interval(combined(aurocs))
        inside += low <= areas.mean() <= high
    return inside / trials


def two_detectors(
    design: Design, other: float, stream: np.random.Generator, seeds: int = 1, scatter: float = 0.0
) -> tuple[InfluenceValues, InfluenceValues]:
    """Draws two detectors, one with another AUROC than the design's, whose scores on an image share 2/3 of their noise.

    A seed moves all generated images of a detector by a shift with standard deviation ``scatter``.
    """
    labels = design.labels()
    content, codes = stream.normal(size=len(labels)), np.arange(len(labels))
    found = []
    for area in (design.area, other):
        distance = norm.ppf(area) * np.sqrt(2 * 1.5 + scatter**2)
        own = content + stream.normal(0, np.sqrt(0.5), len(labels))
        moved = [own + labels * (distance + scatter * stream.normal()) for _ in range(seeds)]
        found.append(mean_over_seeds([Placed(Contrast(labels, scores, codes)).auroc() for scores in moved]))
    return found[0], found[1]


def type_one(design: Design, trials: int) -> float:
    """Returns how often two equal detectors differ at 5 %."""
    stream = np.random.default_rng((design.n_real, design.n_generated, int(1000 * design.area)))
    return float(np.mean([paired_test(*two_detectors(design, design.area, stream)).p < 0.05 for _ in range(trials)]))


def power(design: Design, tests: int, trials: int, seeds: int = 1, scatter: float = 0.0) -> float:
    """Returns how often Holm's first step finds the smallest difference that the suite names, over ``tests`` pairs.

    The difference is the mean of those named in data sets that have it, found by three steps from none.
    """
    stream, named = np.random.default_rng((design.n_real, design.n_generated, tests, seeds)), 0.0
    for _ in range(3):
        better, worse = replace(design, area=design.area + named / 2), design.area - named / 2
        pairs = (two_detectors(better, worse, stream, seeds, scatter) for _ in range(trials // 4))
        named = float(np.mean([smallest_difference(paired_test(*pair), tests) for pair in pairs]))
    better, worse = replace(design, area=design.area + named / 2), design.area - named / 2
    found = 0
    for _ in range(trials):
        test = paired_test(*two_detectors(better, worse, stream, seeds, scatter))
        found += tests * test.p < 0.05 and test.difference > 0
    return found / trials


def class_tables(trials: int) -> Iterator[str]:
    """Intervals of the AUROC and of average precisions, by the numbers of images of both classes."""
    yield row("real / generated", "scores", "true AUROC", *METRICS)
    for n_real, n_generated, levels in [*((*sizes, False) for sizes in CELLS), (20, 200, True), (200, 200, True)]:
        for area in AREAS:
            found = coverage(Design(n_real, n_generated, area, levels), trials)
            cells = [f"{'~' if doubt else ''}{percent(part)}" for part, doubt in found.values()]
            yield row(f"{n_real} / {n_generated}", "five levels" if levels else "normal", area, *cells)


def group_tables(trials: int) -> Iterator[str]:
    """Intervals of the AUROC with 50 groups of a class, and of a mean over nine generators."""
    yield row("groups that hold both classes", *(f"AUROC {area:g}" for area in (0.5, 0.7, 0.9)))
    for spanning in (0.0, 0.5, 1.0):
        yield row(
            f"{spanning:.0%}", *(percent(grouped_coverage(50, spanning, area, trials)) for area in (0.5, 0.7, 0.9))
        )
    yield ""
    yield row("shared reals / generated of each of nine", "mean AUROC")
    for sizes in ((12, 200), (12, 1000), (50, 50), (200, 200)):
        yield row(f"{sizes[0]} / {sizes[1]}", percent(mean_coverage(*sizes, 9, trials)))


def test_tables(trials: int) -> Iterator[str]:
    """Paired tests of equal detectors, and the power at the smallest difference that tables name."""
    yield row("real / generated", *(f"AUROC {area:g}" for area in AREAS))
    for sizes in ((10, 2000), (20, 2000), (50, 50), (200, 200)):
        yield row(f"{sizes[0]} / {sizes[1]}", *(percent(type_one(Design(*sizes, area), trials)) for area in AREAS))
    yield ""
    yield row("real / generated", "seeds", "1 pair", "10 pairs")
    for n_real, n_generated, seeds, scatter in POWER_CELLS:
        design = Design(n_real, n_generated, 0.8)
        found = (power(design, tests, trials, seeds, scatter) for tests in (1, 10))
        yield row(f"{n_real} / {n_generated}", seeds, *map(percent, found))


POWER_CELLS = ((50, 50, 1, 0.0), (200, 200, 1, 0.0), (20, 2000, 1, 0.0), (200, 200, 5, 0.1))
TABLES: Tables = {
    "classes": class_tables,
    "groups": group_tables,
    "tests": test_tables,
}


if __name__ == "__main__":
    sys.exit(print_tables(TABLES, 2000, __doc__))
