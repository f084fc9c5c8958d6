"""How often intervals hold the truth, by simulation: the figures of docs/statistics.md.

    python benchmarks/coverage.py --trials 1000

Scores are normal, each image is a group of its own, and the truth is known. A share of 1,000 trials has a standard
error of 0.7 points at 95 %.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from cue_verdicts import NEVER_ABOVE, NEVER_BELOW, POWER, SIZES, share_above, share_above_first, share_below
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm, t
from tables import Tables, percent, print_tables, row

from bench.references.comparability import Ours
from bench.references.reported import MEAN, find_reported
from bench.references.verdicts import DIFFERS, MATCHES, TOO_WIDE, judge
from bench.results.cues.audit import audit
from bench.results.estimates import estimate
from bench.results.thresholds.rules import best_thresholds, threshold_at_fpr
from bench.statistics.bootstrap import GroupBootstrap, Interval, interval
from bench.statistics.influence import Contrast, auroc_influence
from bench.statistics.intervals import auroc_interval
from bench.statistics.metrics import auroc, average_precision, tpr_at_fpr
from bench.statistics.number import Number
from bench.statistics.standard_errors import over_images_and_seeds
from bench.store.contrasts import rules_of
from bench.store.panel import Part

Floats = NDArray[np.float64]
DRAWS = 500
LARGE = 1_000_000
"""Images of each class from which a truth is computed that has no formula."""


def separation(area: float) -> float:
    """Returns the distance of two normal distributions of unit variance with this AUROC."""
    return float(norm.ppf(area) * np.sqrt(2))


def scores_of(stream: np.random.Generator, n: int, shift: float) -> tuple[NDArray[np.int64], Floats]:
    """Draws ``n`` images of each class."""
    return np.repeat([0, 1], n), np.concatenate([stream.normal(size=n), stream.normal(shift, size=n)])


def weights_of(labels: NDArray[np.int64], seed: int) -> NDArray[np.int16]:
    """Draws images with replacement, within each class."""
    names = [f"{i:05d}" for i in range(len(labels))]
    return GroupBootstrap(names, labels.tolist(), draws=DRAWS, seed=seed).weights(range(len(labels)))


def share(intervals: Iterator[Interval | None], truth: float) -> float:
    """Returns the share of intervals that hold the truth."""
    return float(np.mean([ends is not None and ends[0] <= truth <= ends[1] for ends in intervals]))


def percentile(metric: Callable[..., object], n: int, shift: float, trials: int) -> Iterator[Interval]:
    """Makes the percentile interval of a metric in each of some data sets."""
    for trial in range(trials):
        labels, scores = scores_of(np.random.default_rng((n, trial)), n, shift)
        yield interval(metric(labels, scores, weights=weights_of(labels, trial)))  # type: ignore[arg-type]


def placement(n: int, shift: float, trials: int) -> Iterator[Interval | None]:
    """Makes the suite's own interval of an AUROC in each of some data sets."""
    for trial in range(trials):
        labels, scores = scores_of(np.random.default_rng((n, trial)), n, shift)
        influence = auroc_influence([Contrast(labels, scores, np.array([f"{i:05d}" for i in range(2 * n)]))])
        yield auroc_interval(influence)


