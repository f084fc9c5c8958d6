"""Intervals of shares of images above a threshold."""

import numpy as np
import pytest
from threshold_panels import exact_interval

from bench.results.thresholds.shares import Counts, binomial_fpr, share_number
from bench.store.panel import Part


def reals(n, images_per_group=1):
    """So many real images."""
    groups = (np.arange(n) // images_per_group).astype(np.int32)
    return Part(np.arange(n), np.zeros(n, dtype=np.int64), groups, np.zeros((1, n)), 0)


def above(*counts):
    """So many real images above the threshold of each seed."""
    counted = np.array(counts, dtype=np.float64)[:, None]
    return Counts(counted, np.ones(1), np.zeros_like(counted), np.zeros(1))


@pytest.mark.parametrize(("count", "n"), [(0, 20), (1, 20), (50, 1000), (20, 20), (0, 1), (1, 1)])
def test_the_interval_of_an_fpr_is_that_of_clopper_and_pearson(count, n):
    assert binomial_fpr(reals(n), above(count)) == pytest.approx(exact_interval(count, n), abs=1e-9)


def test_the_interval_of_an_fpr_over_seeds_is_that_of_the_mean_count_rounded_outwards():
    low, high = binomial_fpr(reals(20), above(1, 2))
    assert (low, high) == pytest.approx((exact_interval(1, 20)[0], exact_interval(2, 20)[1]), abs=1e-9)


def test_an_fpr_of_no_image_or_of_images_that_share_groups_has_no_exact_interval():
    assert binomial_fpr(reals(0), above(0)) is None
    assert binomial_fpr(reals(20, images_per_group=2), above(1)) is None


@pytest.mark.parametrize(("value", "count"), [(0.0, 0), (1.0, 30)])
def test_where_every_draw_is_0_or_1_the_interval_is_that_of_none_or_all_groups(value, count):
    number = share_number(np.array([value]), np.full(100, value), 30, None)
    assert number.value == value
    assert number.interval == pytest.approx(exact_interval(count, 30), abs=1e-9)


def test_where_every_draw_gives_the_same_share_between_0_and_1_there_is_no_interval():
    number = share_number(np.array([0.5]), np.full(100, 0.5), 30, None)
    assert (number.value, number.interval) == (0.5, None)
    assert number.reason == "every bootstrap draw gives the same"
