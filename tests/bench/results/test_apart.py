"""Generators of edited images have rows of their own and are in no mean and no rank."""

import numpy as np
import polars as pl
import pytest
from made_apart import EDITED, made_apart

from bench.report.html.headline import headline
from bench.report.html.roc import RATES, mean_roc_curve, tpr_at_rates
from bench.results.comparison import Comparison
from bench.results.cues.worst import WORST_CUE, compare_with_cues
from bench.results.leaderboard import boards_of
from bench.results.rankings import CommonImages, rankings_of
from bench.results.robustness import areas
from bench.results.summary import MEAN, main_row, summarise
from bench.results.thresholds.calibration import calibration
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import operating_points
from bench.results.thresholds.rules import parse_rule
from bench.results.thresholds.study import Cell
from bench.statistics.metrics import auroc
from bench.store.contrasts import ContrastRule, averaged


def of(panel, detector, *generators):
    """Labels and scores of the camera's images and of some generators'."""
    chosen = panel.images["generator"].is_in(["camera", *generators]).to_numpy()
    return panel.labels[chosen], panel.scores[panel.seeds(detector, "clean")[0], chosen]


def compared(panel):
    summary = summarise(panel, ["auroc"])
    cues = pl.DataFrame(
        {"path": panel.images["path"], "key": pl.Series(range(len(panel.images)), dtype=pl.UInt64)}
    ).with_columns(brightness=np.random.default_rng(1).normal(size=len(panel.images)) + panel.labels)
    return Comparison(
        "made", panel, summary, compare_with_cues(panel, {"clean": cues}), rankings=rankings_of(summary, panel)
    )


def test_what_means_are_about():
    gan, edited = ContrastRule("gan", ("camera",)), ContrastRule(EDITED, ("camera",), apart=True)
    assert averaged([gan, edited]) == [gan]
    assert averaged([edited]) == [edited]
    assert averaged([edited, edited]) == []


def test_the_mean_leaves_edited_images_out():
    panel = made_apart()
    summary = summarise(panel, ["auroc"])
    rows = summary.cells["good", "clean"]
    assert list(rows) == ["flow", "gan", MEAN, EDITED]
    assert [row.apart for row in rows.values()] == [False, False, False, True]
    expected = np.mean([auroc(*of(panel, "good", name)) for name in ("flow", "gan")])
    assert rows[MEAN].numbers["auroc"].value == pytest.approx(expected)
    assert rows[EDITED].numbers["auroc"].value == pytest.approx(auroc(*of(panel, "good", EDITED)))
    assert (rows[MEAN].n_real, rows[MEAN].n_generated) == (30, 60)
    without = summarise(made_apart(edited=()), ["auroc"]).cells["good", "clean"][MEAN]
    assert without.n_generated == rows[MEAN].n_generated


def test_one_generator_and_edited_images_have_no_mean_and_the_generator_is_what_ranks():
    panel = made_apart(generators=("flow",))
    summary = summarise(panel, ["auroc"])
    assert list(summary.cells["good", "clean"]) == ["flow", EDITED]
    assert {row.generator for row in summary.means} == {"flow"}
    assert rankings_of(summary, panel)["clean"].values["good"] == pytest.approx(auroc(*of(panel, "good", "flow")))


def test_no_part_of_a_ranking_is_about_edited_images():
    panel = made_apart()
    ranking, without = (
        rankings_of(summarise(made, ["auroc"]), made)["clean"]
        for made in (panel, panel.only((panel.images["generator"] != EDITED).to_numpy()))
    )
    assert {pair.generator for pair in ranking.by_generator} == {"flow", "gan"}
    assert {worst for worst, _ in ranking.worst.values()} <= {"flow", "gan"}
    assert ranking.values == pytest.approx(without.values)
    assert list(ranking.leave_one_out["good"].places) == list(without.leave_one_out["good"].places)


