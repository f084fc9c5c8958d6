"""Thresholds from a few of the held-out real images."""

import hashlib

import numpy as np
import pytest
from scipy.stats import beta, norm
from threshold_panels import names, panel_of

from bench.errors import BenchError
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import operating_points
from bench.results.thresholds.rules import calibration_groups, expected_fpr, fpr_range, parse_rule, threshold_at_fpr
from bench.results.thresholds.study import study_thresholds


def few(panel, rule, number, draws=400):
    """Measures detector ``x`` with a threshold from so many groups."""
    return operating_points(Halves(panel, draws), "x", "clean", parse_rule(rule).calibrated_with(number))


def normal_panel(held, measured=400, seed=0):
    stream = np.random.default_rng(seed)
    return panel_of([stream.normal(size=held)], [stream.normal(size=measured)], {"a": [stream.normal(1.5, size=400)]})


def test_the_groups_are_the_first_by_the_hash_of_their_names_whatever_their_order():
    groups = names(40, held=True)
    expected = sorted(groups, key=lambda group: hashlib.sha256(f"calibration reals\0{group}".encode()).hexdigest())
    assert calibration_groups(groups, 15) == set(expected[:15])
    assert calibration_groups([*reversed(groups), *groups], 15) == set(expected[:15])


def test_the_threshold_is_that_of_these_images_alone():
    held = names(60, held=True)
    panel = panel_of([range(60)], [range(60)], {"a": [range(100, 160)]})
    scores = np.array([held.index(group) for group in calibration_groups(held, 20)], dtype=float)
    (point,) = few(panel, "fpr:5", 20)
    assert point.threshold.value == threshold_at_fpr(scores, 0.05)[0]
    assert (point.rule, point.n_held_out, point.calibrated_with) == ("fpr:5 from 20", 20, 20)
    assert point.expected_fpr == expected_fpr(20, 0.05) == 2 / 21
    assert point.expected_range == fpr_range(20, 0.05)


def test_from_all_held_out_groups_it_is_the_plain_rule_but_for_the_interval_of_the_fpr():
    panel = normal_panel(120)
    (point,) = few(panel, "fpr:5", 120)
    (plain,) = operating_points(Halves(panel, 400), "x", "clean", parse_rule("fpr:5"))
    assert (point.threshold.value, point.numbers["tpr"].value) == (plain.threshold.value, plain.numbers["tpr"].value)
    assert point.numbers["tpr"].interval == pytest.approx(plain.numbers["tpr"].interval, abs=0.04)
    assert (point.fpr_interval, plain.fpr_interval) == ("bootstrap", "Clopper-Pearson")


def test_its_intervals_show_what_other_choices_of_the_groups_would_have_given():
    """With many measured images the spread is that of the threshold: by theory a beta distribution."""
    panel = normal_panel(3000, measured=6000)
    (point,) = few(panel, "fpr:5", 50)
    assert point.numbers["fpr"].interval == pytest.approx(beta.ppf([0.025, 0.975], 3, 48), abs=0.015)
    (all_of_them,) = few(panel, "fpr:5", 3000)
    low, high = all_of_them.numbers["fpr"].interval
    assert high - low < 0.03


def test_too_few_groups_are_refused_with_a_reason():
    panel = normal_panel(48)
    (point,) = few(panel, "fpr:5", 100)
    assert point.refused
    assert point.reason == "48 held-out groups of real images are fewer than the 100 to calibrate with"
    (point,) = few(panel, "fpr:1", 10)
    assert point.reason == "10 held-out groups of real images cannot carry an FPR of 1 %: at least 100 are needed"
    (point,) = few(panel, "fpr:5", 20)
    assert not np.isnan(point.numbers["fpr"].value)
    assert point.numbers["fpr"].reason == "fewer than 100 held-out groups of real images (48)"


def test_a_study_adds_them_to_every_rule_that_is_fitted_and_to_no_transfer():
    panel = normal_panel(40, 40)
    study = study_thresholds(
        {"one": panel, "two": panel}, ["fpr:5", "fpr:10", "best"], draws=20, calibrate_with=[20, 30]
    )
    rules = [point.rule for point in study.points["one"]]
    assert rules == [
        *("fpr:5", "fpr:10", "best (oracle)"),
        *("fpr:5 from 20", "fpr:5 from 30", "fpr:10 from 20", "fpr:10 from 30"),
    ]
    assert [matrix.rule for matrix in study.matrices] == ["fpr:5", "fpr:10"]
    with pytest.raises(BenchError, match="--calibrate-with is about the rules fpr:P"):
        study_thresholds({"one": panel}, ["best"], draws=20, calibrate_with=[20])


@pytest.mark.parametrize(("n", "share"), [(48, 0.05), (100, 0.05), (250, 0.01)])
def test_the_range_of_the_fpr_holds_in_95_percent_of_the_choices(n, share):
    low, high = fpr_range(n, share)
    stream = np.random.default_rng(n)
    realised = norm.sf([threshold_at_fpr(stream.normal(size=n), share)[0] for _ in range(4000)])
    assert np.mean((low <= realised) & (realised <= high)) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))
    assert np.mean(realised < low) == pytest.approx(0.025, abs=4 * np.sqrt(0.025 * 0.975 / 4000))
