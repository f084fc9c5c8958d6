"""The metrics against scikit-learn and torchmetrics."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_scores import labelled_scores, weighted
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from bench.statistics.metrics import METRICS, auroc, average_precision, fpr_at_tpr, tpr_at_fpr, undefined_reason

EXACT = 1e-12


def assert_equal_to_scikit_learn(labels, scores):
    """AUROC and both average precisions."""
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    expected = (
        roc_auc_score(labels, scores),
        average_precision_score(labels, scores),
        average_precision_score(1 - labels, -scores),
    )
    values = [METRICS[name](labels, scores) for name in ("auroc", "ap_generated", "ap_real")]
    np.testing.assert_allclose(values, expected, rtol=0, atol=EXACT)


@settings(deadline=None)
@given(data=labelled_scores())
@pytest.mark.heavy
def test_auroc_and_average_precision_equal_scikit_learn(data):
    labels, scores = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scikit-learn subtracts scores, which overflows at 1.7e308
        expected = (
            roc_auc_score(labels, scores),
            average_precision_score(labels, scores),
            average_precision_score(1 - labels, -scores),
        )
    values = (
        auroc(labels, scores),
        average_precision(labels, scores, "generated"),
        average_precision(labels, scores, "real"),
    )
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@settings(deadline=None)
@given(data=weighted())
@pytest.mark.heavy
def test_weights_equal_those_of_scikit_learn(data):
    labels, scores, weights = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = (
            roc_auc_score(labels, scores, sample_weight=weights),
            average_precision_score(labels, scores, sample_weight=weights),
            average_precision_score(1 - labels, -scores, sample_weight=weights),
        )
    values = (
        auroc(labels, scores, weights),
        average_precision(labels, scores, "generated", weights),
        average_precision(labels, scores, "real", weights),
    )
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@settings(deadline=None)
@given(data=labelled_scores())
def test_balanced_average_precision_equals_scikit_learn_with_balancing_weights(data):
    labels, scores = data
    weights = np.where(labels == 1, 1 / (labels == 1).sum(), 1 / (labels == 0).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = average_precision_score(labels, scores, sample_weight=weights)
    assert average_precision(labels, scores, "generated", balanced=True) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(data=labelled_scores(), fpr=st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0]))
def test_fixed_rates_equal_those_on_the_roc_curve_of_scikit_learn(data, fpr):
    labels, scores = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fprs, tprs, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert tpr_at_fpr(labels, scores, fpr) == pytest.approx(tprs[fprs <= fpr].max(), abs=1e-12)
    assert fpr_at_tpr(labels, scores, 1 - fpr) == pytest.approx(fprs[tprs >= 1 - fpr].min(), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(data=labelled_scores(), scale=st.sampled_from([1.0, 1e-300, 1e300]))
def test_auroc_and_average_precision_equal_torchmetrics_without_its_squashing(data, scale):
    labels, scores = data
    scores = np.clip(scores, -9, 9).round(1) * scale  # torchmetrics subtracts scores too
    target, preds = torch.from_numpy(labels), torch.from_numpy(scores)
    expected_auroc = BinaryAUROC(normalization=None)(preds, target).item()
    expected_ap = BinaryAveragePrecision(normalization=None)(preds, target).item()
    assert auroc(labels, scores) == pytest.approx(expected_auroc, abs=1e-6)
    assert average_precision(labels, scores, "generated") == pytest.approx(expected_ap, abs=1e-6)


@pytest.mark.parametrize("distinct", [1, 2, 3, 10, 100])
@pytest.mark.parametrize(("n_real", "n_generated"), [(1, 1), (1, 500), (500, 1), (300, 200)])
def test_ties_and_constants_equal_scikit_learn(distinct, n_real, n_generated):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [n_real, n_generated])
    assert_equal_to_scikit_learn(labels, rng.integers(0, distinct, len(labels)) / 7 - 0.3)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-324, 2.0**-1070])
def test_huge_tiny_and_denormal_scores_equal_scikit_learn_and_their_ranks(scale):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    ranks = rng.integers(-30, 31, 500) + 8 * labels
    scores = ranks * scale
    assert len(np.unique(scores)) == len(np.unique(ranks))
    assert_equal_to_scikit_learn(labels, scores)
    for name, metric in METRICS.items():
        assert metric(labels, scores) == metric(labels, ranks), name


def test_all_magnitudes_at_once_equal_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 2000)
    scores = rng.choice([-1.0, 1.0], 2000) * 10.0 ** rng.integers(-323, 308, 2000)
    assert_equal_to_scikit_learn(labels, scores)


@pytest.mark.parametrize("decimals", [1, 4, 16])
@pytest.mark.heavy
def test_a_million_scores_equal_scikit_learn(decimals):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1_000_000)
    assert_equal_to_scikit_learn(labels, (rng.normal(size=len(labels)) + labels).round(decimals))


@pytest.mark.filterwarnings("ignore:No (negative|positive) samples")
@pytest.mark.parametrize(
    ("label", "torchmetrics_auroc", "torchmetrics_ap"), [(1, 0.0, 1.0), (0, 0.0, 0.0)], ids=["generated", "real"]
)
def test_one_class_is_nan_with_a_reason_where_torchmetrics_says_zero_or_one(label, torchmetrics_auroc, torchmetrics_ap):
    labels, scores = torch.tensor([label, label]), torch.tensor([0.2, 0.7])
    assert BinaryAUROC(normalization=None)(scores, labels).item() == torchmetrics_auroc
    assert BinaryAveragePrecision(normalization=None)(scores, labels).item() == torchmetrics_ap
    for name in ("auroc", "ap_generated", "ap_real"):
        assert np.isnan(METRICS[name](labels, scores))
    assert undefined_reason(labels) == ("no real images" if label else "no generated images")
