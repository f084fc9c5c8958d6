"""Whether a detector is above every cue, below one, or neither: small cases, and the slow simulations."""

import numpy as np
import pytest
from benchmark_scripts import module

from bench.results.cues.opponents import (
    ABOVE,
    BELOW,
    NOT_SEPARATED,
    Opponents,
    fitted_cues,
    mean_opponents,
    opponents_of,
    turned_cues,
    verdict_of,
)
from bench.statistics.crossfit import Feature, Images, parts_of
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence, combined
from bench.statistics.metrics import auroc

simulation = module("cue_verdicts")
TRIALS = 2000
LABELS = np.repeat([0, 1], 60)
IMAGES = Images(LABELS, [f"{i:03d}" for i in range(120)])
SHARED = np.random.default_rng(0).normal(size=(6, 120))


def feature(name: str, values: np.ndarray, categorical: bool = False) -> Feature:
    return Feature(name, values.astype(float), categorical, np.zeros(len(values), dtype=bool))


def detector(scores: np.ndarray) -> InfluenceValues:
    return auroc_influence([Contrast(LABELS, scores, IMAGES.codes)])


def cues(*strengths: float) -> list[Feature]:
    return [feature(f"cue {i}", SHARED[i] + strength * LABELS) for i, strength in enumerate(strengths)]


def test_a_detector_that_is_the_only_good_cue_is_not_separated_from_the_cues():
    opponents = opponents_of(cues(1.0, 0, 0, 0), IMAGES)
    assert verdict_of(detector(SHARED[0] + LABELS), opponents) == NOT_SEPARATED


def test_a_much_better_detector_is_above_and_a_useless_one_below():
    opponents = opponents_of(cues(1.0, 0, 0, 0), IMAGES)
    assert verdict_of(detector(SHARED[5] + 4 * LABELS), opponents) == ABOVE
    assert verdict_of(detector(SHARED[5]), opponents) == BELOW


def test_one_equal_cue_is_enough_not_to_be_above():
    opponents = opponents_of(cues(0, 0, 0, 3.0), IMAGES)
    better = detector(SHARED[5] + 3 * LABELS)
    assert verdict_of(better, opponents) == NOT_SEPARATED
    without = Opponents(
        {name: cue for name, cue in opponents.turned.items() if name != "cue 3"}, {}, detector(SHARED[0]), better
    )
    assert verdict_of(better, without) == ABOVE


def test_the_combination_of_weak_cues_stops_what_is_above_each():
    hidden, sign = SHARED[0], 0.4 * (2 * LABELS - 1)
    opponents = opponents_of([feature("a", hidden + sign), feature("b", hidden - sign)], IMAGES)
    assert opponents.together.value > 0.95
    good = detector(SHARED[5] + 2.5 * LABELS)
    assert all(cue.value < 0.75 for cue in opponents.turned.values())
    assert good.value > 0.9
    assert verdict_of(good, opponents) == NOT_SEPARATED


def test_numbers_are_turned_by_their_own_data_and_categories_cross_fitted():
    lower = feature("lower", -SHARED[0] - LABELS)
    useless = feature("useless", np.random.default_rng(1).integers(0, 30, 120), categorical=True)
    halves = parts_of(IMAGES, 2)
    fitted = fitted_cues([lower, useless], IMAGES, halves)
    turned = turned_cues([lower, useless], IMAGES, halves)
    assert turned["lower"].value == pytest.approx(1 - auroc(LABELS, lower.values))
    assert list(fitted) == ["lower", "useless, half 1", "useless, half 2"]
    both = [fitted[name].value for name in list(fitted)[1:]]
    assert turned["useless"].value == pytest.approx(np.mean(both))
    assert turned["useless"].value < 0.65


