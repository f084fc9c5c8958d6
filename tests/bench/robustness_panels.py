"""Panels of given scores under several conditions, for the tests of robustness."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from bench.results.comparison import Comparison
from bench.results.concerns import DetectorConcern
from bench.results.robustness import Robustness
from bench.results.summary import Summary, summarise
from bench.store.contrasts import rules_of
from bench.store.findings import ChangedImages
from bench.store.panel import Panel
from bench.store.schema import Scoring

# Two real and two generated images: AUROC 1, 3/4 and 1/2.
IN_ORDER, ONE_SWAP, HALF = [0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0]
Scores = Mapping[tuple[str, str], Sequence[Sequence[float]]]


def panel_of(scores: Scores, labels: Sequence[int], groups: Sequence[str] | None = None) -> Panel:
    """Makes a panel of ``{(detector, condition): scores of each seed}``; a nan is a score that is not there."""
    paths = [f"{number:05d}" for number in range(len(labels))]
    sources = ["a" if label else "camera" for label in labels]
    images = pl.DataFrame({"path": paths, "group": groups or paths, "label": labels, "generator": sources})
    scorings = [
        Scoring(name, "f", seed, condition) for (name, condition), seeds in scores.items() for seed in range(len(seeds))
    ]
    table = np.array([values for seeds in scores.values() for values in seeds])
    rules = dict.fromkeys([condition for _, condition in scores], rules_of({"a": ["camera"]}))
    return Panel(images, tuple(scorings), table, np.isfinite(table), rules)


def small(scores: Mapping[tuple[str, str], Sequence[float]]) -> Summary:
    """Two real and two generated images."""
    return summarise(panel_of({cell: [values] for cell, values in scores.items()}, [0, 0, 1, 1]))


def large(
    detectors: Sequence[str] = ("x", "y", "z"),
    conditions: Sequence[str] = ("clean", "blur:1", "blur:2", "blur:4"),
    seeds: int = 1,
) -> Panel:
    """90 groups of one to three images, some of both classes; the more degraded, the less is left to see."""
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(90), random.integers(1, 4, size=90))
    labels = np.where(groups < 40, 0, np.where(groups < 80, 1, random.integers(0, 2, size=len(groups))))
    shared = random.normal(size=90)[groups] + random.normal(size=len(groups))
    scores = {
        (name, condition): [
            shared + labels * (2 - 0.4 * step - 0.2 * position) + random.normal(size=len(groups)) for _ in range(seeds)
        ]
        for position, name in enumerate(detectors)
        for step, condition in enumerate(conditions)
    }
    return panel_of(scores, labels.tolist(), [f"g{group:03d}" for group in groups])


def report_of(summary: Summary, panel: Panel | None = None) -> Robustness:
    """Takes numbers as those of a comparison, with a note and a warning."""
    findings = [ChangedImages(3), DetectorConcern("x", 0, "clean", "a warning")]
    of_panel = panel or panel_of({}, [])
    return Robustness(Comparison("t", of_panel, summary, views={"x": "v"}, findings=findings))
