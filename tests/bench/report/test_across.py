import json
from io import StringIO

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored
from rich.console import Console

from bench.cli.app import main
from bench.report.across import COLUMNS, across_json, across_notes, across_tables, across_texts, print_across
from bench.results.across.findings import across_sets
from bench.results.leaderboard import read_comparisons

MANY = images(14, 14, ("flow",))
STRENGTHS = {"best": 4.0, "good": 2.0, "fair": 1.0, "poor": 0.0}


def add(output, title, strengths, run=None, **data):
    described, rows = {}, []
    for number, (name, strength) in enumerate(strengths.items()):

        def score(path, label, source, strength=strength, number=number):
            return float(strength * label + np.random.default_rng([number, *title.encode(), *path.encode()]).normal())

        described |= detector(name)
        rows.append(scored(MANY, detector(name), score, dataset=title, content=title))
    keep(output, run or title, rows, described, **data)


@pytest.fixture
def output(tmp_path):
    """Three sets; on the last the worst detector is missing, and a new one is there."""
    add(tmp_path, "one", STRENGTHS)
    add(tmp_path, "two", STRENGTHS)
    add(tmp_path, "three", {**{name: STRENGTHS[name] for name in ("best", "good", "fair")}, "new": 1.0})
    return tmp_path


@pytest.fixture
def section(output):
    (section,) = across_sets(read_comparisons(output))
    return section


def test_every_number_is_in_the_file_for_programs(section):
    frame = pl.read_csv(StringIO(across_texts([section])["leaderboard-across.csv"]))
    assert tuple(frame.columns) == COLUMNS
    mean = frame.filter(pl.col("statistic") == "mean", pl.col("detector") == "best").row(0, named=True)
    row = next(row for row in section.detectors if row.detector == "best")
    assert (mean["value"], mean["low"], mean["high"]) == pytest.approx((row.mean.value, *row.mean.interval))
    assert mean["sets"] == 3
    above = frame.filter(pl.col("statistic") == "separated above")
    assert len(above) == 2 * len(section.separations)
    best = above.filter(pl.col("detector") == "best", pl.col("rival") == "poor").row(0, named=True)
    pair = next(pair for pair in section.separations if (pair.first, pair.second) == ("best", "poor"))
    assert (best["value"], best["sets"]) == (pair.above / 2, 2)
    assert frame.filter(pl.col("statistic") == "W")["reason"].to_list() == ["needs four detectors in common, has 3"]
    assert frame.filter(pl.col("statistic") == "rho", pl.col("dataset") == "one | two")["value"].is_not_null().all()


def test_what_is_missing_is_said(section):
    notes = across_notes(section)
    assert notes[0] == "Sets: 3 (one; three; two)."
    assert "poor: not scored on three." in notes
    assert "new: not scored on one; two." in notes
    assert "all 3 (W): needs four detectors in common, has 3." in notes


def test_tables_are_narrow_enough_for_a_terminal(section):
    text = StringIO()
    print_across(section, Console(file=text, width=80))
    assert max(map(len, text.getvalue().splitlines())) <= 80
    short = StringIO()
    print_across(section, Console(file=short, width=80), long=False)
    assert "Across 3 data sets" in short.getvalue()
    assert "Agreement" not in short.getvalue()
    assert [table.title for table in across_tables(section)] == [
        "Across 3 data sets",
        "Separated",
        "Agreement of rankings",
    ]


@pytest.mark.heavy
def test_the_command_writes_everything_and_the_same_bytes_again(output, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["leaderboard", "--output", str(output), "--html", str(page)]) == 0
    assert "Across 3 data sets" in capsys.readouterr().out
    names = ("LEADERBOARD.md", "leaderboard-across.csv", "leaderboard-across.svg", "leaderboard.json")
    before = [(output / name).read_bytes() for name in names] + [page.read_bytes()]
    assert "](leaderboard-across.svg)" in before[0].decode()
    assert b"best" in before[2]
    assert b'id="a1"' in before[4]
    assert before[4].index(b'id="a1"') < before[4].index(b'id="s1"')
    assert main(["leaderboard", "--output", str(output), "--html", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [section["condition"] for section in told["across"]] == ["clean"]
    assert str(output / "leaderboard-across.csv") in told["written"]
    assert [(output / name).read_bytes() for name in names] + [page.read_bytes()] == before


def test_plain_values_hold_no_sentence_but_notes(section):
    told = across_json(section)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["sets"] == ["one", "three", "two"]
    assert told["agreement"][-1]["statistic"] == "W"


def test_one_set_writes_no_file_and_says_nothing(tmp_path, capsys):
    add(tmp_path, "one", STRENGTHS)
    assert main(["leaderboard", "--output", str(tmp_path)]) == 0
    assert "Across" not in capsys.readouterr().out
    assert not (tmp_path / "leaderboard-across.csv").exists()
    assert json.loads((tmp_path / "leaderboard.json").read_text())["across"] == []


def test_protocols_that_differ_and_those_that_do_not_count_are_named(tmp_path):
    add(tmp_path, "one", STRENGTHS)
    add(tmp_path, "two", STRENGTHS, protocol={"resize": 128})
    add(tmp_path, "one", {"other": 1.0}, run="later", protocol={"resize": 64})
    (section,) = across_sets(read_comparisons(tmp_path))
    notes = across_notes(section)
    assert "The sets' images are prepared in different ways: one: resize=256; two: resize=128." in notes
    assert "Left out, as the same images count under another protocol: one (resize=64)." in notes


def test_names_of_sets_are_text(tmp_path):
    for title in ("=1+1", "a|b [x](y)"):
        add(tmp_path, title, STRENGTHS)
    (section,) = across_sets(read_comparisons(tmp_path))
    assert "=1+1" in across_texts([section])["leaderboard-across.svg"]
    assert "\n=1+1" not in across_texts([section])["leaderboard-across.csv"].replace(",", "\n")
