"""Which way round a board stands, what its cells draw, and in which order."""

import re
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import polars as pl
import pytest
from report_sections import made_panel

from bench.report.html.board import MOST_COLUMNS, metric_tables
from bench.report.html.page import Section, render
from bench.results.comparison import Comparison
from bench.results.cues.worst import compare_with_cues
from bench.results.rankings import rankings_of
from bench.results.summary import summarise


def compared(generators, detectors=("poor", "good"), images=12, ranked=True):
    """A comparison whose later detectors are better, on generators of as many images as of reals."""
    rng = np.random.default_rng(0)
    sources = np.repeat(["camera", *(f"gen-{number:02d}" for number in range(generators))], images)
    labels = (sources != "camera").astype(int)
    scores = {name: rng.normal(size=len(labels)) + place * labels for place, name in enumerate(detectors)}
    panel = made_panel(scores, labels, sources)
    summary = summarise(panel, ["auroc"])
    brightness = pl.Series(rng.normal(size=len(labels)))
    cues = pl.DataFrame({"path": panel.images["path"], "brightness": brightness}).with_row_index("key")
    cues = cues.with_columns(pl.col("key").cast(pl.UInt64))
    rankings = rankings_of(summary, panel) if ranked else {}
    return Comparison("t", panel, summary, compare_with_cues(panel, {"clean": cues}), rankings)


def test_a_row_is_a_detector_as_long_as_generators_fit():
    table = metric_tables(compared(3))[0]
    assert (table["turned"], table["corner"]) == (False, "detector")
    assert [head.name for head in table["columns"]] == ["mean", "gen-00", "gen-01", "gen-02"]
    assert [head.name for head, _ in table["rows"]] == ["good", "poor", "worst cue", "all cues together"]


def test_with_more_generators_than_fit_a_row_is_a_generator():
    wide = compared(MOST_COLUMNS + 5)
    table = metric_tables(wide)[0]
    assert (table["turned"], table["corner"]) == (True, "generator")
    assert [head.name for head in table["columns"]] == ["good", "poor", "worst cue", "all cues together"]
    assert [head.is_cue for head in table["columns"]] == [False, False, True, True]
    (mean, cells), *others = table["rows"]
    assert mean.name == "mean"
    assert len(others) == MOST_COLUMNS + 5
    assert mean.small == ("12 real, 156 generated",)
    letters = wide.rankings["clean"].letters
    assert [list(head.small) for head in table["columns"][:2]] == [[f"rank {letters[n]}"] for n in ("good", "poor")]
    rows = {row.detector: row.numbers["auroc"].value for row in wide.summary.means}
    assert [cell.sort for cell in cells[:2]] == [rows["good"], rows["poor"]]


def test_more_detectors_than_generators_stay_rows_however_many_there_are():
    many = compared(MOST_COLUMNS, [f"d{number}" for number in range(MOST_COLUMNS + 2)], images=3)
    assert not metric_tables(many)[0]["turned"]


def test_without_ranks_the_best_mean_comes_first():
    comparison = compared(2, ("middle", "worst", "best"), images=3, ranked=False)
    means = {row.detector: row.numbers["auroc"].value for row in comparison.summary.means}
    assert comparison.labels == sorted(means, key=means.get, reverse=True)
    assert [head.name for head, _ in metric_tables(comparison)[0]["rows"]][:3] == comparison.labels


@pytest.mark.heavy
@pytest.mark.parametrize(("images", "intervals"), [(12, True), (6, False)])
def test_a_cell_draws_the_value_its_interval_and_the_worst_cue(images, intervals):
    comparison = compared(2, images=images)
    table = metric_tables(comparison)[0]
    assert (table["has_intervals"], table["has_worst"]) == (intervals, True)
    lowest, (_, cells) = table["lowest"], table["rows"][0]
    row = comparison.summary.cells["good", "clean"]["mean"].numbers["auroc"]
    cue = next(row for row in comparison.cues.rows if row.generator == "mean").numbers["auroc"].value

    def place(value):
        return pytest.approx(100 * (value - lowest) / (1 - lowest), abs=0.06)

    assert (cells[0].place, cells[0].worst) == (place(row.value), place(cue))
    assert list(cells[0].ends) == ([place(row.interval.low), place(row.interval.high)] if intervals else [])
    assert table["chance"] == place(0.5)
    page = render("t", [Section(comparison)])
    keys = re.findall(r'class="key"><i [^>]*></i> ([^<]*)<', page.split("</table>")[0])
    assert keys == ["AUROC", *(["with its 95&nbsp;% interval"] if intervals else []), "chance", "the worst cue"]


@pytest.mark.heavy
def test_the_page_opens_with_version_date_and_one_title():
    runs = [{"time": "2026-01-02T03:04:05+00:00"}, {"time": "2025-01-01T00:00:00+00:00"}, {}]
    comparison = replace(compared(1), runs=runs)
    page = render("Detectors on t", [Section(comparison, heading="Results")])
    top = page[page.index("<h1>") - 80 : page.index("</header>")]
    assert f"fauxbench {version('fauxbench')}" in top
    assert "Latest scores: 2026-01-02 03:04:05 UTC" in top
    assert re.findall(r"<h2[^>]*><bdi>(.*?)</bdi>", page) == ["Results"]
    assert "Latest" not in render("t", [Section(compared(1))])
