import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t

from bench.statistics.generators import generators_refusal, over_generators, without_each
from bench.statistics.influence import Contrast, auroc_influence, combined
from bench.statistics.intervals import auroc_interval

REAL, GENERATED = 30, 20


def scores_of(distances, stream):
    return stream.normal(size=REAL), [stream.normal(distance, 1, GENERATED) for distance in distances]


def influences_of(reals, generated):
    return [
        auroc_influence(
            [
                Contrast(
                    np.repeat([0, 1], [REAL, len(images)]),
                    np.concatenate([reals, images]),
                    np.concatenate([np.arange(REAL), 1000 * (number + 1) + np.arange(len(images))]),
                )
            ]
        )
        for number, images in enumerate(generated)
    ]


def slow_intervals(reals, generated):
    """By DeLong's covariance matrix of the AUROCs, pair by pair."""
    number = len(generated)
    above = np.array([[np.mean(images > real) + np.mean(images == real) / 2 for real in reals] for images in generated])
    below = [[np.mean(reals < image) + np.mean(reals == image) / 2 for image in images] for images in generated]
    aurocs, covariance = above.mean(axis=1), np.cov(above) / len(reals)
    shared = np.mean([covariance[g, h] for g in range(number) for h in range(number) if g != h])
    own = [covariance[g, g] + np.var(below[g], ddof=1) / len(below[g]) for g in range(number)]
    scatter, mean = aurocs.var(ddof=1), aurocs.mean()
    between = max(0.0, scatter - np.mean(own) + shared)
    fixed = (sum(own) + number * (number - 1) * shared) / number**2
    total = between / number + fixed
    return mean, between, total, scatter / number, max(shared, 0.0)


def test_the_spread_and_both_intervals_are_those_of_delongs_covariances():
    stream = np.random.default_rng(3)
    reals, generated = scores_of(stream.normal(1.0, 0.8, 12), stream)
    found = over_generators(influences_of(reals, generated))
    mean, between, total, scatter, _ = slow_intervals(reals, generated)
    assert between > 0.005
    assert found.mean == pytest.approx(mean)
    assert found.spread == pytest.approx(np.sqrt(between))
    assert total >= scatter  # what the shared reals add
    ahead = t.ppf(0.975, 11) * np.sqrt(between + total)
    assert found.unseen == pytest.approx((max(mean - ahead, 0), min(mean + ahead, 1)))
    arm = (logit(found.kind.high) - logit(found.kind.low)) / 2 * mean * (1 - mean)
    assert t.ppf(0.975, 60) * np.sqrt(total) < arm < t.ppf(0.975, 11) * np.sqrt(total)
    assert expit(logit(mean) - arm / (mean * (1 - mean))) == pytest.approx(found.kind.low)


def test_without_scatter_the_mean_has_the_error_of_its_images_alone():
    stream = np.random.default_rng(0)
    reals, (images,) = scores_of([1.0], stream)
    found = over_generators(influences_of(reals, [images] * 10))
    usual = auroc_interval(combined(influences_of(reals, [images] * 10)))
    assert found.spread == 0
    assert found.kind.low <= usual.low
    assert usual.high <= found.kind.high
    assert found.unseen.low <= found.kind.low < found.mean < found.kind.high <= found.unseen.high


def test_everything_in_order_leaves_no_error_and_no_division_by_zero():
    found = over_generators(influences_of(np.arange(REAL, dtype=float), [np.arange(GENERATED) + 100.0] * 10))
    assert (found.mean, found.spread, found.kind.high, found.unseen.high) == (1.0, 0.0, 1.0, 1.0)
    assert 0.8 < found.unseen.low == found.kind.low < 1  # never a point: the one for exactly these is none


def test_a_single_generator_is_no_sample():
    reals, generated = scores_of([1.0], np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least two generators, got 1"):
        over_generators(influences_of(reals, generated))


def test_nine_generators_are_refused_and_ten_are_not():
    assert generators_refusal(9) == "needs ten generators, has 9"
    assert generators_refusal(10) is None


def test_leaving_one_out_gives_the_mean_of_the_others():
    values = [0.9, 0.6, 0.75, 0.5]
    expected = [np.mean(values[:i] + values[i + 1 :]) for i in range(4)]
    assert without_each(values) == pytest.approx(expected)
