from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_contrasts import influence_of

from bench.statistics.intervals import auroc_interval, holm, paired_test, smallest_difference
from bench.statistics.ranking import compact_letters, rank_detectors


def influence(value, se=0.01, n=101, seed=0):
    """A value with this standard error, and influences of its own."""
    values = np.random.default_rng(seed).normal(size=n)
    values -= values.mean()
    values *= se / np.sqrt(np.sum(values**2))
    return influence_of(value, np.arange(n), values, sizes=(50.0, 51.0))


def test_letters_of_ties_that_are_not_transitive():
    # a and b, b and c are not separated, but a and c are.
    assert compact_letters(["a", "b", "c"], [("a", "c")]) == {"a": "a", "b": "ab", "c": "b"}


@pytest.mark.parametrize(
    ("separated", "letters"),
    [
        ([], {"w": "a", "x": "a", "y": "a", "z": "a"}),
        (list(combinations("wxyz", 2)), {"w": "a", "x": "b", "y": "c", "z": "d"}),
        ([("w", "y"), ("w", "z"), ("x", "z")], {"w": "a", "x": "ab", "y": "bc", "z": "c"}),
        # The second is separated from the third, and both from nothing else.
        ([("x", "y")], {"w": "ab", "x": "a", "y": "b", "z": "ab"}),
    ],
)
def test_hand_computed_letters(separated, letters):
    assert compact_letters("wxyz", separated) == letters


def test_beyond_z_letters_are_numbered():
    names = [f"d{i:02}" for i in range(28)]
    letters = compact_letters(names, list(combinations(names, 2)))
    assert [letters[name] for name in names[-3:]] == ["z", "a1", "b1"]
    assert len(set(letters.values())) == 28


@settings(deadline=None)
@given(data=st.data(), n=st.integers(0, 7))
def test_two_share_a_letter_exactly_if_they_are_not_separated_and_no_letter_is_idle(data, n):
    names = [f"d{i}" for i in range(n)]
    pairs = list(combinations(names, 2))
    separated = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    letters = compact_letters(names, separated)
    for pair in pairs:
        assert bool(set(letters[pair[0]]) & set(letters[pair[1]])) == (pair not in separated)
    members = {letter: {name for name in names if letter in letters[name]} for letter in set("".join(letters.values()))}
    for letter, of in members.items():
        assert not any(of <= others for other, others in members.items() if other != letter)


