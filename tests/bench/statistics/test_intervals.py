import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_contrasts import ap_influence, contrast, generators, influence_of
from scipy.special import logit
from scipy.stats import t

from bench.statistics.influence import Contrast, auroc_influence, mean_over_seeds
from bench.statistics.intervals import (
    PairedTest,
    auroc_interval,
    bounded_interval,
    heavy_tailed_error,
    holm,
    paired_test,
    prediction_interval,
    smallest_difference,
    standard_error,
)
from bench.statistics.standard_errors import over_images_and_seeds


def test_identical_scores_do_not_differ():
    influence = auroc_influence(generators(np.random.default_rng(0)))
    test = paired_test(influence, influence)
    assert (test.difference, test.se, test.p, test.low, test.high) == (0, 0, 1, 0, 0)


def test_the_same_ranks_in_another_order_do_not_differ():
    parts = generators(np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(300)
    shuffled = [Contrast(c.labels[order], np.exp(c.scores[order]), [c.groups[i] for i in order]) for c in parts]
    test = paired_test(auroc_influence(parts), auroc_influence(shuffled[::-1]))
    assert (test.difference, test.se, test.p) == (0, 0, 1)


def test_a_single_group_has_no_error_but_still_equals_itself():
    influence = auroc_influence([Contrast([0, 1, 1], [0.0, 1.0, -1.0], ["a", "a", "a"])])
    assert np.isnan(standard_error(influence).se)
    assert np.isnan(auroc_interval(influence)).all()
    assert paired_test(influence, influence).p == 1


def test_a_test_the_other_way_round_is_that_of_the_two_exchanged():
    first, second = (auroc_influence(generators(np.random.default_rng(seed))) for seed in (0, 1))
    turned = paired_test(first, second).reversed
    assert turned == paired_test(second, first)
    assert turned.low < turned.difference < turned.high


def test_a_difference_without_error_gets_one_from_the_intervals():
    perfect, constant = (
        auroc_influence([contrast([0.0] * 48, [1.0] * 48)]),
        auroc_influence([contrast([0.0] * 48, [0.0] * 48)]),
    )
    test = paired_test(perfect, constant)
    assert test.difference == 0.5
    assert 0 < test.p < 1e-6
    assert 0.4 < test.low < 0.5 < test.high < 0.6


def test_the_paired_test_is_antisymmetric_and_agrees_with_its_interval():
    rng = np.random.default_rng(0)
    for _ in range(20):
        parts = [contrast(rng.normal(size=40), rng.normal(1, 1, 40)) for _ in range(2)]
        a, b = (auroc_influence([part]) for part in parts)
        test, reverse = paired_test(a, b), paired_test(b, a)
        assert reverse.difference == -test.difference
        assert reverse.p == test.p
        assert (test.low, test.high) == (-reverse.high, -reverse.low)
        assert (test.p < 0.05) == (test.low > 0 or test.high < 0)


def test_two_seeds_that_differ_much_leave_one_degree_of_freedom():
    values = [auroc_influence([contrast(np.zeros(500), np.full(500, score))]) for score in (1.0, 0.0)]
    se, df = standard_error(mean_over_seeds(values))
    assert (se, df) == (pytest.approx(0.25), pytest.approx(1))


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 1), max_size=10),
    scores=st.lists(st.integers(-3, 3), min_size=12, max_size=12),
    groups=st.lists(st.sampled_from("abcdefgh"), min_size=12, max_size=12),
)
def test_an_interval_holds_its_value_and_mirrors_with_the_scores(labels, scores, groups):
    labels = [0, 1, *labels]
    scores, groups = np.array(scores[: len(labels)], dtype=float), groups[: len(labels)]
    influence = auroc_influence([Contrast(labels, scores, groups)])
    low, high = auroc_interval(influence)
    classes = [{group for group, of in zip(groups, labels, strict=True) if of == label} for label in (0, 1)]
    if min(map(len, classes)) > 1:
        assert 0 <= low <= influence.value <= high <= 1
        assert low < high
        mirrored = auroc_influence([Contrast(labels, -scores, groups)])
        assert auroc_interval(mirrored) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("per_class", [10, 48, 1000, 100_000])
