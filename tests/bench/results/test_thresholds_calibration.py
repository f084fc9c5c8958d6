"""Calibration by hand, against scikit-learn, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from threshold_panels import panel_of

from bench.errors import BenchError
from bench.results.thresholds.calibration import brier, calibration, decompose, ece, equal_mass, equal_width
from bench.results.thresholds.halves import Halves

ONES = np.ones((1, 4))


def random_panel(n: int, stream: np.random.Generator, sharpen: float = 1.0):
    """Real and generated images whose probabilities are right where ``sharpen`` is 1: logits of N(-d/2, d)."""
    logits = [stream.normal(mean, 2.0, size=n) for mean in (-2.0, 2.0)]  # log likelihood ratio of N(2, 4), N(-2, 4)
    real, generated = (1 / (1 + np.exp(-sharpen * logit)) for logit in logits)
    return panel_of([real[: n // 2]], [real[n // 2 :]], {"a": [generated]})


def test_calibration_error_by_hand():
    labels, probabilities = np.array([0, 1, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9])
    assert ece(labels, probabilities, np.array([0, 0, 1, 1]), ONES) == pytest.approx([0.25])  # 0.3 and 0.2
    weights = np.array([[2, 0, 1, 1]])
    assert ece(labels, probabilities, np.array([0, 0, 1, 1]), weights) == pytest.approx([(0.2 + 0.4) / 4])


def test_bins_have_equal_width_or_equal_numbers_and_keep_ties_together():
    assert equal_width(np.array([0.0, 0.49, 0.5, 1.0]), 2).tolist() == [0, 0, 1, 1]
    assert equal_mass(np.array([0.9, 0.8, 0.7, 0.1]), 2).tolist() == [1, 1, 0, 0]
    assert len(set(equal_mass(np.full(7, 0.3), 3))) == 1


def test_the_brier_score_is_that_of_scikit_learn():
    stream = np.random.default_rng(0)
    labels, probabilities = stream.integers(0, 2, 200), stream.random(200)
    assert brier(labels, probabilities, np.ones((1, 200)))[0] == pytest.approx(
        brier_score_loss(labels, probabilities), abs=1e-12
    )


def test_the_parts_of_the_brier_score_add_up():
    stream = np.random.default_rng(1)
    labels, probabilities = stream.integers(0, 2, 200), stream.integers(0, 20, 200) / 20
    parts = decompose(labels, probabilities)
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    assert total == pytest.approx(brier(labels, probabilities, np.ones((1, 200)))[0])
    assert min(parts.miscalibration, parts.discrimination) >= 0


def test_probabilities_that_are_right_have_no_miscalibration():
    labels, probabilities = np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 1.0, 1.0])
    parts = decompose(labels, probabilities)
    assert (parts.miscalibration, parts.discrimination, parts.uncertainty) == (0.0, 0.0625, 0.1875)


def test_scores_that_are_no_probabilities_are_refused():
    panel = random_panel(40, np.random.default_rng(2))
    with pytest.raises(BenchError, match="Calibration needs scores that are probabilities"):
        calibration(Halves(panel), "x", "clean")
    with pytest.raises(BenchError, match="scores include"):
        calibration(Halves(replace(panel, scores=panel.scores + 1)), "x", "clean", probability=True)


def test_calibrated_probabilities_have_the_error_of_chance_and_overconfident_ones_a_larger():
    panels = (random_panel(400, np.random.default_rng(3), sharpen) for sharpen in (1.0, 3.0))
    right, sharp = (calibration(Halves(panel, 100), "x", "clean", probability=True)[0] for panel in panels)
    for measure in ("ece_width", "ece_mass"):
        assert right.numbers[measure].value < 2 * right.if_calibrated[measure]
        assert sharp.numbers[measure].interval.low > 2 * sharp.if_calibrated[measure]


def test_generators_are_averaged():
    reals = np.full(20, 0.25)
    panel = panel_of([reals[:10]], [reals[10:]], {"a": [np.full(20, 0.75)], "b": [np.full(20, 0.25)]})
    first, second, mean = calibration(Halves(panel, 50), "x", "clean", probability=True)
    assert (first.numbers["brier"].value, second.numbers["brier"].value) == (0.0625, 0.3125)
    assert (mean.generator, mean.numbers["brier"].value, mean.n_real, mean.n_generated) == ("mean", 0.1875, 20, 40)
    assert first.numbers["ece_width"].value == 0.25
    assert first.numbers["brier"].interval is None
    assert "every bootstrap draw" in first.numbers["brier"].reason


@pytest.mark.slow
@pytest.mark.parametrize("sharpen", [1.0, 1.5, 3.0])
def test_intervals_hold_the_truth_as_often_as_the_module_says(sharpen):
    """The truth is the same measure of a million images, or 0. Intervals of calibration errors are a little short."""
    stream = np.random.default_rng((4, int(10 * sharpen)))
    logits = np.concatenate([stream.normal(mean, 2.0, size=500_000) for mean in (-2.0, 2.0)])
    labels, probabilities = np.repeat([0, 1], 500_000), 1 / (1 + np.exp(-sharpen * logits))
    one = np.ones((1, len(labels)))
    error = ece(labels, probabilities, equal_width(probabilities), one)[0] if sharpen != 1 else 0.0
    truth = {"ece_width": error, "brier": brier(labels, probabilities, one)[0]}
    inside, runs = dict.fromkeys(truth, 0), 300
    for _ in range(runs):
        (point,) = calibration(Halves(random_panel(300, stream, sharpen), 500), "x", "clean", probability=True)
        for measure in truth:
            low, high = point.numbers[measure].interval
            inside[measure] += low <= truth[measure] <= high
    assert abs(inside["brier"] / runs - 0.95) < 3 * np.sqrt(0.95 * 0.05 / runs)
    assert inside["ece_width"] / runs > 0.84 - 3 * np.sqrt(0.84 * 0.16 / runs)
