import numpy as np
import pytest

from bench.statistics.influence import Contrast, auroc_influence, combined
from bench.statistics.intervals import standard_error
from bench.statistics.joint import drawn_aurocs, regrouped

NAMES = np.array([f"group {number:03d}" for number in range(200)])


def measured(distance, groups, seed=0):
    """An AUROC of one image a group: the first half of the groups is real."""
    stream, labels = np.random.default_rng(seed), np.repeat([0, 1], len(groups) // 2)
    scores = stream.normal(size=len(groups)) + distance * labels
    return auroc_influence([Contrast(labels, scores, np.asarray(groups))])


def test_other_codes_change_no_number():
    influence = measured(1.0, range(60))
    codes = np.arange(60)[::-1].copy()
    other = regrouped(influence, codes)
    assert standard_error(other) == pytest.approx(standard_error(influence))
    assert other.groups.tolist() == list(range(60))
    assert other.values == pytest.approx(influence.values[::-1])


def test_groups_of_one_code_become_one_and_their_influences_are_added():
    influence, codes = measured(1.0, range(60)), np.arange(60)
    codes[59], codes[1] = 0, 0  # a generated image and a real one join the first real one
    other = regrouped(influence, codes)
    assert len(other.groups) == 58
    assert other.values[0] == pytest.approx(influence.values[[0, 1, 59]].sum())
    assert other.classes[0] == 3
    assert combined([other]).value == influence.value


def test_draws_scatter_as_the_standard_errors_say_and_together_where_groups_are_shared():
    sets = {"one": [measured(0.8, range(100)), measured(1.2, range(100), seed=1)], "two": [measured(0.8, range(100))]}
    drawn = drawn_aurocs(sets, NAMES, 4000)
    for name, influences in sets.items():
        for column, influence in enumerate(influences):
            assert drawn[name][:, column].mean() == pytest.approx(influence.value, abs=0.003)
            assert drawn[name][:, column].std() == pytest.approx(standard_error(influence).se, rel=0.05)
    assert drawn["one"][:, 0] == pytest.approx(drawn["two"][:, 0])  # the same images in two sets
    covariance = sets["one"][0].values @ sets["one"][1].values
    assert np.cov(drawn["one"].T)[0, 1] == pytest.approx(covariance, abs=0.0002)


def test_sets_without_a_common_group_are_drawn_apart_though_they_are_alike():
    sets = {"one": [measured(0.8, range(100))], "two": [measured(0.8, range(100, 200))]}
    drawn = drawn_aurocs(sets, NAMES, 2000)
    assert abs(np.corrcoef(drawn["one"][:, 0], drawn["two"][:, 0])[0, 1]) < 0.1


@pytest.mark.heavy
def test_half_of_the_groups_in_common_makes_half_of_the_scatter_common():
    shared = [*range(25), *range(50, 75)]
    sets = {
        "one": [measured(0.8, [*range(50), *range(50, 100)])],
        "two": [measured(0.8, [*range(25), *range(100, 125), *range(50, 75), *range(125, 150)])],
    }
    drawn = drawn_aurocs(sets, NAMES, 4000)
    one, two = sets["one"][0], sets["two"][0]
    at = [np.isin(influence.groups, shared) for influence in (one, two)]
    expected = one.values[at[0]] @ two.values[at[1]]
    # Strata keep their sizes, so what differs between the shared groups and the others is not drawn.
    assert np.cov(drawn["one"][:, 0], drawn["two"][:, 0])[0, 1] == pytest.approx(expected, rel=0.2)


def test_draws_depend_neither_on_the_order_of_sets_nor_on_others():
    sets = {"one": [measured(0.8, range(100))], "two": [measured(1.0, range(100, 200))]}
    drawn, turned = drawn_aurocs(sets, NAMES, 50), drawn_aurocs(dict(reversed(sets.items())), NAMES, 50)
    alone = drawn_aurocs({"one": sets["one"]}, NAMES, 50)
    assert np.array_equal(drawn["one"], turned["one"])
    assert np.array_equal(drawn["one"], alone["one"])
    assert np.array_equal(drawn["two"], turned["two"])


def test_a_group_of_both_classes_is_one_draw():
    labels, groups = np.repeat([0, 1], 40), np.tile(np.arange(40), 2)
    scores = np.random.default_rng(0).normal(size=80) + labels
    influence = auroc_influence([Contrast(labels, scores, groups)])
    drawn = drawn_aurocs({"one": [influence]}, NAMES, 4000)["one"][:, 0]
    assert drawn.std() == pytest.approx(standard_error(influence).se, rel=0.05)
