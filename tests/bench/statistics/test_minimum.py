import numpy as np
import pytest

from bench.statistics.influence import Contrast, auroc_influence
from bench.statistics.intervals import auroc_interval
from bench.statistics.minimum import minimum_interval


def influence(distance, images=40, seed=0):
    stream = np.random.default_rng(seed)
    scores = np.concatenate([stream.normal(size=images), stream.normal(distance, 1, images)])
    return auroc_influence([Contrast(np.repeat([0, 1], images), scores, np.arange(2 * images))])


def test_of_one_auroc_it_is_its_own_interval():
    assert minimum_interval([influence(1.0)]) == auroc_interval(influence(1.0))


def test_the_lower_end_is_the_lowest_and_the_upper_end_the_lowest_of_longer_intervals():
    wide, narrow = influence(0.6, images=15, seed=1), influence(0.5, images=300, seed=2)
    low, high = minimum_interval([wide, narrow])
    assert auroc_interval(wide).low < auroc_interval(narrow).low
    assert auroc_interval(wide, 0.975).high > auroc_interval(narrow, 0.975).high
    assert low == auroc_interval(wide).low
    assert high == auroc_interval(narrow, 0.975).high > auroc_interval(narrow).high


def test_a_much_better_one_only_lengthens_it():
    alone, good = influence(0.0), influence(3.0)
    low, high = minimum_interval([alone, good])
    assert low == auroc_interval(alone).low
    assert high == auroc_interval(alone, 0.975).high


def test_nothing_has_no_least():
    with pytest.raises(ValueError, match="at least one"):
        minimum_interval([])
