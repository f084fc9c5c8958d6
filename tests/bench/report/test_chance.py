"""Above, below or not separated from chance, wherever a number is shown."""

import numpy as np
import polars as pl
import pytest
from report_sections import FACTS, made_panel

from bench.report.comparison import AGAINST_CHANCE, comparison_tables
from bench.report.html.board import metric_tables
from bench.report.html.headline import headline
from bench.report.loggers.wandb import leaderboard_rows
from bench.report.notes import comparison_notes, sentence
from bench.report.numbers import cell
from bench.report.ranks import pair_table, rank_records
from bench.results.comparison import Comparison
from bench.results.concerns import find_inverted_logits
from bench.results.rankings import rankings_of
from bench.results.summary import summarise

DETECTORS = {"good": 2.0, "blind": 0.0, "inverted": -1.0}


def compared(shifts=DETECTORS, n_real=40, n_generated=40, drawing=()):
    """Detectors whose scores of generated images are shifted by so many standard deviations."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [n_real, n_generated])
    panel = made_panel({name: rng.normal(size=len(labels)) + shift * labels for name, shift in shifts.items()}, labels)
    summary = summarise(panel, ("auroc", "ap_generated", "ap_real"))
    return Comparison("made", panel, summary, rankings=rankings_of(summary, panel, drawing=drawing))


def standings(rows):
    return {row["detector"]: row["against_chance"] for row in rows if row["metric"] == "auroc"}


def test_every_table_says_where_an_auroc_stands():
    comparison = compared()
    expected = {"good": "above", "blind": "not separated", "inverted": "below"}
    assert standings(comparison.to_polars().to_dicts()) == expected
    (table, *_) = comparison_tables(comparison)
    at = table.columns.index(AGAINST_CHANCE)
    assert {row[0]: row[at] for row in table.rows} == expected
    assert {row["detector"]: row[AGAINST_CHANCE] for row in leaderboard_rows(comparison)} == expected
    boards = {head.name: cells[0].chance for head, cells in metric_tables(comparison)[0]["rows"]}
    assert boards == {"good": "", "blind": "not separated from chance", "inverted": "below chance"}


def test_without_an_interval_nothing_is_said():
    comparison = compared(n_real=9)
    assert set(standings(comparison.to_polars().to_dicts()).values()) == {None}
    assert not comparison.rankings["clean"].order


@pytest.mark.parametrize(
    ("shifts", "said"),
    [
        ({"good": 2.0, "blind": 0.0}, "good has the highest AUROC"),
        ({"blind": 0.0, "inverted": -1.0}, "no detector is known to be above chance"),
        ({"inverted": -1.0, "worse": -2.0}, "no detector is known to be above chance"),
    ],
)
def test_a_headline_praises_nobody_who_is_not_separated_from_chance(shifts, said):
    first, *rest = headline(compared(shifts), "clean")
    assert said in first
    if "no detector" in said:
        assert "chance" in rest[0]
        assert len(rest) == 1


def test_the_chance_of_an_average_precision_stands_beside_it_where_classes_differ_in_size():
    few = compared({"good": 2.0}, n_real=10, n_generated=70)
    numbers = few.summary.rows[0].numbers
    assert numbers["ap_generated"].chance == 70 / 80
    assert cell(numbers["ap_generated"]).endswith("(chance 0.88)")
    assert cell(numbers["ap_real"]).endswith("(chance 0.12)")
    assert "chance" not in cell(numbers["auroc"])
    assert "chance" not in cell(compared({"good": 2.0}).summary.rows[0].numbers["ap_generated"])
    frame = few.to_polars().filter(pl.col("metric") == "ap_generated")
    assert frame["chance"].to_list() == [70 / 80]


def test_the_verdict_of_a_single_draw_says_so_in_its_cell():
    for drawing, verdict in (((), "separated"), (("good",), "separated, for this draw")):
        comparison = compared({"good": 3.0, "blind": 0.0}, drawing=drawing)
        table = pair_table(comparison.rankings, {})
        (row,) = table.rows
        assert row[table.columns.index("verdict")] == verdict
        assert ("for this draw" in " ".join(headline(comparison, "clean"))) == bool(drawing)


def test_a_classifier_below_chance_may_have_its_logits_the_other_way_round():
    comparison = compared({"timm:resnet50": -2.0, "blind": 0.0})
    detectors = {"timm:resnet50": {"options": {"generated": 1}}, "blind": {"options": {}}}
    (finding,) = find_inverted_logits(comparison.summary, detectors)
    assert finding.detector == "timm:resnet50"
    assert "timm:generated=0 says so" in sentence(finding)
    assert "below chance" in sentence(finding)
    assert not find_inverted_logits(compared({"timm:resnet50": 2.0}).summary, detectors)
    assert not find_inverted_logits(comparison.summary, {"timm:resnet50": {"options": {}}})


def test_approximate_intervals_are_explained_once():
    comparison = compared()
    data = FACTS["data"] | {"name": "folder", "notes": []}
    run = FACTS | {"options": {"seeds": 1}, "data": data, "detectors": {}}
    notes = comparison_notes(Comparison("t", comparison.panel, comparison.summary, run=run))
    said = "~: approximate, may hold in less than 93 %; fewer than 200 independent groups in a class."
    assert notes.count(said) == 1


def test_ranks_for_programs_name_the_worst_generator_and_the_means_without_any_one():
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [40, 80])
    sources = ["camera"] * 40 + ["easy"] * 40 + ["hard"] * 40
    scores = rng.normal(size=120) + np.repeat([0.0, 2.0, 0.5], 40)
    panel = made_panel({"x": scores}, labels, sources)
    summary = summarise(panel, ["auroc"])
    (record,) = rank_records(rankings_of(summary, panel), "condition")
    rows = {row.generator: row.numbers["auroc"] for row in summary.rows}
    assert (record["worst_generator"], record["worst"]) == ("hard", rows["hard"].value)
    assert (record["worst_low"], record["worst_high"]) == rows["hard"].interval
    assert record["places_without_one"] == (1, 1)
    assert record["auroc_without_one"] == (rows["hard"].value, rows["easy"].value)
