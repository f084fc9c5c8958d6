"""Areas at low rates and the equal error rate: by hand, and against scikit-learn."""

import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_scores import weighted
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from bench.statistics.curve_values import equal_error_rate, partial_auroc
from bench.statistics.metrics import METRICS, CurveMetric, auroc

PARTIAL, EER = (METRICS[name].function for name in ("partial_auroc_5_fpr", "eer"))


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 0.99])
@settings(deadline=None, max_examples=60)
@given(data=weighted())
@pytest.mark.heavy
def test_a_partial_auroc_equals_that_of_scikit_learn(limit, data):
    labels, scores, weights = data
    metric = CurveMetric(partial(partial_auroc, limit=limit))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scikit-learn subtracts scores, which overflows at 1.7e308
        plain = roc_auc_score(labels, scores, max_fpr=limit)
        heavy = roc_auc_score(labels, scores, max_fpr=limit, sample_weight=weights)
    assert metric(labels, scores) == pytest.approx(plain, abs=1e-12)
    assert metric(labels, scores, weights) == pytest.approx(heavy, abs=1e-12)


@pytest.mark.parametrize("distinct", [1, 2, 5, 40, 10_000])
def test_a_partial_auroc_of_hundreds_with_ties_and_weights_equals_that_of_scikit_learn(distinct):
    rng = np.random.default_rng(distinct)
    labels = np.repeat([0, 1], [300, 200])
    scores = rng.integers(0, distinct, 500) + labels
    weights = rng.choice([0.0, 0.5, 1.0, 3.0], 500)
    assert PARTIAL(labels, scores) == pytest.approx(roc_auc_score(labels, scores, max_fpr=0.05), abs=1e-12)
    expected = roc_auc_score(labels, scores, max_fpr=0.05, sample_weight=weights)
    assert PARTIAL(labels, scores, weights) == pytest.approx(expected, abs=1e-12)


def test_a_partial_auroc_by_hand():
    # 20 reals: one of them is 5 %. Half of the generated lie above all reals, so A = 0.5 * 0.05.
    labels = np.repeat([0, 1], [20, 2])
    scores = np.array([*range(20), 20.0, 18.5])
    assert PARTIAL(labels, scores) == pytest.approx((1 + (0.025 - 0.00125) / (0.05 - 0.00125)) / 2, abs=1e-15)
    # 10 reals: the curve is cut within the step of the first, which has no height.
    assert PARTIAL(np.repeat([0, 1], [10, 2]), np.array([*range(10), 10.0, 8.5])) == pytest.approx(
        (1 + (0.025 - 0.00125) / (0.05 - 0.00125)) / 2, abs=1e-15
    )


def test_constant_scores_are_chance_and_perfect_ones_are_1():
    labels = np.repeat([0, 1], [30, 10])
    assert PARTIAL(labels, np.zeros(40)) == pytest.approx(0.5, abs=1e-15)
    assert PARTIAL(labels, labels) == 1.0
    assert EER(labels, np.zeros(40)) == 0.5
    assert EER(labels, labels) == 0.0
    assert EER(labels, -labels) == 1.0


def test_up_to_a_rate_of_1_it_is_the_auroc():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 100), rng.normal(size=100).round(1)
    whole = CurveMetric(partial(partial_auroc, limit=1.0))
    assert whole(labels, scores) == pytest.approx(auroc(labels, scores), abs=1e-14)


def test_an_equal_error_rate_by_hand():
    # A threshold between 2 and 3 has one of three errors in each class.
    assert EER([0, 0, 0, 1, 1, 1], [1.0, 2.0, 4.0, 0.0, 3.0, 5.0]) == pytest.approx(1 / 3, abs=1e-15)
    # No threshold is even: FPR 0 misses 1/2, FPR 1/3 misses 1/2 (the next real), FPR 1/3 misses 0.
    # The curve rises at FPR 1/3 from a TPR of 1/2 to 1, and meets FNR = FPR at 1/3.
    assert EER([0, 0, 0, 1, 1], [0.0, 1.0, 3.0, 2.0, 4.0]) == pytest.approx(1 / 3, abs=1e-15)
    # Two reals and one generated are tied: the curve goes straight from (0, 1/2) to (2/3, 1), and meets it where
    # x = 1/2 - 3/4 x, at 2/7.
    assert EER([0, 0, 0, 1, 1], [0.0, 3.0, 3.0, 3.0, 4.0]) == pytest.approx(2 / 7, abs=1e-15)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), distinct=st.sampled_from([3, 20, 10_000]))
def test_an_equal_error_rate_is_where_the_curve_of_scikit_learn_meets_the_other_diagonal(seed, distinct):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 50)
    labels[:2] = [0, 1]
    scores = rng.integers(0, distinct, 50) + labels
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    # Both errors along the polyline, whose pieces may be upright.
    walked = np.arange(len(fpr))
    at = brentq(lambda x: interp1d(walked, fpr + tpr - 1)(x), 0, len(fpr) - 1, xtol=1e-14)
    assert EER(labels, scores) == pytest.approx(float(interp1d(walked, fpr)(at)), abs=1e-9)
    reversed_classes = CurveMetric(equal_error_rate, "real")
    assert reversed_classes(labels, scores) == pytest.approx(EER(labels, scores), abs=1e-12)
