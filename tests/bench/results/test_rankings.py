"""Detectors of one table that do not have the same images."""

import numpy as np
import pytest
from made_fits import fit_options, options, shared_prompts
from robustness_panels import panel_of

from bench.results.comparing import compare
from bench.results.leaderboard import read_comparisons
from bench.results.rankings import rankings_of
from bench.results.summary import summarise
from bench.statistics.influence import Contrast, auroc_influence
from bench.statistics.intervals import paired_test
from bench.training.fit import fit_detector


def numbers_of(comparison, label):
    """Returns every number that both commands show."""
    cells = comparison.summary.cells[label, "clean"]
    return {
        (name, metric): (row.counts, number.value, number.interval, number.reason)
        for name, row in cells.items()
        for metric, number in row.numbers.items()
        if metric in ("auroc", "ap_generated", "ap_real")
    }


@pytest.mark.usefixtures("small_views")
@pytest.mark.heavy
def test_an_ensemble_a_probe_and_a_trained_detector_change_nobody_elses_row(tmp_path):
    root, file = shared_prompts(tmp_path), tmp_path / "probe.safetensors"
    fit_detector(fit_options(file), options(root, tmp_path / "fit"))
    trained = f"linear-probe:checkpoint={file}"
    asked = [trained, "rigid", "wepe", "rigid+wepe", "wepe:blocks=probe:3"]
    alone = {text: compare([text], options(root, tmp_path / "r")) for text in asked}
    together = compare(asked, options(root, tmp_path / "r"))
    assert together.scored == 0
    (board,) = read_comparisons(tmp_path / "r")
    for text, comparison in alone.items():
        (label,) = comparison.labels
        assert numbers_of(together, label) == numbers_of(comparison, label) == numbers_of(board, label), text
    assert board.rankings["clean"] == together.rankings["clean"]
    assert {pair.images for pair in board.rankings["clean"].pairs} > {None}


def panel(lacking):
    """Makes two detectors of 30 images a class; the second lacks some."""
    drawn = np.random.default_rng(3)
    labels = [0] * 30 + [1] * 30
    scores = {("x", "clean"): drawn.normal(size=(1, 60)) + labels, ("y", "clean"): drawn.normal(size=(1, 60)) + labels}
    whole = panel_of(scores, labels, [f"g{number:02d}" for number in range(60)])
    return whole.leaving_out({"y": [f"g{number:02d}" for number in lacking]})


def test_a_pair_is_tested_on_the_images_that_both_have():
    lacking = panel(range(5, 15))
    summary = summarise(lacking, ["auroc"])
    (pair,) = rankings_of(summary, lacking)["clean"].pairs
    both = np.isfinite(lacking.scores[1])
    contrasts = [Contrast(lacking.labels[both], scores[both], np.flatnonzero(both)) for scores in lacking.scores]
    x, y = (auroc_influence([contrast]) for contrast in contrasts)
    assert pair.images == 50
    assert pair.test == (paired_test(x, y) if pair.first == "x" else paired_test(y, x))
    assert summary.rows[0].n_real == 30  # its own numbers stay on all of them


def test_a_pair_with_the_same_images_says_nothing_of_them():
    whole = panel([])
    (pair,) = rankings_of(summarise(whole, ["auroc"]), whole)["clean"].pairs
    assert pair.images is None


def test_too_few_images_in_common_separate_nothing():
    lacking = panel(range(10)).leaving_out({"x": [f"g{number:02d}" for number in range(10, 25)]})
    (pair,) = rankings_of(summarise(lacking, ["auroc"]), lacking)["clean"].pairs
    assert (pair.images, pair.separated) == (35, False)
    assert np.isnan(pair.test.p)
