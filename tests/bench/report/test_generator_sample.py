import json
from dataclasses import replace
from io import StringIO

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.cli.app import main
from bench.report.generator_sample import COLUMNS, refused_notes, sample_notes, sample_tables, sample_texts
from bench.report.notes import comparison_notes
from bench.results.generator_sample import generator_samples
from bench.results.leaderboard import make_boards

TEN = tuple(f"generator-{number}" for number in range(10))


def make(output, generators, **data):
    """A store of one detector, to which the last generator is the hardest."""
    told, of = detector("rigid"), images(12, 12, generators)

    def score(path, label, source):
        strength = 0.2 if source == generators[-1] else 1.5
        return float(strength * label + np.random.default_rng([*path.encode()]).normal())

    keep(output, "1", [scored(of, told, score)], told, **data)
    (board,) = make_boards(output)
    return board


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    return make(tmp_path_factory.mktemp("ten"), TEN)


def test_ten_generators_have_both_intervals(ten):
    (sample,) = generator_samples(ten)
    usual = ten.rows[0].rows["mean"].numbers["auroc"]
    assert sample.reason is None
    assert sample.sample.mean == pytest.approx(usual.value)
    low, high = sample.sample.unseen
    assert low < sample.sample.kind.low < usual.interval.low
    assert usual.interval.high < sample.sample.kind.high < high


def test_the_mean_without_each_generator_is_that_of_the_others(ten):
    (sample,) = generator_samples(ten)
    values = {name: ten.rows[0].rows[name].numbers["auroc"].value for name in TEN}
    for name in TEN:
        assert sample.without[name] == pytest.approx(np.mean([values[other] for other in TEN if other != name]))
    assert sample.moving == TEN[-1]


def test_nine_generators_are_refused_with_the_reason(tmp_path):
    board = make(tmp_path, TEN[:9])
    assert sample_tables(board) == []
    assert refused_notes(board) == ["Generators as a sample: needs ten generators, has 9."]
    frame = pl.read_csv(StringIO(sample_texts([board])["leaderboard-generators.csv"]))
    refused = frame.filter(pl.col("statistic") == "one not seen").row(0, named=True)
    assert (refused["low"], refused["reason"]) == (None, "needs ten generators, has 9")
    assert len(frame.filter(pl.col("statistic") == "without")) == 9


def test_edited_generators_are_no_part_of_the_sample(tmp_path):
    board = make(tmp_path, TEN, apart=[TEN[0]])
    (sample,) = generator_samples(board)
    assert sample.reason == "needs ten generators, has 9"
    assert TEN[0] not in sample.without


def test_a_single_generator_says_nothing(tmp_path):
    board = make(tmp_path, TEN[:1])
    assert (generator_samples(board), refused_notes(board), sample_texts([board])) == ([], [], {})


def test_tables_sentences_and_files_say_the_same(ten):
    (sample,) = generator_samples(ten)
    (table,) = sample_tables(ten)
    low, high = sample.sample.unseen
    assert table.rows[2] == ("rigid", "one not seen", f"[{low:.3f}, {high:.3f}]")
    assert table.rows[3][1] == f"without {TEN[-1]}"
    (note,) = sample_notes(ten)
    assert f"one not seen [{low:.3f}, {high:.3f}]" in note
    frame = pl.read_csv(StringIO(sample_texts([ten])["leaderboard-generators.csv"]))
    assert tuple(frame.columns) == COLUMNS
    row = frame.filter(pl.col("statistic") == "one not seen").row(0, named=True)
    assert (row["low"], row["high"], row["generators"]) == pytest.approx((low, high, 10))


def test_a_comparison_says_them_in_a_note(ten):
    data = {"title": "made-up", "images": 1, "preprocessing": "as it is", "notes": [], "name": "folder"}
    run = {"options": {"seeds": 1}, "detectors": {}, "data": data}
    assert comparison_notes(replace(ten.comparison, run=run))[-1] == sample_notes(ten)[0]


def test_the_leaderboard_shows_them(tmp_path, capsys):
    make(tmp_path, TEN)
    assert main(["leaderboard", "--output", str(tmp_path), "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    (sample,) = board["generators_as_sample"]
    assert sample["one not seen"]["low"] < sample["their kind"]["low"] < sample["these generators"]["value"]
    assert "### Generators as a sample" in (tmp_path / "LEADERBOARD.md").read_text()
