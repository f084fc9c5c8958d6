"""Real sources apart: what is flagged at a common threshold, and how scores shift."""

from dataclasses import replace

import numpy as np
import pytest
from report_sections import made_panel

from bench.report.images import further_records, further_tables, seen_words, worst_words  # noqa: F401
from bench.results.real_sources import real_sources_of, worst_sources
from bench.statistics.metrics import tpr_at_fpr
from bench.store.contrasts import rules_of

SIZES = {"coco": 60, "flickr": 40, "shoes": 12}
SHIFTS = {"coco": 0.0, "flickr": 1.0, "shoes": 0.0}


def panel_of(seeds=1, sizes=SIZES, groups=None):
    """Photographs of several sources, and 30 generated images; those of flickr score high."""
    rng = np.random.default_rng(3)
    sources = np.repeat([*sizes, "gan"], [*sizes.values(), 30])
    shift = np.array([SHIFTS.get(name, 1.5) for name in sources])
    scores = rng.normal(size=(seeds, len(sources))) + shift
    return made_panel(
        {"x": scores, "flat": np.round(scores[0])}, (sources == "gan").astype(int), sources, groups=groups
    )


def scores_of(panel, detector="x", seed=0):
    """Scores of each source."""
    scores = panel.scores[panel.seeds(detector, "clean")[seed]]
    names = panel.images["generator"].to_numpy()
    return {name: scores[names == name] for name in set(names)}


def flagged(scores, name):
    """The share of a source above the most lenient threshold that flags at most 5 % of all photographs."""
    reals = np.concatenate([values for source, values in scores.items() if source != "gan"])
    thresholds = [value for value in np.unique(reals) if np.mean(reals >= value) <= 0.05]
    return np.mean(scores[name] >= min(thresholds)) if thresholds else 0.0


def shift(scores, name):
    """Counts the pairs in which an image of the source scores above one of another source."""
    others = np.concatenate([values for source, values in scores.items() if source not in (name, "gan")])
    differences = scores[name][:, None] - others[None]
    return np.mean((differences > 0) + (differences == 0) / 2)


@pytest.mark.parametrize("detector", ["x", "flat"])
def test_shares_and_shifts_are_those_of_the_scores(detector):
    panel = panel_of()
    scores = scores_of(panel, detector)
    rows = {row.source: row for row in real_sources_of(panel, draws=50) if row.detector == detector}
    assert {name: (row.images, row.groups) for name, row in rows.items()} == {n: (k, k) for n, k in SIZES.items()}
    for name in ("coco", "flickr"):
        assert rows[name].false_alarms.value == pytest.approx(flagged(scores, name))
        assert rows[name].shift.value == pytest.approx(shift(scores, name))
    assert rows["shoes"].shift.value == pytest.approx(shift(scores, "shoes"))


def test_the_threshold_is_that_of_the_tpr_at_a_low_fpr():
    panel = panel_of()
    scores = scores_of(panel)
    reals = np.concatenate([values for source, values in scores.items() if source != "gan"])
    threshold = min(value for value in np.unique(reals) if np.mean(reals >= value) <= 0.05)
    tpr = tpr_at_fpr(panel.labels, panel.scores[0])
    most_lenient = min(value for value in scores["gan"] if np.mean(reals >= value) <= 0.05)
    assert np.mean(scores["gan"] >= min(threshold, most_lenient)) == pytest.approx(tpr)


def test_seeds_each_have_their_threshold():
    panel = panel_of(seeds=3)
    rows = {row.source: row for row in real_sources_of(panel, draws=50) if row.detector == "x"}
    expected = [flagged(scores_of(panel, seed=seed), "flickr") for seed in range(3)]
    assert rows["flickr"].false_alarms.value == pytest.approx(np.mean(expected))
    assert rows["flickr"].false_alarms.seeds_sd == pytest.approx(np.std(expected, ddof=1))
    assert rows["flickr"].shift.value == pytest.approx(
        np.mean([shift(scores_of(panel, seed=seed), "flickr") for seed in range(3)])
    )


def test_the_worst_source_comes_first_and_intervals_tell_it_from_none():
    rows = [row for row in real_sources_of(panel_of()) if row.detector == "x"]
    assert rows[0].source == "flickr"
    assert rows[0].shift.interval.low > 0.5
    assert rows[0].false_alarms.interval.low <= rows[0].false_alarms.value <= rows[0].false_alarms.interval.high
    (worst,) = worst_sources(rows)
    assert [row.source for row in worst.sources] == ["flickr"]
    assert worst_words(worst).startswith(
        "Worst source of real images, where 5 % of all reals are flagged: x: flickr (flags 0."
    )


def test_a_source_of_few_groups_has_no_share():
    rows = {row.source: row for row in real_sources_of(panel_of(), draws=50) if row.detector == "x"}
    assert np.isnan(rows["shoes"].false_alarms.value)
    assert rows["shoes"].false_alarms.reason == "fewer than 20 independent groups (12) to measure a rate on"
    assert rows["shoes"].shift.interval is not None
    few = real_sources_of(panel_of(sizes={"coco": 60, "flickr": 20, "shoes": 9}), draws=50)
    rows = {row.source: row for row in few if row.detector == "x"}
    assert all(np.isnan(row.false_alarms.value) for row in rows.values())
    assert rows["coco"].false_alarms.reason.startswith("5 % of 89 independent groups are fewer than 5")
    assert rows["shoes"].shift.interval is None
    assert rows["shoes"].shift.reason == "fewer than 10 independent groups of the source (9)"
    (worst,) = worst_sources([row for row in few if row.detector == "x"])
    assert "(shift 0." in worst_words(worst)


def test_images_of_one_group_count_once():
    groups = [f"g{number // 4}" for number in range(sum(SIZES.values()) + 30)]
    rows = {row.source: row for row in real_sources_of(panel_of(groups=groups), draws=50)}
    assert (rows["coco"].images, rows["coco"].groups) == (60, 15)
    assert np.isnan(rows["coco"].false_alarms.value)


def test_reals_that_face_no_generator_are_left_out_and_one_source_says_nothing():
    panel = panel_of()
    faced = replace(panel, contrasts={"clean": rules_of({"gan": ["coco", "flickr"]})})
    assert {row.source for row in real_sources_of(faced, draws=50)} == {"coco", "flickr"}
    alone = replace(panel, contrasts={"clean": rules_of({"gan": ["coco"]})})
    assert real_sources_of(alone) == []
    assert real_sources_of(replace(panel, contrasts={"clean": ()})) == []
    assert real_sources_of(replace(panel, contrasts={"jpeg:75": panel.contrasts["clean"]})) == []
