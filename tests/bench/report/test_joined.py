"""Sentences that say the same of many things are one."""

import numpy as np
import pytest
from report_sections import made_panel
from robustness_panels import report_of

from bench.report.joined import joined, joined_concerns, missing_elsewhere, missing_intervals
from bench.report.notes import sentence, warnings_of
from bench.results.concerns import DetectorConcern
from bench.results.summary import summarise
from bench.store.findings import SharedTitle


def summary_of(sizes):
    """Makes the summary of a detector on 30 real images and so many of each generator."""
    sources = [*["camera"] * 30, *(name for name, size in sizes.items() for _ in range(size))]
    labels = [0] * 30 + [1] * (len(sources) - 30)
    scores = np.random.default_rng(0).normal(size=len(sources))
    return summarise(made_panel({"x": scores, "y": -scores}, labels, sources), ("auroc", "ap_generated", "ap_real"))


def test_generators_without_an_interval_are_named_once_for_all_detectors():
    assert missing_intervals(summary_of({"gan": 20, "ldm": 20})) == []
    few = missing_intervals(summary_of({"gan": 20, "ldm": 8}))
    assert few[0] == "ldm: no interval, fewer than 10 independent groups among the generated images (8)."
    many = missing_intervals(summary_of({f"gen{number:02d}": 3 + number % 2 for number in range(13)}))
    reason = "no interval, fewer than 10 independent groups among the generated images (3 to 4)."
    assert many[0] == f"13 generators (gen00, gen01, gen02, ...): {reason}"
    assert len(many) <= 2  # the mean has a reason of its own


def test_what_is_said_of_auroc_is_not_said_again_of_other_metrics():
    assert missing_elsewhere(summary_of({"gan": 20, "ldm": 8})) == []


def test_a_thought_of_a_detector_is_told_once_with_the_range_of_its_numbers():
    words = "the mean similarity is {:.2f}, under 0.5: noise at ratio 0.1 destroys the features"
    concerns = [
        *(DetectorConcern("wepe", seed, "clean", words.format(0.2 + 0.1 * seed)) for seed in range(2)),
        DetectorConcern("rigid", 0, "clean", "scores are all the same"),
        *(DetectorConcern("wepe", 0, f"jpeg:{quality}", words.format(0.15)) for quality in (50, 75)),
    ]
    assert list(joined_concerns(concerns)) == [
        "rigid, seed 0: scores are all the same.",
        "wepe, 4 seeds and conditions (seed 0; seed 1; seed 0, jpeg:50; ...): the mean similarity is 0.15 to 0.30, "
        "under 0.5: noise at ratio 0.1 destroys the features.",
    ]
    assert sentence(concerns[0]) == f"wepe, seed 0: {words.format(0.2)}."


def test_warnings_of_a_comparison_are_joined_and_lose_none():
    comparison = report_of(summary_of({"gan": 20, "ldm": 8})).comparison
    comparison = type(comparison)(**{**vars(comparison), "findings": [*comparison.findings, SharedTitle("t", 2)]})
    first, second, third, *_ = warnings_of(comparison)
    assert first == "x, seed 0: a warning."
    assert second.startswith("2 data sets")
    assert third.startswith("ldm: no interval")


@pytest.mark.parametrize("words", ["gen1 fails", "0.5 fails", "1,234 of 5 fail", "a-2 b:3 c=4", ""])
def test_one_thing_is_told_as_it_is(words):
    assert joined([("x", words)], "things") == [f"x: {words}."]
    assert joined([("x", words), ("x", words)], "things") == [f"x: {words}."]


def test_names_with_digits_are_no_numbers():
    assert len(joined([("x", "worse than gen1"), ("y", "worse than gen2")], "things")) == 2
