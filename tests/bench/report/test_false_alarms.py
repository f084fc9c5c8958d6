"""The narrow tables of ``thresholds``, and the command itself on a made store."""

import json

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored
from rich.console import Console
from threshold_panels import panel_of

from bench.cli.app import main
from bench.report.false_alarms import percent_cell
from bench.report.thresholds import print_thresholds, threshold_tables
from bench.results.thresholds.study import study_thresholds
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number


def study(**options):
    stream = np.random.default_rng(1)
    generated = {name: [stream.normal(1.5, size=150)] for name in ("gan", "ldm")}
    panel = panel_of([stream.normal(size=120)], [stream.normal(size=150)], generated)
    return study_thresholds({"made-up": panel}, ["fpr:5"], draws=100, **options)


def tables(**options):
    return {table.title: table for table in threshold_tables(study(**options))}


def test_cells_are_in_percent_and_a_bound_is_one():
    assert percent_cell(Number(0.0555, Interval(0.02, 0.112))) == "5.5 [2.0, 11.2]"
    assert percent_cell(Number(0.0555, Interval(0.02, 0.112), doubt="few")) == "5.5 ~[2.0, 11.2]"
    assert percent_cell(Number(0.5)) == "50.0"
    assert percent_cell(Number(np.nan, Interval(0.123, 1.0))) == ">= 12.3"
    assert percent_cell(Number(np.nan)) == "n/a"


def test_each_has_a_row_for_the_mean_of_each_detector():
    found = tables(prevalences=[0.01, 0.2], calibrate_with=[50, 500])
    assert list(found)[1:] == [
        *("made-up: where false alarms are rare", "made-up: precision", "made-up: from few real images"),
    ]
    assert found["made-up: where false alarms are rare"].columns[0] == "detector"
    assert [row[0] for row in found["made-up: where false alarms are rare"].rows] == ["x"]
    assert found["made-up: precision"].columns == ("detector", "rule", "precision at 1 %, %", "precision at 20 %, %")
    assert [row[:2] for row in found["made-up: from few real images"].rows] == [["x", "fpr:5"], ["x", "fpr:5 from 50"]]


def test_without_the_options_there_is_the_one_without_a_threshold_alone():
    assert list(tables())[1:] == ["made-up: where false alarms are rare"]


def test_the_narrow_tables_fit_80_columns():
    made = study(prevalences=[0.01], calibrate_with=[100])
    for table in threshold_tables(made)[1:]:
        headers = table.for_terminal(80)[1]
        assert all(name in headers.text for name in table.columns)  # side by side, none folded
    print_thresholds(made, Console(width=80, quiet=True))


@pytest.fixture
def store(tmp_path):
    """Normal scores of 260 photographs and of 60 images of each of two generators."""
    stream, wepe = np.random.default_rng(0), detector("wepe")
    rows = scored(images(260, 60, ("gan", "ldm")), wepe, lambda path, label, source: float(stream.normal(1.5 * label)))
    keep(tmp_path, "a", [rows], wepe)
    return tmp_path


def test_the_command_writes_what_it_was_asked_for(store, capsys):
    words = ["--prevalence", "0.01", "0.2", "--calibrate-with", "50", "1000", "--json", f"--output={store}"]
    assert main(["thresholds", "--rules", "fpr:5", *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    table = pl.read_csv(store / "thresholds.csv", infer_schema_length=None)
    precisions = table.filter(pl.col("metric") == "precision")
    assert precisions["prevalence"].unique().sort().to_list() == [0.01, 0.2]
    assert precisions.filter(pl.col("value").is_not_null()).height == 2 * 3 * 2  # of 1000 there is none
    few = table.filter((pl.col("calibrated_with") == 50) & (pl.col("metric") == "fpr"))
    assert few["expected_fpr"].to_list() == pytest.approx([3 / 51] * 3)
    assert (few["expected_fpr_low"] < few["expected_fpr"]).all()
    assert {row["metric"] for row in printed["low_rates"]} == {"partial_auroc_5_fpr", "eer", "tpr_at_1_fpr"}
    assert any("are fewer than the 1000 to calibrate with" in note for note in printed["notes"])
    assert any("1 % of 260 independent groups" in note for note in printed["notes"])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--prevalence", "2"], "above 0 and below 1, for instance 0.01, got 2"),
        (["--calibrate-with", "0"], "expected a whole number of at least 1, got 0"),
        (["--calibrate-with", "many"], "expected a whole number of at least 1, got many"),
        (["--rules", "best", "--calibrate-with", "20"], "add for instance --rules fpr:5"),
    ],
)
def test_a_wrong_value_is_one_line(store, capsys, words, error):
    try:
        code = main(["thresholds", *words, f"--output={store}"])
    except SystemExit as end:
        code = end.code
    written = capsys.readouterr().err
    assert code == 2
    assert error in written
    assert written.count("\n") == 1
    assert not (store / "thresholds.csv").exists()
