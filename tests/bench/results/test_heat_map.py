"""The changes against the clean images, their tests, and how they are arranged."""

import math
from dataclasses import replace

import numpy as np
import pytest
from robustness_panels import large, panel_of, report_of, small

from bench.results.heat_map import HeatMap, degraded, heat_map_of
from bench.results.rankings import rankings_of
from bench.results.summary import Change, adjusted, summarise
from bench.statistics.intervals import paired_test
from bench.statistics.number import Number


def test_holm_counts_the_conditions_of_each_detector_by_hand():
    """Of x: 0.01 * 3, 0.03 * 2, then 0.04 * 1, which may not fall; y is a family; no test does not count."""
    p_values = {("x", "a"): 0.01, ("x", "b"): 0.04, ("y", "a"): 0.02, ("x", "c"): None, ("x", "d"): 0.03}
    changes = [Change(*cell, Number(0.1), p) for cell, p in p_values.items()]
    result = adjusted(changes)
    assert [(change.detector, change.condition) for change in result] == list(p_values)
    assert [change.p for change in result] == list(p_values.values())
    assert [change.p_adjusted for change in result] == [pytest.approx(0.03), pytest.approx(0.06), 0.02, None, 0.06]
    assert [change.separated for change in result] == [True, False, True, False, False]


def test_a_change_has_the_p_of_the_paired_test():
    panel = large(["x", "y"])
    summary = summarise(panel, ["auroc"])
    assert len(summary.changes) == 6
    for change in summary.changes:
        degraded, clean = (summary.influences[change.detector, name]["a"] for name in (change.condition, "clean"))
        test = paired_test(degraded, clean, same_seeds=True)
        assert (change.p, change.auroc.value) == (test.p, pytest.approx(test.difference))
        assert change.auroc.interval == (test.low, test.high)
        assert change.p <= change.p_adjusted <= 3 * change.p
    for detector in ("x", "y"):
        family = [change for change in summary.changes if change.detector == detector]
        smallest = min(family, key=lambda change: change.p)
        assert smallest.p_adjusted == pytest.approx(min(3 * smallest.p, 1))


def test_too_few_groups_have_no_test_and_do_not_count():
    (change,) = small({("x", "clean"): [0.0, 1.0, 2.0, 3.0], ("x", "jpeg:50"): [0.0, 2.0, 1.0, 3.0]}).changes
    assert (change.auroc.value, change.p, change.p_adjusted, change.separated) == (-0.25, None, None, False)
    assert "fewer than 10" in change.auroc.reason


def test_no_change_at_all_has_p_1():
    values = np.random.default_rng(0).normal(size=40).tolist()
    panel = panel_of({("x", name): [values] for name in ("clean", "jpeg:50")}, [0, 1] * 20)
    (change,) = summarise(panel, ["auroc"]).changes
    assert (change.auroc.value, change.p, change.p_adjusted) == (0.0, 1.0, 1.0)


def test_conditions_of_one_class_stand_apart_behind_the_others():
    panel = large(["y", "x"], ["clean", "noise:0.1@generated", "jpeg:50", "blur:1+jpeg:70@real", "blur:2"])
    summary = summarise(panel, ["auroc"])
    comparison = replace(report_of(summary, panel).comparison, rankings=rankings_of(summary, panel))
    heat_map = heat_map_of(comparison)
    assert heat_map.detectors == comparison.rankings["clean"].order
    assert heat_map.parts == {False: ("jpeg:50", "blur:2"), True: ("noise:0.1@generated", "blur:1+jpeg:70@real")}
    assert set(heat_map.changes) == {(name, condition) for name in "xy" for condition in heat_map.conditions}


@pytest.mark.parametrize(
    ("condition", "which"),
    [
        *(("social-x", "both"), ("jpeg:75+blur:1", "both"), ("reencode:96,224px", "both"), ("greyscale", "both")),
        *(("dda", "generated"), ("jpeg:75@real", "real"), ("dda+jpeg:50", "unevenly")),
        ("attack:pgd:2/255,steps=10,step=0.5/255", "generated"),
    ],
)
def test_which_class_a_condition_treats(condition, which):
    assert degraded(condition) == which


def test_without_conditions_there_is_no_map():
    panel = large(["x"], ["clean"])
    assert heat_map_of(report_of(summarise(panel, ["auroc"]), panel).comparison) is None


def test_the_colour_is_the_share_of_the_largest_change_of_both_classes():
    cells = {"jpeg:50": -0.2, "blur:1": 0.1, "blur:2": math.nan, "noise:0.1@real": -0.8}
    changes = {("x", name): Change("x", name, Number(value)) for name, value in cells.items()}
    heat_map = HeatMap(("x",), tuple(cells), changes)
    assert [heat_map.strength(change) for change in changes.values()] == [-1.0, 0.5, 0.0, -1.0]
    faint = {("x", "jpeg:50"): Change("x", "jpeg:50", Number(0.01))}
    assert HeatMap(("x",), ("jpeg:50",), faint).strength(faint["x", "jpeg:50"]) == pytest.approx(0.2)
