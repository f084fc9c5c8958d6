import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report_sections import FACTS, HOSTILE, image_bytes, made_panel, made_section

from bench.errors import BenchError
from bench.report.html.page import Section, render, sort_keys, write_html
from bench.report.html.runs import cost_tables, runs_of
from bench.report.numbers import value_text
from bench.report.plots.colours import SERIES
from bench.report.plots.svg import draw, to_svg
from bench.report.table import Table
from bench.results.comparison import Comparison
from bench.results.summary import Row, Summary, summarise
from bench.statistics.number import Number


class Reader(HTMLParser):
    """Collects tags, their attributes, and texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def page():
    return render("Made-up & more", [made_section()])


@pytest.mark.heavy
def test_the_same_sections_give_the_same_bytes(page):
    assert render("Made-up & more", [made_section()]) == page


def test_the_script_is_the_one_that_the_policy_allows(page):
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in page or f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attributes in Reader(page).tags:
        for name in ("src", "href", "xlink:href", "action", "poster", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert "@import" not in page
    assert "url(h" not in page


def test_names_stay_text(page):
    reader = Reader(page)
    assert HOSTILE in reader.texts
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    assert "b" not in {tag for tag, _ in reader.tags}
    assert "<b>diffusion</b> $x$" in reader.texts


@pytest.mark.heavy
def test_ids_are_unique_and_links_lead_somewhere(page):
    reader = Reader(render("Two", [made_section(), made_section()]))
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for tag, a in reader.tags if tag == "a"}
    links |= {a["xlink:href"][1:] for tag, a in reader.tags if tag == "use"}
    assert links <= set(ids)


def test_every_number_of_the_summary_is_there(page):
    section = made_section()
    for row in section.comparison.rows:
        for metric in ("auroc", "ap_generated", "ap_real"):
            if metric in row.numbers:
                assert f">{value_text(row.numbers[metric])}<" in page


def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _ in Reader(page).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_an_unreadable_image_is_shown_as_such(page):
    assert "unreadable: truncated" in Reader(page).texts


def test_without_images_the_page_says_why_there_are_no_pictures():
    page = render("No images", [made_section(read_bytes=None)])
    assert "the image files were not at hand" in page
    assert "<img" not in page
    assert HOSTILE in Reader(page).texts


def test_a_page_without_sections_says_so():
    assert "There are no results." in render("Nothing", [])


def test_a_dataset_of_one_class_has_a_page():
    panel = made_panel({"x": [1.0, 2.0]}, [1, 1])
    page = render("One class", [Section(Comparison("one class", panel, summarise(panel, ("auroc",))))])
    assert "No curve: undefined for gan: no real images." in page
    assert "n/a" in page


def test_undefined_numbers_give_their_reason():
    panel = made_panel({"x": [0.0, 1.0, 2.0, 3.0]}, [0, 0, 1, 1])
    rows = [Row("x", "clean", "gan", 2, 2, 0, {"auroc": Number(float("nan"), reason="no <such> images")})]
    page = render("Undefined", [Section(Comparison("r", panel, Summary(rows, [])))])
    assert "no <such> images" in Reader(page).texts


def test_robustness_figures_show_the_clean_images_as_a_dotted_line_of_each_detector(page):
    note = "degradations grow stronger to the right. Dotted: the clean images; dashed: chance."
    assert any(text.endswith(note) for text in Reader(page).texts)
    start = page.index("<title>Mean AUROC under jpeg</title>")
    figure = page[start : page.index("</svg>", start)]
    dotted = re.findall(r"stroke-dasharray: 1\.1,[^\"]*stroke: ([^;]*);", figure)
    assert dotted == [f"var(--series-{number}, {colour})" for number, colour in enumerate(SERIES[:2], start=1)]
    assert ">clean<" not in figure


def test_a_detector_that_lacks_a_level_is_named_under_the_curves():
    section = made_section(read_bytes=None)
    summary = section.comparison.summary
    rows = [row for row in summary.rows if (row.detector, row.condition) != ("poor", "jpeg:50")]
    comparison = replace(section.comparison, summary=replace(summary, rows=rows))
    page = render("Incomplete", [replace(section, comparison=comparison)])
    assert "poor: no scores at level 50." in Reader(page).texts


def test_further_tables_are_shown():
    extra = Table("Thresholds", ["rule", "accuracy"], [["fpr:5", "0.91 [0.88, 0.93]"]], "How to read it.")
    page = render("Extra", [replace(made_section(read_bytes=None), tables=[extra])])
    assert {"Thresholds", "How to read it.", "0.91 [0.88, 0.93]"} <= set(Reader(page).texts)


def test_many_images_and_runs_give_a_small_page():
    rng = np.random.default_rng(0)
    panel = made_panel({"x": rng.normal(size=200_000)}, np.repeat([0, 1], 100_000))
    summary = summarise(panel, ("auroc",))
    comparison = Comparison("large", panel, summary, runs=[FACTS] * 500, read_bytes=image_bytes)
    assert len(render("Large", [Section(comparison)])) < 300_000


def test_cost_is_summed_over_finished_runs():
    unfinished = {name: value for name, value in FACTS.items() if name != "cost"}
    by_detector, by_run = cost_tables(made_section(facts=(FACTS, unfinished, FACTS)).comparison)
    assert list(by_detector.rows[0]) == ["good", "3", "120", "8.0", "15.0"]
    assert [row[1] for row in by_run.rows] == ["finished", "did not finish", "finished"]
    fused = unfinished | {"detectors": {"fused": {"label": "good+poor", "members": ["good", "poor"]}}}
    (_, with_fused) = cost_tables(made_section(facts=(FACTS, fused)).comparison)
    assert [row[1] for row in with_fused.rows] == ["fused from stored scores", "finished"]
    assert by_run.rows[0] == ["2026-01-01 00:00:00 UTC", "finished", "cpu", "60", "12.0", "5.0", "720", "1.00 GiB"]


def test_runs_of_an_older_version_are_described_as_far_as_they_told():
    section = made_section(facts=({"command": "bench compare"}, {}))
    assert runs_of(section.comparison) == [
        ("time not recorded", [("commit", "not recorded")]),
        ("time not recorded", [("command", "bench compare"), ("commit", "not recorded")]),
    ]
    assert "did not finish" in render("Older", [section])


def test_columns_of_numbers_are_sorted_as_numbers():
    rows = [["+0.08 [-0.1, +0.2]", "a"], ["n/a", "b"], ["-1,024", "c"]]
    keys = sort_keys(rows, 0)
    assert keys[0] == 0.08
    assert np.isnan(keys[1])
    assert keys[2] == -1024
    assert sort_keys(rows, 1) is None


def test_a_file_in_no_folder_is_an_error_of_one_line(tmp_path):
    with pytest.raises(BenchError, match="there is no folder"):
        write_html("t", [], tmp_path / "none" / "report.html")


def test_names_in_a_drawing_are_left_as_they_are():
    figure, (axes,) = draw((2, 2))
    name = "rigid:noise=0.0125 #010203 font-family: x;"
    axes.set_xlabel(name)
    assert f">{name}</text>" in to_svg(figure, "a drawing", "p-")


def test_drawings_of_a_page_have_no_fonts_of_their_own_and_no_addresses():
    figure, (axes,) = draw((2, 2))
    axes.plot([0, 1], [0, 1])
    svg = to_svg(figure, "a drawing", "p-")
    assert set(re.findall(r'font-family: ([^;"]*)', svg)) == {"inherit"}
    assert set(re.findall(r"https?://[^\"]*", svg)) == {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    assert all(name.startswith("p-") for name in re.findall(r' id="([^"]*)"', svg))