def test_detectors_are_ordered_by_their_mean_and_separated_by_adjusted_paired_tests():
    # Errors of a difference are 0.0141: a - b 0.02 and b - c 0.03 are not shown, a - c 0.05 is (t 3.5, p 0.0006).
    given_influences = {
        name: {"mean": influence(value, seed=seed)}
        for seed, (name, value) in enumerate({"b": 0.88, "c": 0.85, "a": 0.90}.items())
    }
    ranking = rank_detectors(given_influences)
    assert ranking.order == ("a", "b", "c")
    assert [(pair.first, pair.second) for pair in ranking.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    tests = [
        paired_test(given_influences[one]["mean"], given_influences[other]["mean"])
        for one, other in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert [pair.test for pair in ranking.pairs] == tests
    assert [pair.p_adjusted for pair in ranking.pairs] == holm([test.p for test in tests]).tolist()
    assert ranking.pairs[0].smallest == smallest_difference(tests[0], 3)
    assert dict(ranking.letters) == {"a": "a", "b": "ab", "c": "b"}


def test_identical_detectors_are_ordered_by_name_and_share_their_letter():
    ranking = rank_detectors({"y": {"mean": influence(0.8)}, "x": {"mean": influence(0.8)}})
    assert ranking.order == ("x", "y")
    assert ranking.pairs[0].p_adjusted == 1
    assert dict(ranking.letters) == {"x": "a", "y": "a"}


def three_generators():
    """x leads on adm and biggan by little, y on dit by much; z is last but on dit."""
    values = {"x": (0.90, 0.80, 0.70), "y": (0.88, 0.79, 0.81), "z": (0.70, 0.79, 0.75)}
    return {
        name: {
            "adm": influence(of[0], seed=1),
            "biggan": influence(of[1], seed=2),
            "dit": influence(of[2], seed=3),
            "mean": influence(float(np.mean(of)), seed=seed),
        }
        for seed, (name, of) in enumerate(values.items())
    }


def test_wins_are_counted_over_generators_and_not_the_mean():
    wins = rank_detectors(three_generators()).wins
    assert wins["x"] == {"y": (2, 1, 0), "z": (2, 1, 0)}
    assert wins["y"] == {"x": (1, 2, 0), "z": (2, 0, 1)}
    assert wins["z"] == {"x": (1, 2, 0), "y": (0, 2, 1)}


def test_places_when_each_generator_in_turn_is_left_out():
    # Means without adm: x 0.75, y 0.80, z 0.77; without biggan: 0.80, 0.845, 0.725; without dit: 0.85, 0.835, 0.745.
    ranking = rank_detectors(three_generators())
    # Without adm, biggan and dit in turn.
    assert {name: left_out.places for name, left_out in ranking.leave_one_out.items()} == {
        "y": (1, 1, 2),
        "x": (3, 2, 1),
        "z": (2, 3, 3),
    }
    assert ranking.leave_one_out["x"].values == pytest.approx((0.75, 0.80, 0.85))


def test_of_two_generators_each_is_left_out_and_of_one_none():
    two = {name: {g: of[g] for g in ("adm", "dit")} for name, of in three_generators().items()}
    both = {name: {**of, "mean": influence((of["adm"].value + of["dit"].value) / 2)} for name, of in two.items()}
    assert rank_detectors(both).leave_one_out["y"].places == (1, 2)
    assert rank_detectors(both).leave_one_out["y"].values == pytest.approx((0.81, 0.88))
    alone = {name: {"adm": of["adm"], "mean": of["adm"]} for name, of in two.items()}
    assert rank_detectors(alone).leave_one_out == {}


def test_the_worst_generator_has_its_interval():
    ranking = rank_detectors(three_generators())
    assert {name: (generator, number.value) for name, (generator, number) in ranking.worst.items()} == {
        "x": ("dit", 0.70),
        "y": ("biggan", 0.79),
        "z": ("adm", 0.70),
    }
    assert ranking.worst["x"][1].interval == auroc_interval(three_generators()["x"]["dit"])
    assert not rank_detectors({"x": {"mean": influence(0.8)}}).worst


def test_with_one_seed_a_method_that_draws_for_all_images_is_judged_for_this_draw_alone():
    several = replace(influence(0.7, seed=3), seeds=(0.69, 0.71))
    influences = {"drawn": {"mean": influence(0.9)}, "fixed": {"mean": influence(0.8)}, "five": {"mean": several}}
    pairs = rank_detectors(influences, drawing={"drawn", "five"}).pairs
    assert {(pair.first, pair.second): pair.one_draw for pair in pairs} == {
        ("drawn", "fixed"): True,
        ("drawn", "five"): True,
        ("fixed", "five"): False,
    }
    assert [pair.columns["for_this_draw"] for pair in pairs] == [True, True, False]


def test_tests_of_single_generators_are_a_family_of_their_own():
    ranking = rank_detectors(three_generators())
    assert len(ranking.pairs) == 3
    assert len(ranking.by_generator) == 9
    assert {pair.generator for pair in ranking.by_generator} == {"adm", "biggan", "dit"}
    assert [pair.p_adjusted for pair in ranking.by_generator] == holm(
        [pair.test.p for pair in ranking.by_generator]
    ).tolist()
    assert [pair.p_adjusted for pair in ranking.pairs] == holm([pair.test.p for pair in ranking.pairs]).tolist()


def test_one_generator_is_its_own_target():
    ranking = rank_detectors({"x": {"adm": influence(0.8)}, "y": {"adm": influence(0.9)}}, target="adm")
    assert ranking.order == ("y", "x")
    assert ranking.by_generator == ()
    assert not ranking.leave_one_out
    assert ranking.wins["y"] == {"x": (1, 0, 0)}


def test_a_detector_without_influence_on_the_target_is_not_ranked():
    ranking = rank_detectors({"x": {"mean": influence(0.8)}, "y": {"adm": influence(0.9)}, "z": {}})
    assert ranking.order == ("x",)
    assert dict(ranking.letters) == {"x": "a"}
    assert ranking.pairs == ()
    assert dict(ranking.unranked) == dict.fromkeys("yz", "too few independent groups for an interval")
    assert rank_detectors({}).order == ()
