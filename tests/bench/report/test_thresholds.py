"""Thresholds by hand, and by simulation."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from threshold_panels import exact_interval, names, panel_of, points_of

from bench.errors import BenchError
from bench.report.threshold_notes import threshold_notes
from bench.report.threshold_records import point_records, transfer_records
from bench.report.thresholds import threshold_markdown, threshold_tables, write_thresholds
from bench.results.thresholds.rules import (
    best_thresholds,
    count_above,
    expected_fpr,
    held_out,
    is_held_out,
    parse_rule,
    refusal,
    threshold_at_fpr,
)
from bench.results.thresholds.study import LOW_RATES, ThresholdStudy, study_thresholds
from bench.statistics.metrics import tpr_at_fpr

LABELS = np.array([0, 0, 0, 1, 1, 1])


def twin_at_fpr(scores: list[float], share: float) -> float:
    """The slow way: tries every score, from the lowest."""
    return next(t for t in sorted(scores) if sum(s > t for s in scores) <= share * len(scores) + 1e-9)


def twin_best(labels: np.ndarray, scores: np.ndarray) -> float:
    candidates = [*sorted(set(scores), reverse=True), np.nextafter(min(scores), -np.inf)]
    gains = [np.mean(scores[labels == 1] > t) - np.mean(scores[labels == 0] > t) for t in candidates]
    return candidates[next(i for i, gain in enumerate(gains) if gain > max(gains) - 1e-12)]


@pytest.mark.parametrize(
    "text", ["", "fpr", "fpr:", "fpr:0", "fpr:100", "fpr:-1", "fpr:nan", "best:1", "fixed:", "x:5"]
)
def test_a_rule_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(BenchError, match="Unknown threshold rule") as caught:
        parse_rule(text)
    assert "\n" not in str(caught.value)


def test_rules_are_read_from_text():
    assert (parse_rule("fpr:0.1").value, parse_rule("fixed:0.5").value) == (0.001, 0.5)


def test_a_tie_that_would_pass_the_limit_stays_real():
    scores = np.array([1.0, 2.0, 3.0, 3.0])
    assert threshold_at_fpr(scores, 0.25) == [3.0]  # below 3 half of them would lie above
    assert threshold_at_fpr(scores, 0.5) == [2.0]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.29, 0.5])
def test_the_threshold_equals_a_slow_twin_for_every_weighting(share):
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 12, size=20).astype(float)
    weights = generator.integers(0, 4, size=(50, 20)).astype(np.int16)
    expected = [twin_at_fpr(np.repeat(scores, draw).tolist(), share) for draw in weights]
    assert threshold_at_fpr(scores, share, weights).tolist() == expected


def test_five_percent_of_sixty_is_three():
    assert threshold_at_fpr(np.arange(60.0), 0.05) == [56.0]  # 57, 58 and 59 lie above
    assert threshold_at_fpr(np.arange(100.0), 0.29) == [70.0]  # 0.29 * 100 is 28.999999999999996


def test_the_best_threshold_equals_a_slow_twin_for_every_weighting():
    generator = np.random.default_rng(2)
    labels = np.repeat([0, 1], 10)
    scores = generator.integers(0, 12, size=20) + 2.0 * labels
    weights = generator.integers(0, 4, size=(50, 20)).astype(np.int16)
    expected = [twin_best(np.repeat(labels, draw), np.repeat(scores, draw)) for draw in weights]
    assert best_thresholds(labels, scores, weights).tolist() == pytest.approx(expected, abs=0)


def test_the_best_threshold_of_inverted_scores_calls_nothing_generated():
    scores = np.array([4.0, 5.0, 6.0, 1.0, 2.0, 3.0])
    assert best_thresholds(LABELS, scores) == [6.0]


def test_a_draw_without_a_class_has_no_threshold_and_no_share():
    scores = np.arange(6.0)
    assert np.isnan(best_thresholds(LABELS, scores, np.array([[1, 1, 1, 0, 0, 0]])))
    assert np.isnan(threshold_at_fpr(scores, 0.5, np.zeros((1, 6), dtype=np.int16)))
    above, total = count_above(scores, np.array([np.nan]))
    assert np.isnan(above)
    assert total == 6


def test_half_of_the_names_are_held_out_and_whole_groups():
    held = sum(is_held_out(f"n{i}") for i in range(10_000))
    assert abs(held - 5000) < 4 * 50  # four standard deviations
    group = next(name for name in map(str, range(100)) if is_held_out(name))
    images = pl.DataFrame({"group": [group, group, group, "only generated"], "label": [0, 0, 1, 1]})
    assert held_out(images).tolist() == [True, True, True, False]
    assert held_out(images.filter(pl.col("label") == 1)).tolist() == [False, False]


def test_held_out_groups_must_carry_the_share():
    assert refusal(19, 0.05) is not None
    assert refusal(20, 0.05) is None
    assert refusal(14, 0.07) is not None  # 1 / 0.07 is 14.3


def test_few_held_out_groups_give_numbers_without_bootstrap_intervals():
    panel = panel_of([range(39)], [range(39)], {"a": [range(39)]})
    (point,) = points_of(panel, "fpr:5", draws=20)
    assert point.numbers["tpr"].reason == "fewer than 100 held-out groups of real images (39)"
    assert (point.threshold.interval, point.numbers["tpr"].interval) == (None, None)
    assert point.numbers["fpr"].interval == pytest.approx(exact_interval(1, 39), abs=1e-9)


def test_numbers_by_hand():
    """20 held-out reals carry 5 %: one lies above."""
    panel = panel_of([range(20)], [[0, 10, 18, 19]], {"a": [[18.5, 30, 1, 40]], "b": [[40, 41]]})
    first, second, mean = points_of(panel, "fpr:5")
    assert (first.threshold.value, first.n_held_out, first.n_real, first.n_generated) == (18.0, 20, 4, 4)
    numbers = {name: number.value for name, number in first.numbers.items()}
    assert numbers == {
        "balanced_accuracy": 0.75,
        "accuracy": 0.75,
        "real_accuracy": 0.75,
        "generated_accuracy": 0.75,
        "fpr": 0.25,
        "tpr": 0.75,
    }
    assert second.numbers["accuracy"].value == pytest.approx(5 / 6)
    assert mean.numbers["balanced_accuracy"].value == pytest.approx((0.75 + 0.875) / 2)
    assert (mean.generator, mean.n_real, mean.n_generated) == ("mean", 4, 6)
    assert mean.numbers["fpr"].interval == first.numbers["fpr"].interval
    assert first.numbers["fpr"].interval == pytest.approx(exact_interval(1, 4), abs=1e-9)
    assert first.expected_fpr == expected_fpr(20, 0.05) == 2 / 21
    assert "fewer than 10" in first.numbers["accuracy"].reason


def test_the_threshold_is_never_fitted_to_the_images_that_are_measured():
    """All other reals score above all held-out ones: whatever leaked would make the FPR small, or the threshold big."""
    generator = np.random.default_rng(3)
    panel = panel_of([generator.random(40)], [10 + generator.random(40)], {"a": [5 + generator.random(40)]})
    (point,) = points_of(panel, "fpr:20", draws=200)
    assert (point.numbers["fpr"].value, point.numbers["real_accuracy"].value) == (1.0, 0.0)
    assert 0 < point.threshold.interval.low < point.threshold.interval.high < 1  # in every draw


def test_generated_images_of_held_out_groups_are_left_out():
    panel = panel_of([range(30)], [range(30)], {"a": [range(30)]})
    shared = panel.images["group"].to_list()
    held = [group for group in shared if group.startswith("camera/") and is_held_out(group)]
    replaced = panel.images.with_columns(group=pl.col("group").replace({f"a/{i}": held[i] for i in range(10)}))
    (point,) = points_of(replace(panel, images=replaced), "fpr:5", draws=20)
    assert (point.n_held_out, point.n_real, point.n_generated) == (30, 30, 20)


def test_too_few_held_out_groups_refuse_the_rule_with_a_reason():
    panel = panel_of([range(19)], [range(30)], {"a": [range(30)], "b": [range(30)]})
    points = points_of(panel, "fpr:5")
    assert all(point.refused and np.isnan(point.numbers["accuracy"].value) for point in points)
    assert points[0].reason == "19 held-out groups of real images cannot carry an FPR of 5 %: at least 20 are needed"
    study = ThresholdStudy({"made-up": points}, [])
    assert [table.rows for table in threshold_tables(study)] == [[]]  # a note tells the rest
    assert sum(line.startswith("|") for line in threshold_markdown(study).splitlines()) == 2  # a header
    assert sum("cannot carry" in note for note in threshold_notes(study)) == 1


def test_the_oracle_is_named_and_uses_all_images():
    panel = panel_of([[0.0, 1.0]], [[2.0, 5.0]], {"a": [[4.0, 6.0]], "b": [[3.0, 0.5]]})
    first, _, mean = points_of(panel, "best")
    assert (first.rule, first.threshold.value, first.n_real) == ("best (oracle)", 2.0, 4)
    assert first.numbers["balanced_accuracy"].value == 0.875
    assert first.expected_fpr is None
    assert mean.threshold.reason == "one for each generator"


def test_a_fixed_threshold_is_for_probabilities_alone():
    panel = panel_of([[0.1, 0.5]], [[0.2, 0.6]], {"a": [[0.7, 0.5]]})
    (point,) = points_of(panel, "fixed:0.5", probability=True)
    assert (point.numbers["fpr"].value, point.numbers["tpr"].value) == (0.25, 0.5)  # 0.5 is not above 0.5
    with pytest.raises(BenchError, match="not declared to be"):
        points_of(panel, "fixed:0.5")
    outside = panel_of([[0.1, 0.5]], [[0.2, 1.5]], {"a": [[0.7, 0.5]]})
    with pytest.raises(BenchError, match=r"scores include 1\.5"):
        points_of(outside, "fixed:0.5", probability=True)


def test_each_seed_has_its_own_threshold():
    held = [list(range(20)), [100 + i for i in range(20)]]
    panel = panel_of(held, [[0, 19], [100, 119]], {"a": [[50, 50], [0, 150]]})
    (point,) = points_of(panel, "fpr:5")
    assert (point.threshold.value, point.numbers["tpr"].value) == (68.0, 0.75)
    assert point.numbers["tpr"].seeds_sd == pytest.approx(np.sqrt(0.125))
    assert point.numbers["fpr"].value == 0.5


def test_perfect_separation_has_no_interval_of_length_zero():
    panel = panel_of([range(40)], [range(30)], {"a": [range(100, 150)]})
    (point,) = points_of(panel, "best", draws=100)
    assert point.numbers["balanced_accuracy"].value == 1
    assert point.numbers["balanced_accuracy"].interval == pytest.approx(exact_interval(50, 50), abs=1e-9)
    assert point.numbers["real_accuracy"].interval == pytest.approx(exact_interval(70, 70), abs=1e-9)


def test_real_images_that_share_groups_have_no_binomial_interval():
    panel = panel_of([range(40)], [range(40)], {"a": [range(40)]})
    measured = names(40, held=False)
    images = panel.images.with_columns(group=pl.col("group").replace(measured[::2], measured[1::2]))
    (point,) = points_of(replace(panel, images=images), "fpr:5", draws=100)
    assert (point.n_real, point.fpr_interval) == (40, "bootstrap")
    exact = exact_interval(round(40 * point.numbers["fpr"].value), 40)
    assert point.numbers["fpr"].interval != pytest.approx(exact, abs=1e-9)


def test_the_files_have_every_metric_and_the_study_every_table(tmp_path):
    generator = np.random.default_rng(4)
    panel = panel_of(generator.random((2, 40)), generator.random((2, 40)), {"a|b": 1 + generator.random((2, 40))})
    records = point_records(points_of(panel, "fpr:5", draws=50))
    assert [record["metric"] for record in records] == [
        *("threshold", "balanced_accuracy", "accuracy", "real_accuracy", "generated_accuracy", "fpr", "tpr"),
    ]
    study = study_thresholds({"one": panel, "two": panel}, ["fpr:5", "best"], draws=50)
    files = write_thresholds(study, tmp_path)
    assert [file.name for file in files] == ["thresholds.csv", "thresholds.md", "transfer.csv"]
    points, transfers = pl.read_csv(files[0]), pl.read_csv(files[2])
    assert points.columns == ["dataset", *records[0]]
    assert points.height == 2 * 2 * 7 + 2 * 3  # and the metrics without a threshold
    assert points.filter(pl.col("rule").is_null())["metric"].to_list() == [*LOW_RATES, *LOW_RATES]
    assert transfers.columns == list(transfer_records(study.matrices)[0])
    assert transfers.height == 4 * 2
    assert len(threshold_tables(study)) == 6
    assert "a\\|b" in threshold_markdown(study)
    assert files[1].read_text() == threshold_markdown(study)
    with pytest.raises(BenchError, match="no scores of detector 'y'"):
        study_thresholds({"one": panel}, ["best"], ["y"])
    with pytest.raises(BenchError, match="No threshold rule"):
        study_thresholds({"one": panel}, [])


def test_the_rate_equals_the_metric_where_the_same_reals_fit_and_measure():
    generator = np.random.default_rng(5)
    real, generated = generator.normal(size=200), generator.normal(1, size=200)
    above, total = count_above(generated, threshold_at_fpr(real, 0.05))
    labels, scores = np.repeat([0, 1], 200), np.concatenate([real, generated])
    assert above / total == tpr_at_fpr(labels, scores, 0.05)


@pytest.mark.slow
def test_the_realised_fpr_is_the_expected_one():
    for n, share in ((48, 0.05), (100, 0.05), (250, 0.01)):
        stream = np.random.default_rng((6, n))
        realised = np.array([norm.sf(threshold_at_fpr(stream.normal(size=n), share)[0]) for _ in range(20_000)])
        error = realised.std() / np.sqrt(len(realised))
        assert abs(realised.mean() - expected_fpr(n, share)) < 4 * error
        assert abs(realised.mean() - share) > 4 * error  # so the test can tell them apart


@pytest.mark.slow
def test_intervals_hold_the_truth():
    """Clopper-Pearson's that of its own threshold, the bootstrap's that of the rule with any number of images."""
    stream = np.random.default_rng(7)
    truth, runs = float(norm.sf(norm.isf(0.05) - 1.5)), 300
    exact, drawn = 0, 0
    for _ in range(runs):
        panel = panel_of([stream.normal(size=200)], [stream.normal(size=200)], {"a": [stream.normal(1.5, size=400)]})
        (point,) = points_of(panel, "fpr:5", draws=500)
        low, high = point.numbers["fpr"].interval
        exact += low <= norm.sf(point.threshold.value) <= high
        low, high = point.numbers["tpr"].interval
        drawn += low <= truth <= high
    assert exact / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    assert abs(drawn / runs - 0.95) < 3 * np.sqrt(0.95 * 0.05 / runs)
