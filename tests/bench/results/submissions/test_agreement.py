"""Two submissions of one method: when they count as equal, measured by hand."""

import math

import numpy as np
import pytest

from bench.results.submissions.agreement import TOLERANCE, difference_of, spread_of

SCORES = np.array([0.0, 1.0, 2.0, 3.0, 4.0] * 20)


def test_the_spread_is_the_standard_deviation_where_no_score_lies_far_out():
    assert spread_of(SCORES) == pytest.approx(math.sqrt(2))


def test_one_score_far_out_does_not_make_all_others_equal():
    far = np.append(SCORES, 1e9)
    assert spread_of(far) < 2
    moved = far.copy()
    moved[0] += 0.01
    found = difference_of({("clean", 0): far}, {("clean", 0): moved})
    assert not found.within
    assert found.image == 0


def test_scores_that_are_alike_but_for_a_few_have_the_spread_of_all():
    few = np.zeros(1000)
    few[:5] = 1.0
    assert spread_of(few) == pytest.approx(math.sqrt(0.005 * 0.995))


@pytest.mark.parametrize(("step", "within"), [(0.99 * TOLERANCE, True), (1.01 * TOLERANCE, False)])
def test_the_tolerance_is_in_spreads(step, within):
    moved = SCORES.copy()
    moved[7] -= step * math.sqrt(2)
    found = difference_of({("clean", 0): SCORES}, {("clean", 0): moved})
    assert found.within is within
    assert found.spreads == pytest.approx(step, rel=1e-3)
    assert (found.condition, found.seed, found.image) == ("clean", 0, 7)
    assert found.scores == (SCORES[7], moved[7])


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e300])
def test_the_unit_of_the_scores_does_not_matter(scale):
    other = SCORES + 0.001
    found = difference_of({("clean", 0): SCORES * scale}, {("clean", 0): other * scale})
    assert found.spreads == pytest.approx(0.001 / math.sqrt(2), rel=1e-6)


def test_the_largest_difference_of_all_that_both_have_counts():
    first = {("clean", 0): SCORES, ("clean", 1): SCORES, ("jpeg:75", 0): SCORES}
    second = {("clean", 0): SCORES, ("jpeg:75", 0): SCORES + 0.1, ("clean", 2): SCORES + 9}
    found = difference_of(first, second)
    assert (found.condition, found.seed, found.shared) == ("jpeg:75", 0, 2)
    assert difference_of({("clean", 0): SCORES}, {("clean", 1): SCORES}) is None


def test_images_that_a_condition_leaves_out_are_no_difference():
    some = SCORES.copy()
    some[:50] = np.nan
    found = difference_of({("clean", 0): some}, {("clean", 0): some.copy()})
    assert found.spreads == 0.0
    moved = some.copy()
    moved[60] += 1
    assert difference_of({("clean", 0): some}, {("clean", 0): moved}).image == 60


def test_scores_without_a_spread_must_be_the_same():
    flat = np.ones(10)
    assert difference_of({("clean", 0): flat}, {("clean", 0): flat}).within
    assert difference_of({("clean", 0): flat}, {("clean", 0): flat + 1e-12}).spreads == math.inf
    assert difference_of({("clean", 0): np.zeros(3)}, {("clean", 0): np.zeros(3)}).within
