import numpy as np
import polars as pl
import pytest
from report_sections import made_panel

from bench.report.given import given_records, given_table
from bench.results.comparison import Comparison
from bench.results.cues.given import NO_PAIRS, strata_of
from bench.results.cues.worst import compare_with_cues
from bench.results.summary import summarise
from bench.statistics.influence import Contrast, Placed
from bench.statistics.intervals import auroc_interval
from bench.statistics.metrics import auroc


def test_the_auroc_within_strata_counts_the_pairs_of_one_stratum():
    rng = np.random.default_rng(0)
    labels, strata, scores = rng.integers(0, 2, 60), rng.integers(0, 4, 60), rng.integers(0, 8, 60)
    placed = Placed(Contrast(labels, scores.astype(float), np.arange(60)))
    pairs = [
        (scores[j] > scores[i]) + (scores[j] == scores[i]) / 2
        for i in np.flatnonzero(labels == 0)
        for j in np.flatnonzero(labels == 1)
        if strata[i] == strata[j]
    ]
    assert placed.auroc_within(strata).value == pytest.approx(np.mean(pairs))
    alone, within = placed.auroc(), placed.auroc_within(np.zeros(60))
    assert within.value == pytest.approx(alone.value)
    assert auroc_interval(within) == pytest.approx(auroc_interval(alone))
    with pytest.raises(ValueError, match="both classes"):
        placed.auroc_within(labels)


def test_the_error_within_strata_is_that_of_leaving_images_out():
    rng = np.random.default_rng(1)
    labels, strata = np.repeat([0, 1], 100), rng.integers(0, 8, 200)
    scores = rng.normal(size=200) + labels + strata / 4

    def within(kept: np.ndarray) -> Placed:
        return Placed(Contrast(labels[kept], scores[kept], np.flatnonzero(kept))).auroc_within(strata[kept])

    everything = np.ones(200, dtype=bool)
    left_out = np.array([within(np.arange(200) != image).value for image in range(200)])
    jackknife = np.sqrt(199 / 200 * np.sum((left_out - left_out.mean()) ** 2))
    low, high = auroc_interval(within(everything))
    assert (high - low) / 2 == pytest.approx(1.97 * jackknife, rel=0.05)


def test_strata_are_steps_of_quality_and_powers_of_two():
    table = pl.DataFrame(
        {
            "jpeg_quality": [90, 94, 95, None, None, 90],
            "width": [512, 512, 512, 512, 500, 1024],
            "height": [512, 500, 512, 512, 375, 1024],
        }
    )
    strata = strata_of(table).tolist()
    assert strata[0] == strata[1]
    assert strata[3] == strata[4]
    assert len(set(strata)) == 4
    assert strata_of(pl.DataFrame({"brightness": [1.0]})) is None


def compared(quality: list[int | None]) -> Comparison:
    """A detector that scores by JPEG quality alone, and one that does not look at it."""
    labels = np.repeat([0, 1], 40)
    noise = np.random.default_rng(2).normal(size=80)
    known = np.array([-1 if value is None else value for value in quality])
    panel = made_panel({"follows": known + 0.1 * noise, "sees": 1.5 * labels + noise}, labels)
    cues = panel.images.select("path").with_columns(
        jpeg_quality=pl.Series([quality[int(path[-8:-4])] for path in panel.images["path"]], dtype=pl.Int64),
        width=512,
        height=512,
        brightness=pl.Series(np.random.default_rng(3).normal(size=80)),
    )
    return Comparison("made-up", panel, summarise(panel), compare_with_cues(panel, {"clean": cues}))


def test_a_detector_that_follows_quality_has_nothing_left_within_it():
    follows, sees = compared([60] * 30 + [90] * 10 + [60] * 10 + [90] * 30).cues.given
    assert follows.auroc.value > 0.7
    assert follows.within.interval.low < 0.5 < follows.within.interval.high
    assert sees.within.interval.low > 0.5
    assert follows.share == sees.share == (30 * 10 + 10 * 30) / 1600
    assert sees.auroc.value == pytest.approx(sees.within.value, abs=0.1)


def test_where_no_images_are_alike_there_is_no_number_but_a_reason():
    comparison = compared([None] * 40 + [90] * 40)
    row = comparison.cues.given[0]
    assert (np.isnan(row.within.value), row.within.reason, row.share) == (True, NO_PAIRS, 0)
    table = given_table(comparison)
    assert table.rows[0][-2:] == (f"n/a ({NO_PAIRS})", "0.0 %")
    record = given_records(comparison)[0]
    assert (record["within"], record["reason"], record["pairs_within"]) == (None, NO_PAIRS, 0)
    assert record["auroc"] == row.auroc.value


def share_inside(per_class: int, strata_count: int, trials: int) -> float:
    """How often the interval holds the AUROC within strata, which differ in what they do to both classes alike."""
    rng, inside, labels = np.random.default_rng(0), 0, np.repeat([0, 1], per_class)
    truth = auroc(np.repeat([0, 1], 10**5), rng.normal(size=2 * 10**5) + 1.2 * np.repeat([0, 1], 10**5))
    for _ in range(trials):
        strata = rng.integers(0, strata_count, 2 * per_class) // rng.integers(1, 3, 2 * per_class)  # uneven
        scores = rng.normal(size=2 * per_class) + 1.2 * labels + strata
        placed = Placed(Contrast(labels, scores, np.arange(2 * per_class)))
        low, high = auroc_interval(placed.auroc_within(strata))
        inside += low <= truth <= high
    return inside / trials


@pytest.mark.slow
@pytest.mark.parametrize(("per_class", "strata_count"), [(50, 3), (50, 20), (200, 10), (200, 60)])
def test_intervals_within_strata_hold_the_truth_in_95_percent(per_class, strata_count):
    assert 0.93 <= share_inside(per_class, strata_count, 2000) <= 0.98