def test_edited_images_alone_have_neither_mean_nor_rank_where_they_are_several():
    panel = made_apart(generators=(), edited=(EDITED, "flow (partial)"))
    comparison = compared(panel)
    assert comparison.summary.means == []
    assert comparison.rankings == {}
    (board,) = boards_of(comparison)
    assert board.target == ""
    assert mean_roc_curve(panel, "good", "clean") == "no generator but of edited images"
    assert list(headline(comparison, "clean")) == []
    alone = summarise(made_apart(generators=()), ["auroc"])
    assert [row.generator for row in alone.means] == [EDITED, EDITED]


def test_changes_and_areas_are_of_the_mean_without_edited_images():
    conditions = ("clean", "jpeg:75", "jpeg:50")
    whole, without = (
        summarise(made_apart(edited=edited, conditions=conditions), ["auroc"]) for edited in ((EDITED,), ())
    )
    for area in areas(whole):
        levels = [row for row in whole.means if row.detector == area.detector and row.condition != "clean"]
        assert area.auroc.value == pytest.approx(np.mean([row.numbers["auroc"].value for row in levels]))
    for summary in (whole, without):
        means = {(row.detector, row.condition): row.numbers["auroc"].value for row in summary.means}
        for change in summary.changes:
            expected = means[change.detector, change.condition] - means[change.detector, "clean"]
            assert change.auroc.value == pytest.approx(expected)
    several = made_apart(generators=(), edited=(EDITED, "flow (partial)"), conditions=conditions)
    assert summarise(several, ["auroc"]).changes == []


def test_a_board_shows_them_behind_the_others_and_is_in_the_order_of_the_mean():
    comparison = compared(made_apart(edited=("a (partial)",)))
    (board,) = boards_of(comparison)
    assert board.generators == ("flow", "gan", "a (partial)", MEAN)
    assert board.target == MEAN


def test_cues_and_what_is_given_them_are_averaged_without_edited_images():
    comparison = compared(made_apart())
    worst = {row.generator: row for row in comparison.cues.rows if row.detector == WORST_CUE}
    assert list(worst) == ["flow", "gan", MEAN, EDITED]
    expected = np.mean([worst[name].numbers["auroc"].value for name in ("flow", "gan")])
    assert worst[MEAN].numbers["auroc"].value == pytest.approx(expected)
    assert worst[MEAN].n_generated == 60
    assert worst[EDITED].apart
    assert main_row(worst.values()) == worst[MEAN]


def test_pairs_that_lack_images_are_compared_without_edited_images():
    panel = made_apart()
    everywhere = np.ones(len(panel.images), dtype=bool)
    influence = CommonImages(panel).influence("good", "clean", MEAN, everywhere)
    assert influence is not None
    assert influence.value == pytest.approx(
        summarise(panel, ["auroc"]).cells["good", "clean"][MEAN].numbers["auroc"].value
    )


def test_the_mean_curve_leaves_edited_images_out():
    panel = made_apart()
    curve = mean_roc_curve(panel, "good", "clean")
    expected = np.mean([tpr_at_rates(*of(panel, "good", name), RATES)[0] for name in ("flow", "gan")], axis=0)
    assert not isinstance(curve, str)
    assert curve.tpr == pytest.approx(expected)


def test_thresholds_are_averaged_without_edited_images():
    panel = made_apart(each=120)
    halves = Halves(panel, 50)
    points = {point.generator: point for point in operating_points(halves, "good", "clean", parse_rule("fpr:5"))}
    assert list(points) == ["flow", "gan", EDITED, MEAN]
    expected = np.mean([points[name].numbers["tpr"].value for name in ("flow", "gan")])
    assert points[MEAN].numbers["tpr"].value == pytest.approx(expected)
    assert points[MEAN].n_generated == 240
    assert list(Cell("c", halves, "good", "clean").parts) == ["flow", "gan"]
    scores = 1 / (1 + np.exp(-panel.scores))
    probable = Halves(type(panel)(panel.images, panel.scorings, scores, panel.present, panel.contrasts), 50)
    rows = {row.generator: row for row in calibration(probable, "good", "clean", probability=True)}
    expected = np.mean([rows[name].numbers["brier"].value for name in ("flow", "gan")])
    assert rows[MEAN].numbers["brier"].value == pytest.approx(expected)
