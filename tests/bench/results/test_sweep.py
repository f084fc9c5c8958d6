"""Whether the sign depends on the setting, from made scores whose sign is known."""

import numpy as np
import polars as pl
import pytest
from made_stores import detector
from robustness_panels import panel_of
from scipy.stats import norm

from bench.results.comparison import Comparison
from bench.results.summary import summarise
from bench.results.sweep import Sweep, sweep_facts
from bench.scoring.sweeps import parse_sweep
from bench.statistics.intervals import auroc_interval


def sweep_of(*shifts, images=60):
    """A sweep of noise levels: real images score as a normal's quantiles, generated ones higher by these shifts."""
    labels = np.repeat([0, 1], images)
    values = ",".join(f"0.{number:02d}" for number in range(1, 1 + len(shifts)))
    settings = parse_sweep(f"rigid:noise={values}")
    quantiles = np.tile(norm.ppf((np.arange(images) + 0.5) / images), 2)
    scores = {
        (setting.label, "clean"): [quantiles + shift * labels] for setting, shift in zip(settings, shifts, strict=True)
    }
    panel = panel_of(scores, labels.tolist())
    facts = {setting.label: next(iter(detector(setting.label).values())) for setting in settings}
    run = {"data": {"title": "made-up", "name": "folder"}}
    return Sweep(Comparison("t", panel, summarise(panel), detectors=facts, run=run), settings)


def test_intervals_on_both_sides_that_hold_for_all_at_once_say_that_the_sign_depends():
    sweep = sweep_of(-1.0, 0.0, 1.0)
    assert sweep.sign("clean") == "depends"
    low, high = sweep.extremes("clean")
    assert (low.setting.label, high.setting.label) == ("rigid:noise=0.01", "rigid:noise=0.03")
    assert low.simultaneous.high < 0.5 < high.simultaneous.low


def test_the_interval_for_all_settings_is_bonferronis():
    sweep = sweep_of(0.5, 0.2, 0.1, 0.0, 0.3)
    for result in sweep.results["clean"]:
        influence = sweep.comparison.summary.influences[result.setting.label, "clean"]["a"]
        assert result.simultaneous == auroc_interval(influence, 0.99)
        assert result.simultaneous.low < result.auroc.interval.low


@pytest.mark.heavy
def test_one_setting_more_can_take_the_certainty_away():
    """Each interval alone lies on its side of chance; for as many settings at once it does not."""
    sweep = sweep_of(-0.42, 0.42, *np.linspace(-0.1, 0.1, 14))
    low, high = (sweep.results["clean"][place] for place in (0, 1))
    assert low.auroc.interval.high < 0.5 < high.auroc.interval.low
    assert not low.simultaneous.high < 0.5 < high.simultaneous.low
    assert sweep.sign("clean") == "not adjusted"


def test_values_on_both_sides_without_separation_are_the_weakest_word():
    sweep = sweep_of(-0.1, 0.1)
    values = [result.auroc.value for result in sweep.results["clean"]]
    assert min(values) < 0.5 < max(values)
    assert sweep.sign("clean") == "values alone"


def test_settings_on_one_side_do_not_turn_the_sign():
    assert sweep_of(0.5, 1.0).sign("clean") == "one side"
    assert sweep_of(-0.5, -1.0).sign("clean") == "one side"


def test_too_few_images_have_values_alone():
    sweep = sweep_of(-9.0, 9.0, images=4)
    assert [result.simultaneous for result in sweep.results["clean"]] == [None, None]
    assert sweep.sign("clean") == "values alone"


@pytest.mark.parametrize(
    ("text", "default"),
    [("rigid:noise=0.05,0.1", "rigid:noise=0.05"), ("rigid:noise=0.2,0.1", None), ("rigid:draws=2,4", None)],
)
def test_a_run_keeps_the_settings_and_which_is_the_methods_own(text, default):
    settings = parse_sweep(text)
    kept = sweep_facts(settings)["sweep"]
    assert kept["settings"] == [setting.label for setting in settings]
    assert kept.get("default") == default


def test_the_scores_of_the_panel_are_those_of_the_settings():
    sweep = sweep_of(0.0, 1.0)
    assert sweep.options == ("noise",)
    assert sweep.method == "rigid"
    assert set(sweep.comparison.scores()["detector"]) == {"rigid:noise=0.01", "rigid:noise=0.02"}
    assert isinstance(sweep.comparison.scores(), pl.DataFrame)
