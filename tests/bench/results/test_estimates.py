"""Where the value, the error and the interval of a metric come from."""

from dataclasses import replace

import numpy as np
import pytest
from made_contrasts import ap_influence, contrast
from scipy.special import logit
from scipy.stats import norm, t

from bench.report.numbers import cell
from bench.results.estimates import (
    DRAWN_ALIKE,
    DRAWN_LACK_A_CLASS,
    INFLUENCES,
    LOW_RATES,
    NO_ERROR,
    PARTIAL,
    TOO_MANY,
    Estimate,
    estimate,
)
from bench.statistics.bootstrap import GroupBootstrap, interval
from bench.statistics.influence import auroc_influence, mean_over_seeds
from bench.statistics.intervals import auroc_interval, bounded_interval, standard_error
from bench.statistics.metrics import METRICS
from bench.store.panel import Part

pytestmark = pytest.mark.usefixtures("small_views")


def part_of(n_real, n_generated, seeds=1, images_per_group=1):
    """Normal scores one standard deviation apart; seeds add a noise of their own."""
    rng, n = np.random.default_rng(0), n_real + n_generated
    labels = np.repeat([0, 1], [n_real, n_generated])
    content = rng.normal(size=n) + labels
    scores = np.stack([content + rng.normal(0, 0.3 * (seeds > 1), n) for _ in range(seeds)])
    groups = (np.arange(n) // images_per_group).astype(np.int32)
    return Part(np.arange(n), labels, groups, scores, 0)


def weights_of(part, draws=200):
    names = [f"{code:06}" for code in part.groups]
    return GroupBootstrap(names, part.labels.tolist(), draws=draws).weights(part.rows)


def influences_by_hand(part, positive=None, balanced=False):
    """Influence values from names of groups, averaged over seeds."""
    each = [contrast(scores[part.labels == 0], scores[part.labels == 1]) for scores in part.scores]
    if positive is None:
        return mean_over_seeds([auroc_influence([one]) for one in each])
    return mean_over_seeds([ap_influence([one], positive, balanced) for one in each])


def test_with_equally_many_images_of_both_classes_balancing_changes_nothing():
    found = estimate(part_of(134, 134), list(METRICS), None, None)
    for positive in ("generated", "real"):
        plain, balanced = (found[name].number(name) for name in (f"ap_{positive}", f"ap_{positive}_balanced"))
        assert balanced.value == pytest.approx(plain.value, abs=1e-12)
        assert balanced.interval == pytest.approx(plain.interval, abs=1e-12)


def rounded(part, levels):
    """Scores of so many levels."""
    scores = np.clip(np.round(part.scores), -(levels // 2), levels // 2)
    return replace(part, scores=scores)


@pytest.mark.parametrize(
    ("metric", "part", "doubt"),
    [
        ("auroc", part_of(12, 1000), None),
        ("ap_real", part_of(200, 1000), None),
        ("ap_real", part_of(199, 1000), "fewer than 200 independent groups in a class (199)"),
        ("ap_generated", part_of(1000, 199), "fewer than 200 independent groups in a class (199)"),
        ("ap_generated_balanced", part_of(199, 199), "fewer than 200 independent groups in a class (199)"),
        ("auroc", rounded(part_of(200, 200), 5), "fewer than 10 distinct scores (5)"),
        ("ap_real", rounded(part_of(200, 200), 5), "fewer than 10 distinct scores (5)"),
    ],
)
def test_an_interval_that_does_not_hold_often_enough_is_approximate(metric, part, doubt):
    number = estimate(part, [metric], None, None)[metric].number(metric)
    assert number.interval is not None
    assert number.doubt == doubt
    assert number.remark == (f"approximate: {doubt}" if doubt else None)
    assert ("~[" in cell(number)) == (doubt is not None)


def test_the_interval_of_an_auroc_comes_from_influence_values_and_needs_no_draws():
    part = part_of(60, 70)
    number = estimate(part, ["auroc"], None, None)["auroc"].number("auroc")
    expected = influences_by_hand(part)
    assert number.value == METRICS["auroc"](part.labels, part.scores[0])
    assert number.interval == pytest.approx(auroc_interval(expected), abs=1e-12)
    assert number.error == pytest.approx(standard_error(expected), rel=1e-12)
    assert (number.reason, number.seeds_sd, number.seeds) == (None, None, (number.value,))


@pytest.mark.parametrize("metric", sorted(set(METRICS) - set(INFLUENCES) - set(PARTIAL)))
def test_the_interval_of_another_metric_is_that_of_the_percentiles_of_its_draws(metric):
    part = part_of(520, 110)
    weights = weights_of(part)
    number = estimate(part, [metric], None, weights)[metric].number(metric)
    drawn = METRICS[metric].replicates(part.labels, part.scores[0], weights)
    assert number.value == METRICS[metric](part.labels, part.scores[0])
    assert number.interval == interval(drawn)
    assert number.error == pytest.approx((drawn.std(), np.inf))


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("positive", ["generated", "real"])
def test_the_interval_of_an_average_precision_comes_from_influence_values_and_needs_no_draws(positive, balanced):
    part, metric = part_of(60, 70), f"ap_{positive}{'_balanced' * balanced}"
    number = estimate(part, [metric], None, None)[metric].number(metric)
    expected = influences_by_hand(part, positive, balanced)
    assert number.value == pytest.approx(METRICS[metric](part.labels, part.scores[0]), abs=1e-12)
    assert number.interval == pytest.approx(bounded_interval(expected), abs=1e-12)
    low, high = number.interval
    assert logit(high) - logit(number.value) == pytest.approx(logit(number.value) - logit(low), rel=1e-9)


@pytest.mark.parametrize("metric", ["ap_generated", "ap_real"])
def test_the_error_of_an_average_precision_is_that_of_the_bootstrap(metric):
    part = part_of(1000, 1000)
    influence = estimate(part, [metric], None, None)[metric].number(metric)
    drawn = METRICS[metric].replicates(part.labels, part.scores[0], weights_of(part, 1000))
    assert influence.error.se == pytest.approx(drawn.std(), rel=0.1)
    assert influence.interval == pytest.approx(interval(drawn), abs=0.1 * (influence.interval.high - influence.value))


def test_more_images_than_are_drawn_have_a_value_without_an_interval():
    number = estimate(part_of(120, 110), ["fpr_at_95_tpr"], None, None)["fpr_at_95_tpr"].number("fpr_at_95_tpr")
    assert (number.interval, number.reason) == (None, TOO_MANY)
    assert 0 < number.value < 1


@pytest.mark.parametrize(
    ("metric", "n_real", "n_generated"),
    [
        ("tpr_at_5_fpr", 96, 500),
        ("tpr_at_5_fpr_real", 500, 96),
        ("fpr_at_95_tpr", 500, 96),  # one minus the TPR at 5 % FPR for the real class
        ("fpr_at_95_tpr_real", 96, 500),
    ],
)
def test_rates_at_5_percent_errors_are_refused_with_96_groups_of_the_class_that_errs(metric, n_real, n_generated):
    part = part_of(n_real, n_generated, seeds=2)
    number = estimate(part, [metric], None, weights_of(part))[metric].number(metric)
    assert np.isnan(number.value)
    assert number.interval is None
    assert number.reason == "5 % of 96 independent groups are fewer than 5: too few for a threshold there"


def test_a_rate_is_refused_with_19_groups_of_the_class_that_it_is_measured_on():
    part = part_of(500, 19)
    for metric in ("tpr_at_5_fpr", "fpr_at_95_tpr_real"):
        number = estimate(part, [metric], None, weights_of(part))[metric].number(metric)
        assert np.isnan(number.value)
        assert number.reason == "fewer than 20 independent groups (19) to measure a rate on"


def test_images_of_few_photographs_do_not_carry_a_threshold():
    part = part_of(400, 400, images_per_group=5)  # 80 photographs of each class
    number = estimate(part, ["tpr_at_5_fpr"], None, weights_of(part))["tpr_at_5_fpr"].number("tpr_at_5_fpr")
    assert "80 independent groups" in number.reason


@pytest.mark.parametrize(("metric", "n_real"), [("partial_auroc_5_fpr", 99), ("tpr_at_1_fpr", 499)])
def test_what_is_measured_at_few_false_alarms_is_refused_where_they_would_be_fewer_than_5(metric, n_real):
    refused, carried = (estimate(part_of(n, 30), [metric], "no interval", None)[metric] for n in (n_real, n_real + 1))
    assert np.isnan(refused.number(metric).value)
    assert f"% of {n_real} independent groups are fewer than 5" in refused.number(metric).reason
    assert 0 < carried.number(metric).value < 1


def test_the_interval_of_a_partial_auroc_is_on_the_logit_scale_with_the_degrees_of_freedom_of_its_few_images():
    part = part_of(120, 110)
    weights = weights_of(part)
    number = estimate(part, ["partial_auroc_5_fpr"], None, weights)["partial_auroc_5_fpr"].number("partial_auroc_5_fpr")
    drawn = METRICS["partial_auroc_5_fpr"].replicates(part.labels, part.scores[0], weights)
    arm = t.ppf(0.975, 5) * drawn.std() / (number.value * (1 - number.value))  # 5 % of 120 less one
    assert [logit(end) - logit(number.value) for end in number.interval] == pytest.approx([-arm, arm], rel=1e-9)
    assert number.error == pytest.approx((drawn.std(), 5.0))
    assert number.doubt == "fewer than 500 independent groups among the real images (120)"
    part = part_of(500, 40)
    number = estimate(part, sorted(PARTIAL), None, weights_of(part))["partial_auroc_5_fpr"].number("")
    assert number.doubt is None


def test_an_equal_error_rate_of_few_errors_is_approximate():
    part = part_of(30, 12)
    number = estimate(part, ["eer"], None, weights_of(part))["eer"].number("eer")
    assert number.value * 12 < 5
    assert number.doubt == "fewer than 5 independent groups expected on the wrong side"
    part = part_of(30, 30)
    number = estimate(part, ["eer"], None, weights_of(part))["eer"].number("eer")
    assert number.value * 30 > 5
    assert (number.doubt, number.chance) == (None, None)


def test_100_groups_carry_a_rate_at_5_percent_errors():
    part = part_of(100, 100)
    found = estimate(part, sorted(set(LOW_RATES) - {"tpr_at_1_fpr"}), None, weights_of(part))
    for metric, one in found.items():
        number = one.number(metric)
        assert number.reason is None
        assert number.interval.low <= number.value <= number.interval.high


def test_seeds_widen_every_interval():
    part = part_of(520, 120, seeds=3)
    weights = weights_of(part)
    found = estimate(part, list(METRICS), None, weights)
    for metric, one in found.items():
        number = one.number(metric)
        each = [METRICS[metric](part.labels, scores) for scores in part.scores]
        assert number.value == pytest.approx(np.mean(each), abs=1e-15)
        assert number.seeds == pytest.approx(each, abs=1e-15)
        assert number.seeds_sd == pytest.approx(np.std(each, ddof=1))
        alone = Estimate(np.full(1, np.mean(each)), influence=one.influence, drawn=one.drawn, tail=one.tail)
        if one.influence is not None:
            images = np.sum(one.influence.values**2)
        else:
            images = np.var(one.drawn)
            unchanged = alone.number(metric).interval
            assert number.interval.low < unchanged.low
            assert number.interval.high > unchanged.high
        assert number.error.se**2 == pytest.approx(images + np.var(each, ddof=1) / 3, rel=1e-12)


def test_draws_are_widened_by_hand():
    # Draws of variance 1e-4 around 0.5, seeds 0.49 and 0.51 with s^2 / S = 1e-4: the error grows by the root of 2, and
    # one degree of freedom counts the seeds' variance 7 times: (1 + 7)^2 / 7^2.
    drawn = 0.5 + 0.01 * norm.ppf((np.arange(10_001) + 0.5) / 10_001)
    number = Estimate(np.array([0.49, 0.51]), drawn=drawn).number("ap_real")
    arm = t.ppf(0.975, 64 / 49) * np.sqrt(2) * 0.01
    assert number.interval == pytest.approx((0.5 - arm, 0.5 + arm), rel=2e-3)
    assert number.error == pytest.approx((np.sqrt(2) * 0.01, 64 / 49), rel=2e-3)


def test_an_interval_that_would_be_a_point_is_none_with_a_reason():
    labels = np.repeat([0, 1], 100)
    part = Part(np.arange(200), labels, np.arange(200, dtype=np.int32), labels[None].astype(float), 0)
    reasons = {"ap_generated": NO_ERROR, "ap_real": NO_ERROR, "tpr_at_5_fpr": DRAWN_ALIKE, "fpr_at_95_tpr": DRAWN_ALIKE}
    for metric, reason in reasons.items():
        number = estimate(part, [metric], None, weights_of(part))[metric].number(metric)
        assert (number.value, number.interval, number.reason) == (METRICS[metric](labels, labels), None, reason)
    auroc = estimate(part, ["auroc"], None, None)["auroc"].number("auroc")
    assert auroc.interval.low < auroc.interval.high == 1


def test_draws_that_lack_a_class_leave_no_interval():
    drawn = np.linspace(0.4, 0.6, 100)
    drawn[:2] = np.nan
    number = Estimate(np.array([0.5]), drawn=drawn).number("ap_real")
    assert (number.value, number.interval, number.reason) == (0.5, None, DRAWN_LACK_A_CLASS)


def test_a_reason_keeps_the_value_and_takes_the_interval():
    part = part_of(8, 200, seeds=2)
    for metric, one in estimate(part, ["auroc", "ap_real"], "too few", weights_of(part)).items():
        number = one.number(metric)
        assert number.value == pytest.approx(np.mean([METRICS[metric](part.labels, s) for s in part.scores]))
        assert (number.interval, number.error, number.reason) == (None, None, "too few")
        assert number.seeds_sd > 0


@pytest.mark.parametrize(("n_real", "n_generated"), [(0, 20), (20, 0)])
def test_a_missing_class_gives_nan_and_its_reason(n_real, n_generated):
    part = part_of(n_real, n_generated)
    for metric, one in estimate(part, list(METRICS), "no such images", None).items():
        assert np.isnan(one.number(metric).value)
        assert one.number(metric).reason == "no such images"
