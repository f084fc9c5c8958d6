"""Plans from made stores: which pairs, in which family, and why some have none."""

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.errors import BenchError
from bench.results.planning import NO_DIFFERENCE, NO_ERROR, plan_images
from bench.results.rankings import rankings_of
from bench.results.summary import summarise
from bench.statistics.planning import SEEDS, pilot_of, plan
from bench.store.whole_store import read_store

pytestmark = pytest.mark.heavy

SHIFTS = {"good": 1.6, "fair": 1.2, "poor": 0.6}


def made(folder, real=60, generated=30, shifts=SHIFTS, generators=("gan", "ldm"), seeds=1, content="", title="made-up"):
    """Keeps scores of detectors whose generated images lie so far above the photographs."""
    described = {name: detector(name, seeds=seeds) for name in shifts}
    shown = images(real, generated, generators)
    for seed in range(seeds):
        rows = []
        for place, (name, shift) in enumerate(shifts.items()):
            stream = np.random.default_rng((place, seed))
            shared = np.random.default_rng(99)
            rows.append(
                scored(
                    shown,
                    described[name],
                    lambda path, label, source, stream=stream, shared=shared, shift=shift: float(
                        shift * label + shared.normal() + stream.normal()
                    ),
                    seed=seed,
                    content=content,
                    dataset=title,
                )
            )
        facts = {key: value for held in described.values() for key, value in held.items()}
        keep(folder, f"run{seed}{title}", [pl.concat(rows)], facts, wanted=len(shown))
    return folder


def test_pairs_are_those_of_the_ranking_and_one_family(tmp_path):
    (planned,) = plan_images(made(tmp_path), [0.05])
    assert (planned.title.split(" (")[0], planned.condition, planned.target) == ("made-up", "clean", "mean")
    assert [(pair.pair.first, pair.pair.second) for pair in planned.pairs] == [
        *(("good", "fair"), ("good", "poor"), ("fair", "poor")),
    ]
    (dataset,) = read_store(tmp_path)
    ranking = rankings_of(summarise(dataset.panel, ["auroc"]), dataset.panel)["clean"]
    for found, expected in zip(planned.pairs, ranking.pairs, strict=True):
        assert found.pair.test == expected.test
        assert found.pair.smallest == expected.smallest
        assert found.groups == (60, 60)
        assert found.observed.difference == abs(expected.test.difference)
        assert [of.difference for of in found.asked] == [0.05]
        # What the pilot finds anyway needs no more than the pilot has.
        assert (found.observed.both.real <= 60) == (expected.smallest <= abs(expected.test.difference))


def test_chosen_detectors_are_a_smaller_family_that_needs_fewer(tmp_path):
    (whole,) = plan_images(made(tmp_path), [0.05])
    (chosen,) = plan_images(tmp_path, [0.05], ["good", "poor"])
    (pair,) = chosen.pairs
    before = next(found for found in whole.pairs if (found.pair.first, found.pair.second) == ("good", "poor"))
    assert pair.pair.test == before.pair.test
    assert pair.asked[0].both.real < before.asked[0].both.real
    with pytest.raises(BenchError, match="no scores of detector 'best'"):
        plan_images(tmp_path, [0.05], ["best"])


def test_every_data_set_has_plans_of_its_own(tmp_path):
    made(tmp_path)
    made(tmp_path, real=40, content="other", title="another")
    assert [part.title.split(" (")[0] for part in plan_images(tmp_path, [0.05])] == ["another", "made-up"]


def test_a_pilot_with_few_groups_or_one_detector_is_refused(tmp_path):
    with pytest.raises(BenchError, match="at least 10 independent groups") as caught:
        plan_images(made(tmp_path / "few", real=9), [0.05])
    assert "\n" not in str(caught.value)
    assert "Here: gan: fewer than 10 independent groups among the real images (9)." in str(caught.value)
    with pytest.raises(BenchError, match="it takes two detectors"):
        plan_images(made(tmp_path / "alone", shifts={"good": 1.0}), [0.05])
    with pytest.raises(BenchError, match="There are no scores"):
        plan_images(tmp_path / "none", [0.05])


def test_a_pilot_without_an_error_or_a_difference_has_a_reason(tmp_path):
    shown, first, second = images(30, 30), detector("first"), detector("second")
    rows = [scored(shown, kind, lambda path, label, source: float(label)) for kind in (first, second)]
    keep(tmp_path, "run", [pl.concat(rows)], first | second, wanted=len(shown))
    (planned,) = plan_images(tmp_path, [0.05])
    assert [(pair.reason, pair.observed, pair.asked) for pair in planned.pairs] == [(NO_ERROR, None, ())]
    # The second gives the scores of the first to the images of a class in the opposite order.
    scores = dict(zip([path for path, _, _ in shown], np.random.default_rng(0).normal(size=60), strict=True))
    reversed_scores = dict(zip([path for path, _, _ in shown[29::-1] + shown[:29:-1]], scores.values(), strict=True))
    rows = [
        scored(shown, kind, lambda path, label, source, values=values: float(values[path]))
        for kind, values in ((first, scores), (second, reversed_scores))
    ]
    keep(tmp_path / "equal", "run", [pl.concat(rows)], first | second, wanted=len(shown))
    (pair,) = plan_images(tmp_path / "equal", [0.05])[0].pairs
    assert (pair.reason, pair.observed) == (NO_DIFFERENCE, None)
    assert pair.asked[0].both.real > 60


def test_seeds_that_scatter_leave_a_floor(tmp_path):
    (planned,) = plan_images(made(tmp_path, seeds=3), [0.0001])
    assert all(pair.several_seeds for pair in planned.pairs)
    assert {pair.asked[0].both.reason for pair in planned.pairs} == {SEEDS}


def test_a_plan_is_that_of_the_pilot_of_the_pair(tmp_path):
    (planned,) = plan_images(made(tmp_path), [0.03])
    (dataset,) = read_store(tmp_path)
    influences = summarise(dataset.panel, ["auroc"]).influences
    for found in planned.pairs:
        first, second = (influences[name, "clean"]["mean"] for name in (found.pair.first, found.pair.second))
        assert found.asked == (plan(pilot_of(first, second), 0.03, 3),)
