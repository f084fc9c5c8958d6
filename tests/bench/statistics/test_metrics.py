from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_scores import labelled_scores

from bench.statistics.metrics import (
    METRICS,
    auroc,
    average_precision,
    fpr_at_tpr,
    replicates,
    tpr_at_fpr,
    undefined_reason,
)

# The slow obvious twins.


def slow_auroc(labels, scores, weights):
    wins = pairs = 0.0
    for i in np.flatnonzero(labels == 0):
        for j in np.flatnonzero(labels == 1):
            wins += weights[i] * weights[j] * ((scores[j] > scores[i]) + 0.5 * (scores[j] == scores[i]))
            pairs += weights[i] * weights[j]
    return wins / pairs


def slow_points(labels, scores, positive, weights):
    """Weights of (positives, negatives) called positive at every threshold, from none to all."""
    sign, label = (1, 1) if positive == "generated" else (-1, 0)
    is_positive = labels == label
    points = [(0.0, 0.0)]
    for threshold in sorted(set(sign * scores), reverse=True):
        called = sign * scores >= threshold
        points.append((weights[called & is_positive].sum(), weights[called & ~is_positive].sum()))
    return points


def slow_average_precision(labels, scores, positive, weights, balanced=False):
    points = slow_points(labels, scores, positive, weights)
    positives, negatives = points[-1]
    value = 0.0
    for (before, _), (tp, fp) in pairwise(points):
        if tp > before:
            ratio = positives / negatives if balanced else 1.0
            value += (tp - before) / positives * tp / (tp + fp * ratio)
    return value


def slow_tpr_at_fpr(labels, scores, positive, weights, fpr):
    points = slow_points(labels, scores, positive, weights)
    positives, negatives = points[-1]
    return max(tp / positives for tp, fp in points if fp / negatives <= fpr)


def slow_fpr_at_tpr(labels, scores, positive, weights, tpr):
    points = slow_points(labels, scores, positive, weights)
    positives, negatives = points[-1]
    return min(fp / negatives for tp, fp in points if tp / positives >= tpr)


def slow_partial_auroc(labels, scores, weights, limit):
    """Adds up trapezoids of the polyline, cut at the limit, and standardises by McClish's formula."""
    points = slow_points(labels, scores, "generated", weights)
    positives, negatives = points[-1]
    area = 0.0
    for (tp, fp), (next_tp, next_fp) in pairwise(points):
        left, right, low, high = fp / negatives, next_fp / negatives, tp / positives, next_tp / positives
        if left >= limit:
            break
        end = min(right, limit)
        if right > left:
            area += (end - left) * (low + (low + (high - low) * (end - left) / (right - left))) / 2
    smallest, largest = limit**2 / 2, limit
    return (1 + (area - smallest) / (largest - smallest)) / 2


def slow_equal_error_rate(labels, scores, weights):
    """Walks along each piece of the polyline until as many positives are missed as negatives pass."""
    points = slow_points(labels, scores, "generated", weights)
    positives, negatives = points[-1]
    for (tp, fp), (next_tp, next_fp) in pairwise(points):
        left, right, low, high = fp / negatives, next_fp / negatives, 1 - tp / positives, 1 - next_tp / positives
        if right >= high:
            if right - left + low - high == 0:
                return left
            return left + (right - left) * (low - left) / (right - left + low - high)
    raise AssertionError("the curve ends where all pass and none is missed")


SLOW = {
    "auroc": slow_auroc,
    "ap_generated": lambda y, s, w: slow_average_precision(y, s, "generated", w),
    "ap_real": lambda y, s, w: slow_average_precision(y, s, "real", w),
    "ap_generated_balanced": lambda y, s, w: slow_average_precision(y, s, "generated", w, balanced=True),
    "ap_real_balanced": lambda y, s, w: slow_average_precision(y, s, "real", w, balanced=True),
    "tpr_at_5_fpr": lambda y, s, w: slow_tpr_at_fpr(y, s, "generated", w, 0.05),
    "fpr_at_95_tpr": lambda y, s, w: slow_fpr_at_tpr(y, s, "generated", w, 0.95),
    "tpr_at_5_fpr_real": lambda y, s, w: slow_tpr_at_fpr(y, s, "real", w, 0.05),
    "fpr_at_95_tpr_real": lambda y, s, w: slow_fpr_at_tpr(y, s, "real", w, 0.95),
    "partial_auroc_5_fpr": lambda y, s, w: slow_partial_auroc(y, s, w, 0.05),
    "eer": slow_equal_error_rate,
    "tpr_at_1_fpr": lambda y, s, w: slow_tpr_at_fpr(y, s, "generated", w, 0.01),
}


def test_every_registered_metric_has_a_slow_twin():
    assert set(METRICS) == set(SLOW)
    assert all(metric.name == name for name, metric in METRICS.items())


def test_tables_have_columns_of_these():
    assert [name for name, metric in METRICS.items() if metric.shown] == ["auroc", "ap_generated", "ap_real"]