def test_an_interval_never_shrinks_to_a_point_at_1(per_class):
    influence = auroc_influence([contrast(np.zeros(per_class), np.ones(per_class))])
    low, high = auroc_interval(influence)
    assert high == 1
    # (1 - theta)^2 = q^2 H(theta), and H is about (1 - theta) / (2 n) next to 1.
    quantile = t.ppf(0.975, 2 * per_class - 2)
    assert low == pytest.approx(1 - quantile**2 / (2 * per_class), rel=0.1 / np.sqrt(per_class))
    assert low < 1


def test_an_interval_away_from_1_is_delongs():
    rng = np.random.default_rng(0)
    influence = auroc_influence([contrast(rng.normal(size=5000), rng.normal(0.5, 1, 5000))])
    se = standard_error(influence).se
    wald = (influence.value - 1.96 * se, influence.value + 1.96 * se)
    assert auroc_interval(influence) == pytest.approx(wald, abs=2e-4)


def test_a_higher_level_gives_a_longer_interval():
    influence = auroc_influence(generators(np.random.default_rng(0)))
    narrow, wide = auroc_interval(influence, 0.9), auroc_interval(influence, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, 0.5]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.02, np.nan, 0.01]), [0.02, np.nan, 0.02])
    assert holm([]).shape == (0,)


def test_the_smallest_difference_is_found_with_80_percent_power():
    # By simulation of t, which has noise in its error, too; the first of Holm's steps over 1 and 10 pairs.
    rng = np.random.default_rng(0)
    for df, pairs in ((2, 1), (9, 1), (9, 10), (200, 10)):
        smallest = smallest_difference(PairedTest(0.0, 0.01, df, 1.0, 0.0, 0.0), pairs)
        errors = 0.01 * np.sqrt(rng.chisquare(df, 20_000) / df)
        p = 2 * t.sf(np.abs(smallest + rng.normal(0, 0.01, 20_000)) / errors, df)
        assert np.mean(pairs * p < 0.05) == pytest.approx(0.8, abs=0.01), (df, pairs)


def test_the_error_over_seeds_is_added_to_that_over_images():
    rng = np.random.default_rng(0)
    seeds = [auroc_influence([contrast(rng.normal(size=50), rng.normal(1, 1, 50))]) for _ in range(3)]
    mean = mean_over_seeds(seeds)
    assert mean.value == pytest.approx(np.mean([one.value for one in seeds]))
    squares = np.mean([one.values for one in seeds], axis=0) ** 2
    real, generated = (np.sum(squares[mean.classes == bit]) for bit in (1, 2))
    df = (real + generated) ** 2 / (real**2 / 49 + generated**2 / 49)
    spread = np.var([one.value for one in seeds], ddof=1) / 3
    expected = over_images_and_seeds(real + generated, df, [mean.seeds])
    assert standard_error(mean) == pytest.approx(expected, rel=1e-12)
    one = seeds[0]
    difference = np.sum((mean.values - one.values) ** 2) + spread
    assert paired_test(mean, one).se ** 2 == pytest.approx(difference, rel=1e-12)


def test_groups_that_only_one_detector_has_seen_enter_a_paired_test_through_that_one_alone():
    first = influence_of(0.8, ["a", "b", "c"], [0.1, -0.2, 0.1])
    second = influence_of(0.7, ["b", "c", "d"], [-0.2, 0.0, 0.2])
    test = paired_test(first, second)
    assert test.difference == pytest.approx(0.1)
    # a 0.1, b 0, c 0.1, d -0.2.
    assert test.se**2 == pytest.approx(0.06)


