"""The heat map's cells, as text, on the page, as a figure and for programs."""

import csv
import html
import io
import xml.etree.ElementTree as ElementTree
from io import StringIO

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from report_sections import made_panel
from rich.console import Console
from robustness_panels import large, report_of, small

from bench.report.heat_map import cell_words, change_notes, change_table, heat_records
from bench.report.html.page import Section, render
from bench.report.numbers import p_cell
from bench.report.plots.heat_map import MISSING, heat_map_figure, heat_map_svg
from bench.report.robustness import print_robustness, robustness_json, robustness_notes, write_robustness
from bench.results.comparison import Comparison
from bench.results.heat_map import HeatMap
from bench.results.rankings import rankings_of
from bench.results.summary import Change, summarise
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number

LOSS = Change("x", "jpeg:50", Number(-0.25, Interval(-0.3, -0.2)), 0.001, 0.002)
GAIN = Change("x", "blur:1", Number(0.125, Interval(-0.1, 0.35)), 0.2, 0.4)
REFUSED = Change("x", "blur:2", Number(0.5, reason="too few groups"))
NOTHING = Change("x", "noise:0.1@real", Number(float("nan"), reason="no generator is there under both"))
CHANGES = {(change.detector, change.condition): change for change in (LOSS, GAIN, REFUSED, NOTHING)}
MAP = HeatMap(("x",), tuple(condition for _, condition in CHANGES), CHANGES)


def test_the_words_of_a_cell():
    assert cell_words(LOSS) == ("-0.250*", "[-0.300, -0.200]")
    assert cell_words(GAIN) == ("+0.125", "[-0.100, +0.350]")
    assert cell_words(REFUSED) == ("+0.500", "[no interval]")
    assert cell_words(NOTHING) == ("n/a", "")


def test_what_has_no_test_is_said_with_its_reason():
    assert change_notes(CHANGES.values()) == [
        "1 change against the clean images has no test: too few groups. Holm does not count what has no test.",
        "1 change against the clean images has no test: no generator is there under both. Holm does not count what has "
        "no test.",
    ]
    assert change_notes([LOSS, GAIN]) == []


def test_records_for_programs():
    first, _, refused, nothing = heat_records(MAP)
    assert first == {
        "detector": "x",
        "condition": "jpeg:50",
        "degraded": "both",
        **{"change": -0.25, "change_low": -0.3, "change_high": -0.2},
        **{"change_p": 0.001, "change_p_adjusted": 0.002, "change_reason": None, "separated": True},
    }
    assert (refused["change"], refused["change_p"], refused["change_reason"]) == (0.5, None, "too few groups")
    assert (nothing["degraded"], nothing["change"], nothing["separated"]) == ("real", None, False)
    assert heat_records(None) == []


def test_a_figure_has_a_cell_for_each_change_and_colours_by_its_sign():
    axes = heat_map_figure(MAP).axes[0]
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(cells) == 4
    loss, gain, refused, nothing = (cell.get_facecolor() for cell in cells)
    assert loss[0] > loss[2]  # vermilion: more red than blue
    assert gain[2] > gain[0]
    assert to_hex(refused) == to_hex(nothing) == MISSING
    texts = [text.get_text() for text in axes.texts]
    assert {"-0.250*", "[-0.300, -0.200]", "+0.125", "[no interval]", "n/a"} <= set(texts)
    assert "one class alone:" in texts
    assert heat_map_svg(MAP) == heat_map_svg(MAP)


def test_names_in_a_figure_stay_text():
    names = ("a$x$b<script>", "wepe:rule=tensor_std,ratio=0.2,blocks=0-3")
    changes = {(name, "jpeg:50"): Change(name, "jpeg:50", Number(0.1)) for name in names}
    svg = heat_map_svg(HeatMap(names, ("jpeg:50",), changes))
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if "text" in element.tag]
    assert "a$x$b<script>" in texts
    assert "<script>" not in svg


@pytest.mark.heavy
def test_every_report_of_robustness_has_the_test(tmp_path):
    panel = large(["x", "y"], ["clean", "jpeg:80", "jpeg:60", "blur:1@generated"])
    study = report_of(summarise(panel, ["ap_real"]), panel)
    changes = {(change.detector, change.condition): change for change in study.comparison.summary.changes}
    write_robustness(study, tmp_path)
    rows = list(csv.DictReader(StringIO((tmp_path / "robustness.csv").read_text())))
    tested = [row for row in rows if row["change_p"]]
    assert len(tested) == 6
    assert {row["metric"] for row in tested} == {"auroc"}
    for row in tested:
        change = changes[row["detector"], row["condition"]]
        assert (float(row["change_p"]), float(row["change_p_adjusted"])) == (change.p, change.p_adjusted)
    text = (tmp_path / "robustness.md").read_text()
    assert "](robustness-heatmap.svg)" in text
    assert "| x | jpeg:60 | " in text
    assert len(robustness_json(study)["changes"]) == 6
    notes = robustness_notes(study)
    assert any("adjusted (Holm) over the conditions of each detector, not over detectors" in note for note in notes)
    assert any("Holm counts these conditions with the others" in note for note in notes)
    console = Console(file=io.StringIO(), width=80)
    print_robustness(study, console, long=True)
    assert "p (Holm)" in console.file.getvalue()


def test_the_table_is_narrow_and_marks_what_is_separated():
    panel = large(["x"], ["clean", "blur:1", "blur:4"])
    study = report_of(summarise(panel, ["auroc"]), panel)
    table = change_table(study.comparison, "t")
    for row, change in zip(table.rows, study.comparison.summary.changes, strict=True):
        assert row[3].endswith(" *") == change.separated
    assert any(change.separated for change in study.comparison.summary.changes)
    scores = {("x", "clean"): [0.0, 1.0, 2.0, 3.0], ("x", "jpeg:50"): [1.0, 1.0, 1.0, 1.0]}
    refused = change_table(report_of(small(scores)).comparison, "t")
    assert refused.rows == [("x", "jpeg:50", "-0.50 [no interval]", "n/a")]


def test_the_page_shows_the_map_and_names_stay_text():
    hostile, condition = "<b onclick=x>&\"'", "jpeg:50,<i>@x"
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], 30)
    panel = made_panel({hostile: rng.normal(size=60) + labels}, labels, conditions=("clean", condition, "blur:1@real"))
    summary = summarise(panel, ["auroc"])
    comparison = Comparison("t", panel, summary, rankings=rankings_of(summary, panel))
    page = render("t", [Section(comparison)])
    start = page.index('<table class="heat">')
    table = page[start : page.index("</table>", start)]
    assert "<b onclick" not in page
    assert "<i>" not in table
    assert "<bdi>&lt;b onclick=x&gt;&amp;&#34;&#39;</bdi>" in table
    assert "<bdi>jpeg:50,<wbr>&lt;i&gt;@<wbr>x</bdi>" in table
    assert (table.count("<tbody>"), table.count('style="--deep:')) == (2, 2)
    assert "how scores can be evaded" in table
    for change in summary.changes:
        words, ends = cell_words(change)
        assert words in table
        assert ends in table
        assert html.escape(f"Holm's p: {p_cell(change.p_adjusted)}").replace("&#x27;", "&#39;") in table