@pytest.mark.heavy
@pytest.mark.parametrize("name", METRICS)
@settings(deadline=None)
@given(data=labelled_scores())
@example(data=(np.array([0, 1, 0, 1]), np.zeros(4)))
@example(data=(np.array([0, 1, 0, 1]), np.array([1e300, 1e-300, -1e300, 1e300])))
def test_metric_equals_its_slow_twin(name, data):
    labels, scores = data
    expected = SLOW[name](labels, scores, np.ones(len(labels)))
    assert METRICS[name](labels, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.heavy
@pytest.mark.parametrize("name", METRICS)
@settings(deadline=None)
@given(data=labelled_scores(), seed=st.integers(0, 1000))
def test_counts_equal_repeated_images(name, data, seed):
    labels, scores = data
    counts = np.random.default_rng(seed).integers(0, 4, size=(5, len(labels)))
    counts[:, :2] += 1
    repeated = [METRICS[name](np.repeat(labels, count), np.repeat(scores, count)) for count in counts]
    np.testing.assert_allclose(METRICS[name].replicates(labels, scores, counts), repeated, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("labels", "reason"), [([], "no images"), ([1, 1, 1], "no real images"), ([0, 0], "no generated images")]
)
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_missing_class_gives_nan_and_its_reason_in_words(metric, labels, reason):
    scores = np.arange(len(labels), dtype=float)
    assert np.isnan(metric(labels, scores))
    assert np.isnan(metric.replicates(labels, scores, np.ones((3, len(labels))))).all()
    assert undefined_reason(labels) == reason


def test_reason_is_none_with_both_classes():
    assert undefined_reason([0, 1, 1]) is None


def test_only_the_draws_that_lack_a_class_are_nan():
    weights = [[1, 1, 1, 1], [0, 0, 1, 2], [2, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]]
    for metric in METRICS.values():
        values = metric.replicates([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], weights)
        assert np.isnan(values).tolist() == [False, True, True, True, False]


def test_hand_computed_values():
    # From strict to lenient: generated 4, real 3, generated and real tied at 2, generated 1, real 0.
    labels, scores = [1, 0, 1, 0, 1, 0], [4.0, 3.0, 2.0, 2.0, 1.0, 0.0]
    assert auroc(labels, scores) == (3 + 1.5 + 1) / 9
    assert average_precision(labels, scores, "generated") == pytest.approx((1 / 1 + 2 / 4 + 3 / 5) / 3, abs=1e-15)
    assert average_precision(labels, scores, "real") == pytest.approx((1 / 1 + 2 / 4 + 3 / 5) / 3, abs=1e-15)
    assert tpr_at_fpr(labels, scores, fpr=0.34) == 1 / 3
    assert tpr_at_fpr(labels, scores, fpr=0.67) == 1.0
    assert fpr_at_tpr(labels, scores, tpr=0.6) == 2 / 3
    assert fpr_at_tpr(labels, scores, tpr=0.0) == 0.0


def test_average_precision_depends_on_the_positive_class_and_its_share_but_not_when_balanced():
    labels, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.9, 0.5])
    assert average_precision(labels, scores, "generated") == 0.5
    assert average_precision(labels, scores, "real") == pytest.approx((1 + 1 + 3 / 4) / 3, abs=1e-15)
    assert average_precision(labels, scores, "generated", balanced=True) == pytest.approx(3 / 4, abs=1e-15)
    twice = partial(np.repeat, repeats=[1, 1, 1, 7])
    assert average_precision(twice(labels), twice(scores), "generated", balanced=True) == pytest.approx(
        3 / 4, abs=1e-15
    )


def test_constant_scores_are_chance():
    labels, scores = [0] * 30 + [1] * 10, np.full(40, 0.3)
    assert auroc(labels, scores) == 0.5
    assert average_precision(labels, scores, "generated") == 0.25
    assert average_precision(labels, scores, "real") == 0.75
    assert average_precision(labels, scores, "generated", balanced=True) == 0.5
    assert tpr_at_fpr(labels, scores) == 0.0
    assert fpr_at_tpr(labels, scores) == 1.0


@pytest.mark.parametrize("negatives", range(20, 401, 20))
def test_a_rate_met_exactly_is_met(negatives):
    # 5 % of 60 is 3 images, but 0.05 * 60 and 3 / 60 need not agree in the last bit.
    labels = [0] * negatives + [1] * negatives
    scores = [*range(negatives), *(negatives * 19 / 20 - 0.5 for _ in range(negatives))]
    assert tpr_at_fpr(labels, scores, 0.05) == 1.0
    hard = [*(negatives / 20 - 0.5 for _ in range(negatives)), *range(negatives)]
    assert fpr_at_tpr(labels, hard, 0.95) == 0.0


