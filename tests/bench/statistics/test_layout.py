import numpy as np
import pytest

from bench.statistics.influence import Contrast, Placed, auroc_influence, combined
from bench.statistics.layout import KEPT, Layout, _kept

LABELS = np.array([0, 0, 0, 1, 1, 1])


def scores(seed):
    return np.random.default_rng(seed).normal(size=6).round(1)


@pytest.mark.parametrize("groups", [np.arange(6), np.array([5, 4, 3, 2, 1, 0]), np.array([0, 1, 1, 1, 2, 3])])
def test_a_layout_that_is_shared_gives_what_each_would_make_of_its_own(groups):
    layout = Layout(LABELS, groups)
    for seed in range(3):
        contrast = Contrast(LABELS, scores(seed), groups)
        shared, own = Placed(contrast, layout).auroc(), auroc_influence([contrast])
        assert shared.value == own.value
        np.testing.assert_array_equal(shared.values, own.values)
        assert shared.groups is layout.groups


def test_a_union_is_made_once_for_the_same_groups_and_only_the_last_ones_are_kept():
    layouts = [Layout(LABELS, np.arange(6) + shift) for shift in range(KEPT + 2)]

    def means(first, second):
        parts = [Contrast(LABELS, scores(number), layouts[number].groups) for number in (first, second)]
        return combined([Placed(part, layouts[n]).auroc() for part, n in zip(parts, (first, second), strict=True)])

    one, other = means(0, 1), means(0, 1)
    assert one.groups is other.groups
    assert one.groups.tolist() == list(range(7))
    assert one.classes.tolist() == [1, 1, 1, 3, 2, 2, 2]
    for number in range(1, KEPT + 1):
        means(number, number + 1)
    assert len(_kept) == KEPT
    again = means(0, 1)
    assert again.groups is not one.groups
    np.testing.assert_array_equal(again.values, one.values)
