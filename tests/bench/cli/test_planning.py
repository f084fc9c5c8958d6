"""``compare --plan-n`` as its user runs it, on a made store."""

import json

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.cli.app import main


@pytest.fixture
def store(tmp_path):
    """Scores of 40 photographs and 30 images of a generator by three detectors."""
    shown, rows, facts = images(40, 30), [], {}
    for place, (name, shift) in enumerate((("wepe", 1.5), ("rigid", 1.0), ("mine", 0.2))):
        facts |= (described := detector(name))
        stream = np.random.default_rng(place)
        rows.append(scored(shown, described, lambda path, label, source, s=stream, d=shift: float(s.normal(d * label))))
    keep(tmp_path / "store", "run", [pl.concat(rows)], facts, wanted=len(shown))
    return tmp_path / "store"


def test_it_prints_narrow_tables_and_writes_a_row_for_each_pair_and_difference(store, capsys):
    assert main(["compare", "--plan-n", str(store), "--difference", "0.02", "0.1"]) == 0
    printed = capsys.readouterr().out
    assert "Groups needed to find a difference of 0.02" in printed
    tables = [line for line in printed.splitlines() if line[:1] in "│┃┏┡└├"]
    assert tables
    assert max(map(len, tables)) <= 80
    table = pl.read_csv(store / "plan.csv")
    assert table.height == 3 * 3
    asked = table.filter(pl.col("for") == "asked")
    assert asked["difference"].to_list() == [0.02, 0.1] * 3
    assert (asked["real_low"] < asked["real"]).all()
    assert (asked["real"] < asked["real_high"]).all()
    assert "With one seed the spread over seeds is unknown" in printed
    assert set(table["pairs"]) == {3}


def test_detectors_are_chosen_by_their_labels_whether_registered_or_not(store, capsys):
    assert main(["compare", "--plan-n", str(store), "--detectors", "mine", "wepe", "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert [(record["first"], record["second"], record["for"]) for record in plans] == [
        *(("wepe", "mine", "observed"), ("wepe", "mine", "asked")),
    ]
    assert plans[1]["difference"] == 0.02


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--plan-n", "nosuchdir"], "There are no scores under nosuchdir/scores"),
        (["--plan-n", "STORE", "--difference", "0"], "expected a difference above 0 and up to 1, got 0"),
        (["--plan-n", "STORE", "--difference", "2"], "expected a difference above 0 and up to 1, got 2"),
        (["--plan-n", "STORE", "--detectors", "rigd"], "no scores of detector 'rigd'. Available: mine, rigid, wepe"),
        (["--plan-n", ""], "expected a path"),
        (["--difference", "0.1", "--detectors", "wepe"], "--difference is for --plan-n"),
        ([], "--detectors"),
    ],
)
def test_a_mistake_is_one_line(store, capsys, words, error):
    words = [str(store) if word == "STORE" else word for word in words]
    try:
        code = main(["compare", *words])
    except SystemExit as end:
        code = end.code
    written = capsys.readouterr().err
    assert code == 2
    assert error in written
    assert written.count("\n") == 1
    assert not (store / "plan.csv").exists()
