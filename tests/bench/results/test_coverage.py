"""Simulations: how often an interval holds the truth, and how often a test errs where nothing differs.

Scores are normal. A share of 2,000 data sets has a standard error of half a percent at 95 %, one of 1,000 of 0.7 %.
"""

import numpy as np
import pytest
from made_contrasts import ap_influence, facing, replicates
from scipy.stats import norm

from bench.results.estimates import Estimate, estimate
from bench.statistics.bootstrap import GroupBootstrap, Interval, interval
from bench.statistics.influence import Contrast, auroc_influence, mean_over_seeds
from bench.statistics.intervals import (
    auroc_interval,
    bounded_interval,
    paired_test,
    prediction_interval,
    standard_error,
)
from bench.statistics.metrics import METRICS, average_precision
from bench.store.panel import Part

pytestmark = pytest.mark.slow
ONE_OR_FOUR = pytest.mark.parametrize("of", [1, 4], ids=["single", "mean of four with shared reals"])
ONE_OR_FIVE = pytest.mark.parametrize("seeds", [1, 5], ids=["one seed", "five seeds"])


def shares(intervals, truth):
    """Shares of the intervals that lie below, around and above the truth; a missing one is not around it."""
    low, high = np.array([(np.nan, np.nan) if one is None else one for one in intervals]).T
    return float(np.mean(high < truth)), float(np.mean((low <= truth) & (truth <= high))), float(np.mean(low > truth))


def separation(truth):
    """Distance of two normal distributions with this AUROC."""
    return norm.ppf(truth) * np.sqrt(2)


def of_aurocs(truth, per_class, of, seeds, shift=None, noise=0.0, trials=2000):
    """A seed moves all generated images by one shift and gives each image a noise of its own.

    By default the shift is as large as the error over images of the distance between both means.
    """
    if shift is None:
        shift = np.sqrt((1 + 1 / of) / per_class) if seeds > 1 else 0.0
    rng, distance, intervals = np.random.default_rng(0), norm.ppf(truth) * np.sqrt(2 * (1 + noise**2) + shift**2), []
    for _ in range(trials):
        reals, generated = rng.normal(size=per_class), rng.normal(distance, 1, (of, per_class))
        influences = []
        for _ in range(seeds):
            moved = generated + shift * rng.normal() + noise * rng.normal(size=generated.shape)
            influences.append(auroc_influence(facing(reals + noise * rng.normal(size=per_class), moved)))
        intervals.append(auroc_interval(mean_over_seeds(influences)))
    return shares(intervals, truth)


# Measured: 93.5 to 95.8 % with one seed, 94.5 to 96.7 % with five.
@ONE_OR_FIVE
@ONE_OR_FOUR
@pytest.mark.parametrize(("truth", "per_class"), [(0.6, 48), (0.9, 48), (0.6, 500), (0.9, 500), (0.99, 500)])
def test_intervals_hold_the_true_auroc_in_95_percent_of_data_sets(truth, per_class, of, seeds):
    assert 0.93 <= of_aurocs(truth, per_class, of, seeds)[1] <= 0.97


@ONE_OR_FIVE
@ONE_OR_FOUR
def test_intervals_of_96_images_at_an_auroc_of_99_hold_in_98_percent_since_they_cannot_lie_above(of, seeds):
    # An interval that starts at 0.96 when all is in order cannot lie above 0.99: one of the two tails is empty.
    # Measured: 97.5 to 98.1 %.
    below, around, above = of_aurocs(0.99, 48, of, seeds)
    assert above == 0
    assert 0.01 <= below <= 0.035
    assert 0.965 <= around <= 0.99


# With a shift of 0.5, seeds make 0.77 (two seeds) to 0.84 (five) of the variance, with 0.2 some 0.55.
# Measured: 93.8 to 96.4 %.
@pytest.mark.parametrize(("seeds", "shift"), [(2, 0.2), (3, 0.2), (3, 0.5), (5, 0.2), (5, 0.5)])
def test_intervals_hold_the_mean_over_all_seeds_where_seeds_make_most_of_the_error(seeds, shift):
    assert 0.93 <= of_aurocs(0.9, 500, 1, seeds, shift, trials=1000)[1] <= 0.97


def test_intervals_over_two_seeds_far_apart_hold_the_mean_over_all_seeds_in_93_percent_only():
    # Shifts of 0.5 make AUROCs with a long lower tail, so intervals lie above the mean too often. Measured: 93.1 %, and
    # 92.2 % in the first 1,000 data sets.
    below, around, above = of_aurocs(0.9, 500, 1, 2, 0.5, trials=4000)
    assert 0.915 <= around <= 0.94
    assert above > below


