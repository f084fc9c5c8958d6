"""The numbers of a table from rows that can be worked out by hand."""

import numpy as np
import polars as pl
import pytest

from bench.results.summary import Summary, summarise
from bench.statistics.metrics import METRICS
from bench.store.contrasts import rules_of
from bench.store.panel import Panel
from bench.store.schema import Scoring


def rows_of(scores: dict[tuple[str, int], list[list[float | None]]]) -> pl.DataFrame:
    """Makes rows of ``{(generator, label): scores of each seed}``; None is an unreadable image."""
    rows = [
        {
            "path": f"{generator}/{number}",
            "group": f"{generator}/{number}",
            "sha256": f"{generator}/{number}",
            "label": label,
            "generator": generator,
            "scoring": seed,
            "score": score,
            "status": "unreadable" if score is None else "ok",
        }
        for (generator, label), seeds in scores.items()
        for seed, values in enumerate(seeds)
        for number, score in enumerate(values)
    ]
    return pl.DataFrame(rows, schema_overrides={"score": pl.Float64})


def summary_of(rows: pl.DataFrame, seeds: int, contrasts: dict[str, list[str]]) -> Summary:
    scorings = [Scoring("x", "f", seed) for seed in range(seeds)]
    return summarise(Panel.of(rows, scorings, {"clean": rules_of(contrasts)}))


def test_numbers_by_hand():
    rows = rows_of({("camera", 0): [[0.0, 2.0]], ("a", 1): [[1.0, 3.0]], ("b", 1): [[5.0, 6.0, None]]})
    first, second, mean = summary_of(rows, 1, {"a": ["camera"], "b": ["camera"]}).rows
    assert first.numbers["auroc"].value == 0.75
    assert second.numbers["auroc"].value == 1.0
    assert mean.numbers["auroc"].value == 0.875
    assert (second.n_generated, second.n_unreadable) == (2, 1)
    assert (mean.n_real, mean.n_generated, mean.n_unreadable) == (2, 4, 1)
    assert first.numbers["auroc"].interval is None
    assert "fewer than 10" in first.numbers["auroc"].reason


def test_the_mean_over_seeds_is_of_the_aurocs_not_of_the_scores():
    rows = rows_of({("camera", 0): [[0.0, 0.0], [2.0, 2.0]], ("a", 1): [[1.0, 1.0], [0.0, 0.0]]})
    (row,) = summary_of(rows, 2, {"a": ["camera"]}).rows
    assert row.numbers["auroc"].value == 0.5  # of 1 and 0; averaged scores would give AUROC 0
    assert row.numbers["auroc"].seeds_sd == pytest.approx(np.sqrt(0.5))


def test_each_generator_faces_its_own_reals():
    rows = rows_of({("x", 0): [[0.0]], ("y", 0): [[9.0]], ("a", 1): [[5.0]], ("b", 1): [[5.0]]})
    first, second, _ = summary_of(rows, 1, {"a": ["x"], "b": ["y"]}).rows
    assert (first.numbers["auroc"].value, second.numbers["auroc"].value) == (1.0, 0.0)


def test_the_interval_of_the_mean_is_not_that_of_independent_generators():
    """The same reals face both generators: here the generators' images score alike, so nothing averages out."""
    generator = np.random.default_rng(0)
    real, generated = generator.normal(size=40).tolist(), generator.normal(1, size=40).tolist()
    rows = rows_of({("camera", 0): [real], ("a", 1): [generated], ("b", 1): [generated]})
    rows = rows.with_columns(pl.col("group").str.replace("^b/", "a/"))  # images of the same prompts
    first, second, mean = summary_of(rows, 1, {"a": ["camera"], "b": ["camera"]}).rows
    assert first.numbers["auroc"].interval == second.numbers["auroc"].interval == mean.numbers["auroc"].interval
    assert first.numbers["auroc"].interval.low < first.numbers["auroc"].value < first.numbers["auroc"].interval.high


def test_every_metric_is_there():
    rows = rows_of({("camera", 0): [[0.0, 2.0]], ("a", 1): [[1.0, 3.0]]})
    (row,) = summary_of(rows, 1, {"a": ["camera"]}).rows
    assert row.numbers.keys() == METRICS.keys()