def area_tables(trials: int) -> Iterator[str]:
    """Percentile intervals of AUROC and AP, and the suite's of AUROC."""
    yield row("AUROC", "images a class", "percentile", "suite", "percentile, AP (generated)")
    for area, n in ((0.9, 10), (0.9, 20), (0.9, 48), (0.99, 48), (0.99, 500)):
        shift = separation(area)
        labels, scores = scores_of(np.random.default_rng(0), LARGE // 2, shift)
        ap = float(np.asarray(average_precision(labels, scores, "generated")))
        shares = (
            share(percentile(auroc, n, shift, trials), area),
            share(placement(n, shift, trials), area),
            share(percentile(partial(average_precision, positive="generated"), n, shift, trials), ap),
        )
        yield row(area, n, *map(percent, shares))


def rate_tables(trials: int) -> Iterator[str]:
    """Percentile intervals of the TPR at 5 % FPR, by the number of real images expected above the threshold."""
    yield row("expected above the threshold", *(f"AUROC {area:g}" for area in (0.6, 0.9, 0.99)))
    for beyond in (1, 2, 3, 4, 5, 10, 25):
        shares = []
        for area in (0.6, 0.9, 0.99):
            shift = separation(area)
            truth = float(norm.sf(norm.isf(0.05) - shift))
            shares.append(share(percentile(tpr_at_fpr, 20 * beyond, shift, trials), truth))
        yield row(beyond, *map(percent, shares))


def low_tables(trials: int) -> Iterator[str]:
    """The suite's intervals of the partial AUROC up to 5 % FPR and of the EER; ``~`` where they are approximate."""
    for metric, sizes in (("partial_auroc_5_fpr", (100, 200, 500)), ("eer", (20, 48, 200))):
        yield row(f"images a class, {metric}", *(f"AUROC {area:g}" for area in (0.6, 0.9, 0.99)))
        for n in sizes:
            cells = []
            for area in (0.6, 0.9, 0.99):
                shift = separation(area)
                to_5 = quad(lambda fpr, shift=shift: norm.sf(norm.isf(fpr) - shift), 0, 0.05)[0]
                truths = {"partial_auroc_5_fpr": (1 + (to_5 - 0.00125) / 0.04875) / 2, "eer": norm.sf(shift / 2)}
                numbers = []
                for trial in range(trials):
                    labels, scores = scores_of(np.random.default_rng((n, trial)), n, shift)
                    part = Part(np.arange(2 * n), labels, np.arange(2 * n, dtype=np.int32), scores[None], 0)
                    numbers.append(estimate(part, [metric], None, weights_of(labels, trial))[metric].number(metric))
                about = "~" if np.mean([number.doubt is not None for number in numbers]) > 0.5 else ""
                held = share((number.interval for number in numbers), float(truths[metric]))
                cells.append(f"{about}{percent(held)}")
            yield row(n, *cells)
        yield ""


def seed_tables(trials: int) -> Iterator[str]:
    """Intervals over images and seeds, for normal errors, by the seeds' share of the squared error."""
    yield row("seeds", *(f"{part:.0%} of the error" for part in (0.1, 0.5, 0.9, 1.0)))
    for seeds in (2, 3, 5):
        shares = []
        for part in (0.1, 0.5, 0.9, 1.0):
            stream, inside = np.random.default_rng((seeds, int(100 * part))), 0
            for _ in range(20 * trials):
                images = stream.normal() * np.sqrt(1 - part)
                values = images + stream.normal(size=seeds) * np.sqrt(part * seeds)
                error = over_images_and_seeds(1 - part, float("inf"), [values.tolist()])
                inside += abs(values.mean()) <= t.ppf(0.975, error.df) * error.se
            shares.append(inside / (20 * trials))
        yield row(seeds, *map(percent, shares))


def threshold_tables(trials: int) -> Iterator[str]:
    """Intervals of what thresholds give: the oracle's balanced accuracy, and the TPR of a held-out threshold."""
    shift = separation(0.9)
    truth = float(norm.cdf(shift / 2))
    yield row("images a class", "balanced accuracy of `best`")
    for n in (48, 200, 500):
        inside = 0
        for trial in range(trials):
            labels, scores = scores_of(np.random.default_rng((n, trial)), n, shift)
            weights = weights_of(labels, trial)
            cut = best_thresholds(labels, scores, weights)
            above = scores[None] > cut[:, None]
            real, made = (labels == 0), (labels == 1)
            sides = [
                (weights[:, side] * right[:, side]).sum(axis=1) / weights[:, side].sum(axis=1)
                for side, right in ((real, ~above), (made, above))
            ]
            ends = interval((sides[0] + sides[1]) / 2)
            inside += ends.low <= truth <= ends.high
        yield row(n, percent(inside / trials))
    yield ""
    yield row("held-out images expected above the threshold", "TPR of `fpr:5`")
    exact = float(norm.sf(norm.isf(0.05) - separation(0.9)))
    for beyond in (1, 2, 3, 5, 12):
        inside = 0
        for trial in range(trials):
            stream = np.random.default_rng((beyond, trial))
            held, made = stream.normal(size=20 * beyond), stream.normal(separation(0.9), size=200)
            cut = threshold_at_fpr(held, 0.05, weights_of(np.zeros(len(held), np.int64), trial))
            drawn = weights_of(np.ones(len(made), np.int64), trial + 1)
            ends = interval((drawn * (made[None] > cut[:, None])).sum(axis=1) / drawn.sum(axis=1))
            inside += ends.low <= exact <= ends.high
        yield row(beyond, percent(inside / trials))


def cue_tables(trials: int) -> Iterator[str]:
    """Shares of *above* and *below* a cue, and intervals of the cross-fitted AUROC of a cue that says nothing."""
    heads = [f"{n} images a class" for n in SIZES]
    yield row("*above*, the detector", *heads)
    for name, situation in NEVER_ABOVE.items():
        yield row(name, *(percent(share_above(situation, n, trials)) for n in SIZES))
    yield ""
    yield row("*above* (above the good cue alone), the detector", *heads)
    for name, situation in POWER.items():
        pairs = [(share_above(situation, n, trials, True), share_above_first(situation, n, trials)) for n in SIZES]
        yield row(name, *(f"{percent(found)} ({percent(most)})" for found, most in pairs))
    yield ""
    yield row("*below*, the detector", *heads)
    for name, situation in NEVER_BELOW.items():
        yield row(name, *(percent(share_below(situation, n, trials)) for n in SIZES))
    yield ""
    yield row("images a class", "interval of a meaningless cue holds 0.5")
    for n in (24, 100):
        (rule,) = rules_of({"made": ["camera"]})
        results = []
        for trial in range(trials):
            stream = np.random.default_rng((n, trial))
            paths = [f"{side}/{i:03d}" for side in ("camera", "made") for i in range(n)]
            cues = pl.DataFrame(
                {
                    "path": paths,
                    "group": paths,
                    "label": np.repeat([0, 1], n).astype(np.int8),
                    "generator": ["camera"] * n + ["made"] * n,
                    "key": np.arange(2 * n),
                    "brightness": stream.normal(size=2 * n),
                }
            )
            results.append(next(cue for cue in audit(cues, rule).cues if cue.name == "brightness").interval)
        yield row(n, percent(share(iter(results), 0.5)))


def verdict_tables(trials: int) -> Iterator[str]:
    """Verdicts on papers whose number is truly ours or apart: 2,048 images of each class and 5 seeds on both sides."""
    paper = find_reported("wepe", "imagenet", MEAN, "auroc")[0]
    facts = Ours(
        metric="auroc",
        dataset=str(paper.dataset),
        detector=paper.method,
        options={**paper.readings, **paper.options},
        view=str(paper.view),
        backbone=paper.backbone,
        protocol=paper.data_protocol,
        generators=paper.generators,
    )
    said = {"n_real": 2048, "n_generated": 2048, "seeds": 5}
    cases: dict[str, dict[str, Any]] = {
        "all said": {},
        "seeds not said": {"seeds": None},
        "images not said, 500 in truth": {"n_real": None, "n_generated": None},
    }
    yield row("paper", "spread over seeds", "true difference", "differs", "too wide to tell", "matches", "detectable")
    for (name, unsaid), scatter, difference in product(cases.items(), (0.002, 0.01), (0.0, 0.01, 0.02, 0.05)):
        stream, images, found = np.random.default_rng(0), 0.005, []
        papers_images = images * 2048**0.5 / 500**0.5 if "500" in name else images
        for _ in range(trials):
            values = 0.85 + stream.normal(0, images) + stream.normal(0, scatter, 5)
            theirs = 0.85 + difference + stream.normal(0, papers_images) + stream.normal(0, scatter, 5).mean()
            error = over_images_and_seeds(images**2, 4000, [values.tolist()])
            ours = Number(float(values.mean()), error=error, seeds=tuple(values.tolist()), n_groups=(2048, 2048))
            found.append(judge(ours, replace(paper, value=float(theirs), **{**said, **unsaid}), facts))
        shares = [percent(np.mean([one.kind == kind for one in found])) for kind in (DIFFERS, TOO_WIDE, MATCHES)]
        yield row(name, scatter, difference, *shares, f"{np.median([one.detectable for one in found]):.3f}")


TABLES: Tables = {
    "areas": area_tables,
    "rates": rate_tables,
    "low": low_tables,
    "seeds": seed_tables,
    "thresholds": threshold_tables,
    "cues": cue_tables,
    "verdicts": verdict_tables,
}


if __name__ == "__main__":
    sys.exit(print_tables(TABLES, 1000, __doc__))