@pytest.mark.parametrize(("per_class", "seeds"), [(48, 2), (48, 3), (500, 2)])
def test_noise_of_single_images_makes_intervals_over_few_seeds_hold_in_up_to_99_percent(per_class, seeds):
    # It enters both the error over images and that over seeds, so it counts twice.
    assert 0.95 <= of_aurocs(0.9, per_class, 1, seeds, 0.05, noise=0.5, trials=1000)[1] <= 0.99


def test_intervals_of_groups_hold_the_true_auroc_in_95_percent_of_data_sets():
    # Four crops of each of 60 photographs of a class.
    rng, distance, intervals = np.random.default_rng(0), 1.5, []
    labels, groups = np.repeat([0, 1], 240), np.arange(480) // 4
    for _ in range(2000):
        scores = distance * labels + np.repeat(rng.normal(size=120), 4) + rng.normal(0, np.sqrt(0.5), 480)
        intervals.append(auroc_interval(auroc_influence([Contrast(labels, scores, groups)])))
    assert 0.93 <= shares(intervals, norm.cdf(distance / np.sqrt(2 * 1.5)))[1] <= 0.97


def scores_of(rng, truth, per_class):
    return rng.normal(size=2 * per_class) + separation(truth) * np.repeat([0, 1], per_class)


def by_percentiles(metric, truth, per_class, trials=1000, draws=500):
    """Percentile intervals of a metric, none where all draws are alike."""
    labels, rows, rng = np.repeat([0, 1], per_class), np.arange(2 * per_class), np.random.default_rng(0)
    bootstrap = GroupBootstrap([f"g{i:05}" for i in rows], labels.tolist(), draws=draws)
    found: list[Interval | None] = []
    for _ in range(trials):
        one = interval(replicates(bootstrap, METRICS[metric], rows, scores_of(rng, truth, per_class)))
        found.append(one if one.low < one.high else None)
    return found


@pytest.mark.parametrize(
    ("truth", "per_class", "measured"), [(0.6, 48, 0.942), (0.9, 48, 0.928), (0.99, 48, 0.859), (0.99, 500, 0.927)]
)
def test_percentile_intervals_of_an_auroc_are_too_short_near_1(truth, per_class, measured):
    # Which is why they are not used for it.
    found = shares(by_percentiles("auroc", truth, per_class), truth)[1]
    assert found == pytest.approx(measured, abs=0.025)


def true_average_precision(truth, positive, many=400_000):
    labels = np.repeat([0, 1], many)
    return average_precision(labels, scores_of(np.random.default_rng(9), truth, many), positive)


# Which is why they are not used for it (`bench.results.estimates.INFLUENCES`).
@pytest.mark.parametrize(("truth", "measured"), [(0.6, 0.905), (0.9, 0.895), (0.99, 0.843)])
def test_percentile_intervals_of_an_average_precision_of_96_images_hold_in_only_84_to_91_percent(truth, measured):
    found = shares(by_percentiles("ap_generated", truth, 48), true_average_precision(truth, "generated"))[1]
    assert found == pytest.approx(measured, abs=0.025)


@pytest.mark.parametrize(
    ("truth", "per_class", "of", "measured"),
    [
        (0.6, 48, 1, 0.939),
        (0.9, 48, 1, 0.952),
        (0.99, 48, 1, 0.968),  # and none in the 2.3 % of data sets where all images are in order
        (0.9, 48, 4, 0.943),
        (0.9, 500, 1, 0.948),
        (0.9, 500, 4, 0.958),
    ],
)
def test_intervals_of_an_average_precision_on_the_logit_scale_hold_in_94_to_97_percent(truth, per_class, of, measured):
    rng, found = np.random.default_rng(0), []
    for _ in range(1000):
        reals, generated = rng.normal(size=per_class), rng.normal(separation(truth), 1, (of, per_class))
        found.append(bounded_interval(ap_influence(facing(reals, generated), "generated")))
    assert shares(found, true_average_precision(truth, "generated"))[1] == pytest.approx(measured, abs=0.02)


def of_rates(truth, per_class, seeds, shift=0.0, trials=1000, draws=500):
    """Shares of intervals of TPR at 5 % FPR below, around and above the mean over all seeds."""
    rng, labels, rows = np.random.default_rng(0), np.repeat([0, 1], per_class), np.arange(2 * per_class)
    weights = GroupBootstrap([f"g{i:05}" for i in rows], labels.tolist(), draws=draws).weights(rows)
    # The mean over z, of a standard normal distribution, of Phi(distance + shift z - 1.645).
    rate = norm.cdf((separation(truth) - norm.ppf(0.95)) / np.sqrt(1 + shift**2))
    found = []
    for _ in range(trials):
        scores = scores_of(rng, truth, per_class) + shift * rng.normal(size=(seeds, 1)) * labels
        part = Part(rows, labels, rows.astype(np.int32), scores, 0)
        one: Estimate = estimate(part, ["tpr_at_5_fpr"], None, weights)["tpr_at_5_fpr"]
        found.append(one.number("tpr_at_5_fpr").interval)
    return shares(found, rate)


