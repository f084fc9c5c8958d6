"""Every drawing is a picture with a title, whoever writes it."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from report_sections import made_panel
from robustness_panels import large, panel_of

import bench
from bench.report.html.histograms import histogram_figure, histograms_of
from bench.report.html.names import Names
from bench.report.html.page import Section, render
from bench.report.html.roc import mean_roc_curve, roc_figure
from bench.report.plots.heat_map import heat_map_svg
from bench.report.plots.robustness import robustness_figure, robustness_svg
from bench.results.comparison import Comparison
from bench.results.heat_map import heat_map_of
from bench.results.robustness import robustness_curves
from bench.results.summary import summarise
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.studies.base import Line
from bench.studies.figures import Axis, draw_rows, draw_sweep

LINES = [Line("a <row>", "mean", "auroc", Number(0.8, Interval(0.7, 0.9)))]
BARE = [Line("a row", "mean", "auroc", Number(0.8))]


def drawings():
    panel = large(["x", "y"])
    summary = summarise(panel, ["auroc"])
    (curve,) = robustness_curves(summary)
    roc = {"x": mean_roc_curve(panel, "x", "clean")}
    return {
        "robustness": robustness_svg(curve),
        "robustness of a page": robustness_svg(curve, "p-"),
        "heat map": heat_map_svg(heat_map_of(Comparison("t", panel, summary))),
        "ROC": roc_figure("x", roc, 0, "p-"),
        "histograms": histogram_figure("x", histograms_of(panel, "x", "clean"), 0, "p-"),
        "rows": draw_rows("rows", LINES, ["auroc"]),
        "sweep": draw_sweep("sweep", Axis("level"), {"a <row>": 1.0}, LINES, ["auroc"]),
    }


@pytest.mark.heavy
def test_every_drawing_has_a_role_and_a_title():
    for name, svg in drawings().items():
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img", name
        titles = [child.text for child in root if child.tag.endswith("}title")]
        assert [bool(title and title.strip()) for title in titles] == [True], name


def test_no_drawing_is_written_in_another_way():
    # What is not written by `to_svg`, or in a page's template, would have neither.
    sources = {file: file.read_text(encoding="utf-8") for file in Path(bench.__file__).parent.rglob("*.py")}
    assert [file.name for file, text in sources.items() if "savefig(" in text] == ["svg.py"]


@pytest.mark.heavy
def test_every_drawing_of_a_page_has_a_role_and_a_title():
    panel = large(["x", "y"])
    page = render("t", [Section(Comparison("t", panel, summarise(panel, ["auroc"])))])
    found = re.findall(r"<svg ([^>]*)>(.{0,60})", page)
    assert len(found) > 6
    assert all('role="img"' in attributes and text.startswith("<title>") for attributes, text in found)


def legend(svg):
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if "text" in element.tag]
    return [text for text in texts if text.startswith("ours") or text == "paper" or text.startswith("standard")]


def test_a_legend_names_what_is_drawn_and_nothing_else():
    assert legend(draw_rows("t", LINES, ["auroc"])) == ["ours, 95 % interval"]
    assert legend(draw_rows("t", BARE, ["auroc"])) == ["ours"]
    levels = {"a row": 1.0, "a <row>": 1.0}
    assert legend(draw_sweep("t", Axis("level"), levels, BARE, ["auroc"])) == ["ours"]
    spread = [Line("a row", "mean", "auroc", Number(0.8, seeds_sd=0.1))]
    assert legend(draw_sweep("t", Axis("level"), levels, spread, ["auroc"])) == [
        "ours", "standard deviation over seeds",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "joined"), [(("clean", "blur:1"), False), (("clean", "blur:1", "blur:2"), True)]
)
def test_no_line_joins_a_single_level_to_the_clean_images(conditions, joined):
    panel = large(["x", "y"], conditions)
    (curve,) = robustness_curves(summarise(panel, ["auroc"]))
    (axes,) = robustness_figure(curve, ["x", "y"]).axes
    points = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    assert [line.get_linestyle() != "None" for line in points] == [joined, joined]
    places = {tuple(line.get_xdata()) for line in points}
    assert len(places) == (1 if joined else 2)  # beside each other, where nothing else tells them apart
    assert [line.get_ydata().tolist() for line in points] == [
        [row.numbers["auroc"].value for _, row in curve.points[name]] for name in ("x", "y")
    ]


def test_many_generators_share_a_low_figure():
    rng, generators = np.random.default_rng(0), [f"g{number:02d}" for number in range(13)]
    heights = {}
    for count in (4, 13):
        labels = np.repeat([0] + [1] * count, 10)
        sources = np.repeat(["camera", *generators[:count]], 10)
        panel = made_panel({"x": rng.normal(size=len(labels))}, labels, sources)
        svg = histogram_figure("x", histograms_of(panel, "x", "clean"), 0, "p-")
        width, heights[count] = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    # A page shows it 384 pixels wide at most.
    assert heights[13] * 384 / width < 800
    assert heights[13] < 2 * heights[4]


def test_a_long_name_is_short_with_the_full_one_as_its_title_and_breaks_between_its_parts():
    long = "wepe:rule=tensor_std,ratio=0.2,blocks=0-3"
    shown = str(Names([long, "rigid"])(long))
    title, text = re.fullmatch(r'<bdi title="([^"]*)">(.*)</bdi>', shown).groups()
    assert title == long
    assert len(text.replace("<wbr>", "")) <= 32
    assert Names(["rigid"])("rigid") == "<bdi>rigid</bdi>"
    assert Names([])("a<b>,c=\u202e") == "<bdi>a&lt;b&gt;,<wbr>c=\\u202e</bdi>"
    assert Names([])("jpeg:75 and 1,024") == "<bdi>jpeg:75 and 1,024</bdi>"


def test_panels_of_one_detector_have_no_ranks_but_an_order():
    scores = {("low", "clean"): [[1.0, 1.0, 1.0, 1.0]], ("high", "clean"): [[0.0, 1.0, 2.0, 3.0]]}
    panel = panel_of(scores, [0, 0, 1, 1])
    comparison = Comparison("t", panel, summarise(panel, ["auroc"]))
    assert comparison.labels == ["high", "low"]
