import numpy as np
import pytest

from bench.statistics.ascending import Ascending, Between

RNG = np.random.default_rng(0)
CASES = {
    "no ties": (RNG.normal(size=7), RNG.normal(size=4)),
    "ties within": (np.array([2.0, 1.0, 2.0, 0.0]), np.array([3.0, 0.5, 3.0])),
    "ties between": (np.array([2.0, 1.0, 2.0, 0.0]), np.array([2.0, 5.0, 0.0, 2.0, -1.0])),
    "all alike": (np.zeros(3), np.zeros(2)),
    "signed zeros": (np.array([0.0, -0.0, 1.0]), np.array([-0.0])),
    "apart": (np.array([1.0]), np.array([2.0, 3.0])),
}


@pytest.mark.parametrize("name", CASES)
def test_places_are_those_of_a_look_at_every_pair(name):
    scores = CASES[name]
    sides = [Ascending(of_class) for of_class in scores]
    between = Between(*sides)
    for at, side in enumerate(sides):
        np.testing.assert_array_equal(side.scores[side.rank], scores[at])
        here, other = side.scores[:, None], sides[1 - at].scores[None, :]
        np.testing.assert_array_equal(side.below, (side.scores[None, :] < here).sum(axis=1))
        np.testing.assert_array_equal(side.up_to, (side.scores[None, :] <= here).sum(axis=1))
        np.testing.assert_array_equal(between.below[at], (other < here).sum(axis=1))
        np.testing.assert_array_equal(between.up_to[at], (other <= here).sum(axis=1))
    assert between.levels == len(np.unique(np.concatenate(scores)))
