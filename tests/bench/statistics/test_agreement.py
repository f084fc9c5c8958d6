from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.statistics.agreement import TIED, agreement, kendall_w, spearman_rho

STREAM = np.random.default_rng(0)
THREE = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.7, 0.8, 0.6], [0.8, 0.9, 0.6, 0.7]])
PAIRS = len(list(combinations(range(4), 2)))


def nothing_known(sets=2):
    return np.zeros((sets, PAIRS))


@pytest.mark.parametrize("levels", [3, 100])
def test_rho_is_scipys_with_and_without_ties(levels):
    for first, second in STREAM.integers(0, levels, (20, 2, 6)) / 100:
        assert spearman_rho(first, second) == pytest.approx(spearmanr(first, second).statistic)


def test_w_is_the_one_computed_by_hand():
    # The squared distances of the sums from 7.5 add up to 3.5^2 + 2.5^2 + 1.5^2 + 4.5^2 = 41.
    ranks = np.array([[4, 3, 2, 1], [4, 3, 2, 1], [3, 4, 2, 1]])
    assert ranks.sum(axis=0).tolist() == [11, 10, 6, 3]
    assert float(kendall_w(ranks / 10)) == pytest.approx(12 * 41 / (9 * 60))


def test_w_of_two_sets_says_what_rho_does():
    for values in STREAM.random((10, 2, 7)):
        assert kendall_w(values) == pytest.approx((1 + spearman_rho(values[0], values[1])) / 2)


def test_what_differs_by_rounding_alone_is_tied():
    third = 0.1 + 0.2
    assert spearman_rho([0.3, third, 0.5], [0.1, 0.2, 0.3]) == pytest.approx(
        spearmanr([0.3, 0.3, 0.5], [1, 2, 3]).statistic
    )


def test_draws_are_taken_one_by_one():
    drawn = STREAM.random((5, 3, 4))
    assert kendall_w(drawn) == pytest.approx([float(kendall_w(values)) for values in drawn])
    assert spearman_rho(drawn[:, 0], drawn[:, 1]) == pytest.approx(
        [float(spearman_rho(values[0], values[1])) for values in drawn]
    )


def test_a_set_on_which_all_are_tied_has_no_agreement():
    values = [[0.5] * 4, [0.9, 0.8, 0.7, 0.6]]
    found = agreement(values, np.tile(values, (10, 1, 1)), nothing_known())
    assert np.isnan(found.value)
    assert found.reason == TIED


def test_one_stays_in_the_interval_until_two_detectors_are_separated_both_ways():
    drawn = np.tile(THREE[:2], (100, 1, 1))
    value = float(spearman_rho(THREE[0], THREE[1]))
    assert value == pytest.approx(0.8)
    assert agreement(THREE[:2], drawn, nothing_known()).interval == pytest.approx((-1, 1))
    alike, turned = nothing_known(), nothing_known()
    alike[:, 0] = 1
    turned[:, 3] = 1, -1
    assert agreement(THREE[:2], drawn, alike).interval == pytest.approx((value, 1))
    assert agreement(THREE[:2], drawn, turned).interval == pytest.approx((-1, value))
    assert agreement(THREE[:2], drawn, alike + turned).interval == pytest.approx((value, value))


def test_w_may_be_one_until_any_two_of_the_sets_contradict_each_other():
    drawn, value = np.tile(THREE, (100, 1, 1)), float(kendall_w(THREE))
    assert agreement(THREE, drawn, nothing_known(3)).interval == pytest.approx((value, 1))
    turned = nothing_known(3)
    turned[:, 2] = 1, 0, -1
    assert agreement(THREE, drawn, turned).interval == pytest.approx((value, value))