# Measured in two runs each with 100, 200 and 500 images of each class: 95.1 and 95.9, 94.8 and 95.6, 94.7 and 95.1 % at
# 0.6; 93.7 and 95.1, 94.6 and 95.4, 93.5 and 95.1 % at 0.9.
@pytest.mark.parametrize("truth", [0.6, 0.9])
@pytest.mark.parametrize("per_class", [100, 200, 500])
def test_intervals_hold_the_true_rate_at_5_percent_false_positives_in_95_percent_of_data_sets(truth, per_class):
    assert 0.93 <= of_rates(truth, per_class, 1)[1] <= 0.97


# Measured in two runs: 97.0 and 97.5, 96.0 and 97.8, 96.4 and 96.7 %.
@pytest.mark.parametrize("per_class", [100, 200, 500])
def test_intervals_of_a_true_rate_of_95_percent_hold_in_96_to_98_percent(per_class):
    assert 0.95 <= of_rates(0.99, per_class, 1)[1] <= 0.985


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_hold_the_true_rate_over_all_seeds(seeds):
    # Seeds shift by 0.14, which moves the rate about as much as other images would. Measured: 93.4 to 94.9 %.
    assert 0.93 <= of_rates(0.9, 100, seeds, shift=np.sqrt(2 / 100), draws=300)[1] <= 0.97


@pytest.mark.parametrize("truth", [0.6, 0.9])
@pytest.mark.parametrize("per_class", [48, 500])
def test_five_percent_of_equal_detectors_differ_at_five_percent(truth, per_class):
    rng, distance, differ = np.random.default_rng(0), norm.ppf(truth) * np.sqrt(2 * 1.5), 0
    for _ in range(2000):
        content = distance * np.repeat([0, 1], per_class) + rng.normal(size=2 * per_class)
        scores = [content + rng.normal(0, np.sqrt(0.5), 2 * per_class) for _ in range(2)]
        first, second = (auroc_influence(facing(one[:per_class], [one[per_class:]])) for one in scores)
        differ += paired_test(first, second).p < 0.05
    assert 0.03 <= differ / 2000 <= 0.07


@pytest.mark.parametrize("papers_images", [100, 1000])
def test_nineteen_of_twenty_papers_lie_where_they_are_expected(papers_images):
    """Both sides draw their own images and seeds from the same distributions."""
    rng, ours, shift, inside, trials = np.random.default_rng(0), 300, 0.1, 0, 1000

    def measured(per_class, seeds):
        reals, generated = rng.normal(size=per_class), rng.normal(1.5, 1, per_class)
        moved = [facing(reals, [generated + rng.normal(0, shift)]) for _ in range(seeds)]
        return mean_over_seeds([auroc_influence(one) for one in moved])

    for _ in range(trials):
        own, paper = measured(ours, 5), measured(papers_images, 3)
        spread = float(np.var(own.seeds, ddof=1)) / 3
        low, high = prediction_interval(own.value, *standard_error(own), ours, papers_images, spread, own.seeds)
        inside += low <= paper.value <= high
    assert 0.93 <= inside / trials <= 0.97


@pytest.mark.parametrize(("truth", "per_class", "least"), [(0.9, 200, 0.9), (0.99, 200, 0.88), (0.9, 500, 0.93)])
def test_intervals_of_a_partial_auroc_hold_or_are_called_approximate(truth, per_class, least):
    # Percentiles of the bootstrap hold in 84 to 90 % only.
    name, distance, trials = "partial_auroc_5_fpr", separation(truth), 300
    labels, rng = np.repeat([0, 1], per_class), np.random.default_rng(0)
    fprs = (np.arange(100_000) + 0.5) / 2_000_000
    area = np.mean(norm.sf(norm.isf(fprs) - distance)) * 0.05
    exact, rows, inside = (1 + (area - 0.00125) / 0.04875) / 2, np.arange(2 * per_class), 0
    bootstrap = GroupBootstrap([f"g{i:05}" for i in rows], labels.tolist(), draws=300)
    weights = bootstrap.weights(rows)
    for _ in range(trials):
        scores = scores_of(rng, truth, per_class)
        part = Part(rows, labels, rows.astype(np.int32), scores[None], 0)
        number = estimate(part, [name], None, weights)[name].number(name)
        inside += number.interval.low <= exact <= number.interval.high
        assert (number.doubt is None) == (per_class >= 500)
    assert inside / trials >= least - 3 * np.sqrt(least * (1 - least) / trials)