def test_holm_needs_more_than_one_bare_five_percent_to_say_below():
    def differing(shift: float) -> Opponents:
        fitted = {f"cue {i}": detector(SHARED[i]) for i in range(1, 5)}
        fitted["cue 0"] = detector(SHARED[0] + shift * LABELS)
        return Opponents({"itself": poor}, fitted, poor, poor)

    poor = detector(SHARED[5])
    shift = next(s for s in np.linspace(0, 2, 81) if verdict_of(poor, _only(differing(s), poor)) == BELOW)
    assert verdict_of(poor, differing(shift)) == NOT_SEPARATED
    assert verdict_of(poor, differing(shift + 1)) == BELOW


def _only(opponents: Opponents, poor: InfluenceValues) -> Opponents:
    return Opponents(opponents.turned, {"cue 0": opponents.fitted["cue 0"]}, poor, poor)


def test_the_mean_must_be_above_the_mean_of_each_generators_own_strongest_cue():
    telling, useless = feature("a", LABELS + 0.1 * SHARED[0]), feature("a", SHARED[1])
    first = opponents_of([telling, feature("b", SHARED[2])], IMAGES)
    second = opponents_of([useless, feature("b", LABELS + 0.1 * SHARED[3])], IMAGES)
    mean = mean_opponents([first, second])
    good = detector(SHARED[5] + 1.5 * LABELS)
    both = combined([good, good])
    assert all(0.7 < mean.turned[name].value < 0.85 for name in ("a", "b"))
    assert max(cue.value for cue in mean.turned.values()) == pytest.approx(1)
    assert mean.worst.value > 0.95
    assert verdict_of(both, mean) == BELOW


def test_too_few_images_have_no_opponents_and_fewer_than_ten_groups_a_reason():
    few = Images(np.repeat([0, 1], 3), list("abcdef"))
    assert opponents_of([feature("a", np.arange(6))], few) is None
    some = Images(np.repeat([0, 1], 9), [f"{i}" for i in range(18)])
    assert opponents_of([feature("a", np.arange(18))], some).reason == (
        "fewer than 10 independent groups among the real images (9)"
    )


def test_of_forty_detectors_that_are_the_cue_none_is_above():
    situation = simulation.NEVER_ABOVE["is the cue of 0.6, nine useless"]
    assert simulation.share_above(situation, 24, 40) == 0
    better = simulation.Situation(simulation.with_useless(0.6), 0.97)
    assert simulation.share_above(better, 50, 10) > 0.7


def with_chance(share: float) -> float:
    """Adds two standard errors of the simulation."""
    return share + 2 * np.sqrt(share * (1 - share) / TRIALS)


@pytest.mark.slow
@pytest.mark.parametrize("n", simulation.SIZES)
@pytest.mark.parametrize("name", list(simulation.NEVER_ABOVE))
def test_a_detector_no_better_than_a_cue_is_hardly_ever_above(name, n):
    most = 0.03 if "independent" in name else 0.025
    assert simulation.share_above(simulation.NEVER_ABOVE[name], n, TRIALS) <= with_chance(most)


@pytest.mark.slow
@pytest.mark.parametrize("n", simulation.SIZES)
@pytest.mark.parametrize("name", list(simulation.NEVER_BELOW))
def test_a_detector_is_below_no_useless_cue(name, n):
    assert simulation.share_below(simulation.NEVER_BELOW[name], n, TRIALS) <= with_chance(0.05)


# Measured: 29, 67 and 99 %. A test against the good cue alone, if one knew it, finds no more than 33, 71 and 99 %.
@pytest.mark.slow
@pytest.mark.parametrize(("n", "least"), [(24, 0.22), (50, 0.60), (200, 0.96)])
def test_looking_at_every_cue_finds_almost_what_looking_at_the_good_one_finds(n, least):
    situation = simulation.POWER["0.9 against 0.8, correlation 0.5"]
    found = simulation.share_above(situation, n, 400, combination=True)
    most = simulation.share_above_first(situation, n, 400)
    assert found >= least
    assert most - 0.1 <= found <= most