def test_real_positive_is_generated_positive_with_labels_and_scores_reversed():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 100), rng.normal(size=100).round(1)
    assert METRICS["tpr_at_5_fpr_real"](labels, scores) == tpr_at_fpr(1 - labels, -scores, 0.05)
    assert METRICS["fpr_at_95_tpr_real"](labels, scores) == fpr_at_tpr(1 - labels, -scores, 0.95)


@settings(deadline=None)
@given(data=labelled_scores())
def test_false_positives_at_95_percent_found_are_the_other_class_missed_at_5_percent(data):
    labels, scores = data
    for suffix, other in (("", "_real"), ("_real", "")):
        missed = 1 - METRICS[f"tpr_at_5_fpr{other}"](labels, scores)
        assert METRICS[f"fpr_at_95_tpr{suffix}"](labels, scores) == pytest.approx(missed, abs=1e-12)


def test_an_auroc_below_one_half_is_reported_as_it_is():
    assert auroc([0, 0, 1, 1], [3.0, 4.0, 1.0, 2.0]) == 0.0


def test_scores_closer_than_single_precision_are_told_apart():
    assert auroc([0, 1], [1.0, 1.0 + 2**-52]) == 1.0
    assert auroc([0, 1], [-1e6, -1e6 + 1e-9]) == 1.0


@pytest.mark.parametrize("name", METRICS)
def test_values_do_not_depend_on_the_chunks_or_the_order_of_images(name, monkeypatch):
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 50), rng.normal(size=50).round(1)
    weights = rng.integers(0, 3, size=(40, 50), dtype=np.int16)
    values = METRICS[name].replicates(labels, scores, weights)
    order = rng.permutation(50)
    np.testing.assert_array_equal(METRICS[name].replicates(labels[order], scores[order], weights[:, order]), values)
    monkeypatch.setattr("bench.statistics.operating_curve.CELLS", 150)
    np.testing.assert_array_equal(METRICS[name].replicates(labels, scores, weights), values)


def test_weights_of_one_dimension_give_a_number_and_of_two_dimensions_an_array():
    labels, scores = [0, 1, 1], [0.0, 1.0, -1.0]
    assert auroc(labels, scores, [1, 3, 1]) == 0.75
    values = auroc(labels, scores, [[1, 3, 1], [1, 1, 1]])
    np.testing.assert_array_equal(values, [0.75, 0.5])
    assert auroc(labels, scores, np.ones((0, 3))).shape == (0,)


@pytest.mark.parametrize(
    ("labels", "scores", "weights", "message"),
    [
        ([0, 1], [0.0, np.nan], None, "finite, got nan at position 1"),
        ([0, 1], [-np.inf, 0.0], None, "finite, got -inf at position 0"),
        ([0, 2], [0.0, 1.0], None, "got 2"),
        ([0, 1], [0.0], None, r"got \(2,\) and \(1,\)"),
        ([[0, 1]], [[0.0, 1.0]], None, r"shape \(n,\)"),
        ([0, 1], [0.0, 1.0], [1, -1], "not negative"),
        ([0, 1], [0.0, 1.0], [1, np.nan], "finite"),
        ([0, 1], [0.0, 1.0], [1, 1, 1], r"got \(3,\)"),
        ([0, 1], [0.0, 1.0], np.ones((1, 1, 2)), r"got \(1, 1, 2\)"),
    ],
)
def test_bad_input_is_named(labels, scores, weights, message):
    with pytest.raises(ValueError, match=message):
        auroc(labels, scores, weights)


def test_chance_is_a_half_or_the_share_of_the_positive_class_and_not_told_of_a_rate_or_a_single_class():
    assert METRICS["auroc"].chance(30, 10) == 0.5
    assert METRICS["ap_generated"].chance(30, 10) == 0.25
    assert METRICS["ap_real"].chance(30, 10) == 0.75
    assert METRICS["ap_real_balanced"].chance(30, 10) == 0.5
    assert METRICS["tpr_at_5_fpr"].chance(30, 10) is None
    assert METRICS["auroc"].chance(0, 10) is METRICS["ap_real"].chance(30, 0) is None


def test_a_rate_outside_zero_to_one_is_refused():
    with pytest.raises(ValueError, match="fpr must be a rate"):
        tpr_at_fpr([0, 1], [0.0, 1.0], fpr=5)
    with pytest.raises(ValueError, match="tpr must be a rate"):
        fpr_at_tpr([0, 1], [0.0, 1.0], tpr=-0.1)


def test_several_metrics_at_once_are_each_alone_to_the_last_bit():
    rng = np.random.default_rng(2)
    labels, scores = rng.integers(0, 2, 60), rng.normal(size=60).round(1)
    weights = rng.integers(0, 3, size=(30, 60), dtype=np.int16)
    together = replicates(list(METRICS), labels, scores, weights)
    assert list(together) == list(METRICS)
    for name, values in together.items():
        np.testing.assert_array_equal(values, METRICS[name].replicates(labels, scores, weights))