def test_seeds_that_move_two_conditions_alike_leave_their_difference_certain():
    changed = influence_of(0.7, ["a", "b"], [0.01, -0.01], (0.6, 0.8))
    clean = influence_of(0.8, ["a", "b"], [0.0, 0.0], (0.7, 0.9))
    independent, same = paired_test(changed, clean), paired_test(changed, clean, same_seeds=True)
    assert same.se**2 == pytest.approx(2e-4)
    assert independent.se**2 == pytest.approx(2e-4 + 2 * 0.01)
    assert same.difference == independent.difference == pytest.approx(-0.1)
    with pytest.raises(ValueError, match="same seeds, got 2 and 1"):
        paired_test(changed, influence_of(0.8, ["a", "b"], [0.0, 0.0]), same_seeds=True)


def test_an_interval_on_the_logit_scale_is_symmetric_there():
    value = ap_influence(generators(np.random.default_rng(0)), "generated")
    low, high = bounded_interval(value)
    se, df = heavy_tailed_error(value)
    assert se == standard_error(value).se
    assert logit(value.value) - logit(low) == pytest.approx(logit(high) - logit(value.value), rel=1e-9)
    arm = t.ppf(0.975, df) * se / (value.value * (1 - value.value))
    assert logit(high) - logit(value.value) == pytest.approx(arm, rel=1e-9)
    assert 0 < low < high < 1


def test_a_metric_that_hangs_on_one_image_has_fewer_degrees_of_freedom():
    values = np.array([0.3, -0.1, -0.1, -0.1, 0, 0, 0, 0])
    value = influence_of(0.7, list("abcdefgh"), values)
    kurtosis = np.mean(values**4) / np.mean(values**2) ** 2
    assert kurtosis > 3
    assert heavy_tailed_error(value).df == pytest.approx(standard_error(value).df * 2 / (kurtosis - 1))


def test_an_interval_that_would_be_a_point_is_none():
    assert bounded_interval(ap_influence([contrast([0.0] * 20, [1.0] * 20)], "real")) is None
    assert bounded_interval(ap_influence([contrast([0.0] * 20, [0.0] * 20)], "real")) is None
    assert bounded_interval(influence_of(0.7, ["a"], [0.0])) is None


def test_where_a_paper_is_expected_by_hand():
    # SE^2 = 1e-4 over images alone; as many images in the paper doubles it, three times as many add a third.
    arm = t.ppf(0.975, 200)
    assert prediction_interval(0.8, 0.01, 200, 500, 500) == pytest.approx(
        (0.8 - arm * 2e-4**0.5, 0.8 + arm * 2e-4**0.5)
    )
    low, high = prediction_interval(0.8, 0.01, 200, 500, 1500)
    assert (high - low) / 2 == pytest.approx(arm * (4e-4 / 3) ** 0.5)
    assert prediction_interval(0.99, 0.01, 200, 500, 500).high == 1.0


def test_where_a_paper_is_expected_with_seeds_on_both_sides_by_hand():
    # Seeds 0.79 and 0.81: s^2 = 2e-4, of the mean 1e-4, of the paper's five 4e-5; one degree of freedom.
    seeds = [0.79, 0.81]
    se, df = over_images_and_seeds(3e-4, 100, [seeds])
    low, high = prediction_interval(0.8, se, df, 500, 1000, 4e-5, seeds)
    images, counted = 1.5 * 3e-4, 7 * 1.4e-4  # the degrees of freedom count the seeds' variance 1 + 6 / 1 times
    expected_df = (images + counted) ** 2 / (images**2 / 100 + counted**2)
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, expected_df) * (images + 1.4e-4) ** 0.5, rel=1e-9)


def test_holm_equals_the_published_steps():
    # Holm's own order: 0.01 * 4, then 0.02 * 3, then 0.03 * 2 (never below the one before), then 0.9.
    assert holm([0.9, 0.02, 0.01, 0.03]) == pytest.approx([0.9, 0.06, 0.04, 0.06])
