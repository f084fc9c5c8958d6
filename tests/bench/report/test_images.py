"""Tables of real sources and of edited area, wherever they are shown."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_apart import EDITED, made_apart
from made_stores import detector, keep, scored, sha
from report_sections import FACTS, made_panel

from bench.cli.app import main
from bench.report.comparison import comparison_json, comparison_tables, write_comparison
from bench.report.html.page import Section, render
from bench.report.images import AREA_TITLE, MOST_SOURCES, SOURCES_TITLE, area_table, further_tables, source_table
from bench.report.notes import comparison_notes
from bench.results.comparison import Comparison
from bench.results.summary import summarise
from bench.statistics.metrics import shown_metrics


def of_sources(sizes, seed=0):
    rng = np.random.default_rng(seed)
    sources = np.repeat([*sizes, "gan"], [*sizes.values(), 30])
    panel = made_panel({"x": rng.normal(size=len(sources))}, (sources == "gan").astype(int), sources)
    return Comparison("made", panel, summarise(panel, shown_metrics()))


def test_sources_stand_in_every_report(tmp_path):
    comparison = of_sources({"coco": 60, "flickr": 60})
    (table,) = further_tables(comparison)
    assert table.title == SOURCES_TITLE
    assert [table.title for table in comparison_tables(comparison)][-1] == SOURCES_TITLE
    assert any(note.startswith("Worst source of real images") for note in comparison_notes(comparison))
    records = comparison_json(comparison)["real_sources"]
    assert [record["source"] for record in records] == [row[1] for row in table.rows]
    for record, row in zip(records, comparison.real_sources, strict=True):
        assert record["false_alarms"] == row.false_alarms.value
        assert record["shift_low"] == row.shift.interval.low
    data = FACTS["data"] | {"name": "folder", "notes": []}
    run = FACTS | {"options": {"seeds": 1, "crop_seeds": False}, "data": data, "detectors": {}}
    _, markdown = write_comparison(replace(comparison, run=run), tmp_path)
    text = markdown.read_text()
    assert "| x | flickr | 60 | 60 | 0." in text
    assert "Flagged: the share above the threshold that flags 5 % of all reals" in text
    assert SOURCES_TITLE in render("t", [Section(comparison)])


def test_of_many_sources_the_worst_are_shown():
    comparison = of_sources({f"s{number:02d}": 21 for number in range(MOST_SOURCES + 3)})
    table = source_table(comparison)
    assert len(table.rows) == MOST_SOURCES
    assert "3 more sources are in --json." in table.note
    assert len(comparison_json(comparison)["real_sources"]) == MOST_SOURCES + 3


def test_a_missing_share_says_why_under_the_table():
    note = source_table(of_sources({"coco": 12, "flickr": 9})).note
    assert "coco: n/a, 5 % of 21 independent groups are fewer than 5: too few for a threshold there" in note
    assert "flickr: no interval, fewer than 10 independent groups of the source (9)" in note


def test_one_source_has_no_table():
    comparison = of_sources({"coco": 60})
    assert further_tables(comparison) == []
    assert not any("source of real images" in note for note in comparison_notes(comparison))


def test_edited_area_stands_in_every_report():
    panel = made_apart(each=60)
    comparison = Comparison("made", panel, summarise(panel, ["auroc"]))
    table = area_table(comparison)
    assert [row[:3] for row in table.rows[:4]] == [("good", EDITED, f"{number} of 4") for number in range(1, 5)]
    records = comparison_json(comparison)["edited_areas"]
    assert records[0]["auroc"] == comparison.edited_areas[0].auroc.value
    assert records[0]["area_low"] == pytest.approx(comparison.edited_areas[0].low)
    assert AREA_TITLE in render("t", [Section(comparison)])
    few = made_apart(each=20)
    table = area_table(Comparison("made", few, summarise(few, ["auroc"])))
    assert (table.rows[0][2], table.rows[0][5]) == ("all", "n/a")
    assert f"{EDITED}: n/a, fewer than 40 edited images with a known share (20)" in table.note


@pytest.fixture
def store(tmp_path):
    """A store of one detector: two sources of photographs, a generator, and edited images with their share."""
    rng, x = np.random.default_rng(0), detector("x")
    listed = [
        (f"{name}/{number:03d}.png", int(name not in ("coco", "flickr")), name)
        for name in ("coco", "flickr", "sd14", "flux", "sdxl (partial)")
        for number in range(60)
    ]
    values = dict(zip((path for path, _, _ in listed), rng.normal(size=len(listed)), strict=True))
    rows = scored(listed, x, lambda path, label, source: float(values[path] + label))
    partial = pl.col("generator") == "sdxl (partial)"
    rows = rows.with_columns(
        kind=pl.when(partial).then(pl.lit("partial")), share=pl.when(partial).then(pl.int_range(pl.len()) / 300)
    )
    contrasts = {"clean": {name: ["coco", "flickr"] for name in ("sd14", "flux", "sdxl (partial)")}}
    keep(tmp_path, "1", [rows], x, contrasts=contrasts, apart=["sdxl (partial)"], release_dates={"flux": "2024-08-01"})
    return tmp_path


def test_a_leaderboard_has_them_all(store, capsys):
    hashes = store / "seen.txt"
    hashes.write_text("".join(f"{sha(f'sd14/{number:03d}.png')}\n" for number in range(20)))
    words = [
        "leaderboard",
        "--long",
        "--output",
        str(store),
        "--by-date",
        "--split-date",
        "2023-01",
        "--seen-hashes",
        str(hashes),
    ]
    page = store / "page.html"
    assert main([*words, "--html", str(page)]) == 0
    printed = capsys.readouterr().out
    markdown = (store / "LEADERBOARD.md").read_text()
    for title in (SOURCES_TITLE, AREA_TITLE, "By release date", "Before and from 2023-01"):
        assert title in printed
        assert title in markdown
        assert title in page.read_text()
    for text in (printed, markdown):
        assert "Every generator faces all 120 real images, of 2 sources together: coco, flickr." in text
        assert "outside means and ranks: sdxl (partial)." in text
        assert "20 of 60 generated of sd14" in text
    assert main([*words, "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    assert board["released"] == {"sd14": "2022-08", "sdxl (partial)": "2023-07", "flux": "2024-08-01"}
    assert (board["split"]["before"], board["split"]["since"]) == (["sd14"], ["flux"])
    assert board["seen_images"]["images"] == [{"label": 1, "source": "sd14", "known": 20, "images": 60}]
    assert {record["source"] for record in board["real_sources"]} == {"coco", "flickr"}
    assert [record["quartile"] for record in board["edited_areas"]] == [1, 2, 3, 4]
    means = board["split"]["means"][0]
    aurocs = {row["generator"]: row["value"] for row in board["numbers"] if row["metric"] == "auroc"}
    assert means["difference"] == pytest.approx(aurocs["flux"] - aurocs["sd14"])
    assert aurocs["mean"] == pytest.approx((aurocs["flux"] + aurocs["sd14"]) / 2)


def test_a_leaderboard_that_is_not_asked_has_no_dates(store, capsys):
    assert main(["leaderboard", "--output", str(store), "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    assert "released" not in board
    assert "split" not in board
    assert board["seen_images"] is None


@pytest.mark.parametrize("words", [("--split-date", "2023-13"), ("--seen-hashes", "nothing.txt")])
def test_what_is_asked_wrongly_is_one_line(store, capsys, words):
    assert main(["leaderboard", "--output", str(store), *words]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
