"""Curves of degraded images and the areas under them, from panels that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from robustness_panels import HALF, IN_ORDER, ONE_SWAP, large, panel_of, report_of, small

from bench.report.plots.robustness import robustness_svg
from bench.report.robustness import robustness_notes
from bench.results.robustness import AREA, area_rankings, areas, robustness_curves, trapezoid_weights
from bench.results.summary import summarise
from bench.statistics.bootstrap import GroupBootstrap
from bench.statistics.intervals import auroc_interval, holm, paired_test, standard_error
from bench.statistics.metrics import METRICS, auroc


def test_the_area_by_hand():
    summary = small({("x", "clean"): IN_ORDER, ("x", "blur:3"): HALF, ("x", "blur:1"): ONE_SWAP})
    (area,) = areas(summary)
    assert area.levels == (0, 1, 3)
    assert area.auroc.value == pytest.approx((1 * (1 + 0.75) / 2 + 2 * (0.75 + 0.5) / 2) / 3, abs=1e-15)
    assert area.weights == pytest.approx({"clean": 1 / 6, "blur:1": 3 / 6, "blur:3": 2 / 6})
    assert area.change.value == pytest.approx(area.auroc.value - 1)
    assert (area.auroc.interval, area.influence) == (None, None)
    assert "fewer than 10" in area.auroc.reason


def test_the_area_over_jpeg_leaves_the_clean_images_out():
    summary = small({("x", "clean"): IN_ORDER, ("x", "jpeg:90"): ONE_SWAP, ("x", "jpeg:50"): HALF})
    (area,) = areas(summary)
    assert (area.levels, area.axis.title) == ((50, 90), "quality")
    assert area.auroc.value == pytest.approx((0.75 + 0.5) / 2)


def test_weights_are_those_of_numpys_trapezoids():
    levels, values = [0.05, 0.1, 0.3, 0.31, 1.0], np.random.default_rng(0).uniform(size=5)
    expected = np.trapezoid(values, levels) / (levels[-1] - levels[0])
    assert trapezoid_weights(levels) @ values == pytest.approx(expected, abs=1e-15)
    assert trapezoid_weights(levels).sum() == pytest.approx(1)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_error_of_an_area_is_the_bootstraps(seeds):
    panel = large(["x"], seeds=seeds)
    (area,) = areas(summarise(panel, ["auroc"]))
    part = panel.part("x", "clean")
    drawn = GroupBootstrap(panel.images["group"].to_list(), panel.labels.tolist(), draws=4000)
    weights = drawn.weights(part.rows)
    replicates = sum(
        weight * METRICS["auroc"].replicates(part.labels, scores, weights) / seeds
        for condition, weight in area.weights.items()
        for scores in panel.part("x", condition).scores
    )
    images = replace(area.influence, seeds=(area.auroc.value,))
    assert standard_error(images).se == pytest.approx(np.std(replicates), rel=0.05)
    low, high = np.quantile(replicates, [0.025, 0.975])
    assert auroc_interval(images) == pytest.approx((low, high), abs=0.01)


def test_the_levels_of_an_area_are_not_taken_for_independent():
    """Where all levels score alike, averaging over them gains nothing."""
    panel = large(["x"])
    same = {("x", condition): [panel.part("x", "clean").scores[0]] for condition in ("clean", "blur:1", "blur:5")}
    summary = summarise(panel_of(same, panel.labels.tolist(), panel.images["group"].to_list()), ["auroc"])
    (area,) = areas(summary)
    clean = next(row.numbers["auroc"] for row in summary.rows if row.condition == "clean")
    assert area.auroc.interval == pytest.approx(clean.interval, abs=1e-9)
    assert (area.change.value, area.change.interval) == (0, (0, 0))


def test_seeds_of_an_area_are_combined_one_by_one():
    panel = large(["x"], seeds=3)
    (area,) = areas(summarise(panel, ["auroc"]))
    parts = {condition: panel.part("x", condition) for condition in area.weights}
    expected = [
        sum(area.weights[condition] * auroc(part.labels, part.scores[seed]) for condition, part in parts.items())
        for seed in range(3)
    ]
    assert area.auroc.seeds == pytest.approx(expected)
    assert area.auroc.seeds_sd == pytest.approx(np.std(expected, ddof=1))


def test_the_change_of_an_area_is_paired_seed_by_seed():
    summary = summarise(large(["x"], seeds=3), ["auroc"])
    (area,) = areas(summary)
    test = paired_test(area.influence, summary.influences["x", "clean"]["a"], same_seeds=True)
    assert (area.change.value, *area.change.interval) == (test.difference, test.low, test.high)


def test_areas_are_compared_in_pairs_with_holm_within_the_kind():
    panel = large(conditions=("clean", "blur:1", "blur:3", "noise:0.1", "noise:0.3"))
    found = areas(summarise(panel, ["auroc"]))
    rankings = area_rankings(found, panel)
    assert list(rankings) == ["blur", "noise"]
    for kind, ranking in rankings.items():
        own = {area.detector: area.influence for area in found if area.kind == kind}
        tests = [paired_test(own[pair.first], own[pair.second]) for pair in ranking.pairs]
        assert [pair.test for pair in ranking.pairs] == tests
        assert [pair.p_adjusted for pair in ranking.pairs] == holm([test.p for test in tests]).tolist()
        assert len(tests) == 3
        assert all(pair.generator == AREA for pair in ranking.pairs)


def test_the_difference_of_areas_is_paired():
    """Two detectors with the same scores are no different, however uncertain each is."""
    panel = large(["x"])
    scores = {(name, of): panel.part("x", of).scores for name in ("x", "twin") for _, of in panel.cells}
    twins = panel_of(scores, panel.labels.tolist(), panel.images["group"].to_list())
    (pair,) = area_rankings(areas(summarise(twins, ["auroc"])), twins)["blur"].pairs
    assert (pair.test.difference, pair.test.p) == (0, 1)


def test_a_class_limited_condition_is_a_curve_of_its_own():
    generated = {"clean": IN_ORDER, "noise:0.1@generated": ONE_SWAP, "noise:0.2@generated": HALF, "noise:0.1": HALF}
    limited, both = robustness_curves(small({("x", condition): one for condition, one in generated.items()}))
    assert (limited.kind, both.kind) == ("noise@generated", "noise")
    values = [(level, row.numbers["auroc"].value) for level, row in limited.points["x"]]
    assert values == [(0, 1), (0.1, 0.75), (0.2, 0.5)]
    assert limited.axis.title == "standard deviation"
    assert limited.axis.untouched == 0
    assert [level for level, _ in both.points["x"]] == [0, 0.1]


def test_some_kinds_have_a_level_that_leaves_images_as_they_are():
    cells = ("clean", "jpeg:90", "resize:0.5", "resize:64px,back=yes", "crop:0.8", "blur:2")
    kinds = {curve.kind: curve for curve in robustness_curves(small({("x", of): IN_ORDER for of in cells}))}
    untouched = {kind: curve.axis.untouched for kind, curve in kinds.items()}
    assert untouched == {"jpeg": None, "resize": 1, "resize px,back=yes": None, "crop": 1, "blur": 0}


def test_a_detector_without_all_levels_has_no_area_and_is_marked():
    panel = large(["x", "y"], ["clean", "blur:1", "blur:2"])
    kept = [cell for cell in panel.cells if cell != ("y", "blur:1")]
    scores = {cell: panel.part(*cell).scores for cell in kept}
    summary = summarise(panel_of(scores, panel.labels.tolist(), panel.images["group"].to_list()), ["auroc"])
    (curve,) = robustness_curves(summary)
    assert curve.levels == [0, 1, 2]
    assert curve.incomplete == {"y": "no scores at level 1"}
    whole, incomplete = areas(summary)
    assert whole.auroc.interval is not None
    assert np.isnan(incomplete.auroc.value)
    ranking = area_rankings([whole, incomplete], panel)["blur"]
    assert (ranking.order, ranking.unranked) == (("x",), {"y": "no scores at level 1"})
    assert "y (incomplete)" in robustness_svg(curve)
    assert "x (incomplete)" not in robustness_svg(curve)
    assert "blur, y: no area or interval, no scores at level 1." in robustness_notes(report_of(summary))


def test_a_level_with_fewer_images_is_marked():
    summary = small({("x", "clean"): IN_ORDER, ("x", "blur:1"): [0.0, np.nan, 1.0, 3.0]})
    (curve,) = robustness_curves(summary)
    assert curve.incomplete == {"x": "fewer images than elsewhere at level 1"}


def test_a_detector_keeps_its_colour_where_another_has_no_curve():
    panel = large(["x", "y"], ["clean", "blur:1", "blur:2"])
    scores = {cell: panel.part(*cell).scores for cell in panel.cells if cell[0] == "y" or cell[1] == "clean"}
    summary = summarise(panel_of(scores, panel.labels.tolist(), panel.images["group"].to_list()), ["auroc"])
    (curve,) = robustness_curves(summary)
    assert curve.detectors == ["x", "y"]
    assert curve.incomplete == {"x": "no scores at level 1, 2"}


def test_areas_of_detectors_that_lack_different_images_are_compared_on_those_that_both_have():
    panel = large(["x", "y"], ["clean", "blur:1", "blur:2"])
    groups = panel.images["group"].unique().sort()
    lacking = panel.leaving_out({"y": groups[:7].to_list()})
    both = panel.leaving_out(dict.fromkeys(["x", "y"], groups[:7].to_list()))
    (pair,) = area_rankings(areas(summarise(lacking, ["auroc"])), lacking)["blur"].pairs
    (expected,) = area_rankings(areas(summarise(both, ["auroc"])), both)["blur"].pairs
    sign = 1 if pair.first == expected.first else -1
    assert pair.test.difference == pytest.approx(sign * expected.test.difference)
    assert pair.test.p == pytest.approx(expected.test.p)
    assert (pair.images, expected.images) == (int((both.present[0]).sum()), None)
