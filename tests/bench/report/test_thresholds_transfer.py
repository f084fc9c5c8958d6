"""Thresholds carried from one cell to another, by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from threshold_panels import exact_interval, panel_of, points_of

from bench.report.threshold_notes import transfer_notes
from bench.report.threshold_records import transfer_records
from bench.report.thresholds import threshold_markdown, threshold_tables
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.rules import parse_rule
from bench.results.thresholds.study import Cell, ThresholdStudy, TransferMatrix, transfer_between
from bench.store.panel import Panel
from bench.store.schema import Scoring

LOW = panel_of([range(20)], [[0, 10, 18, 19]], {"a": [[18.5, 30, 1, 40]], "b": [[40, 41]]})
HIGH = panel_of([range(10, 30)], [[10, 20, 25, 30]], {"a": [[17, 40]]})


def cells():
    return [("low", LOW, "x", "clean"), ("high", HIGH, "x", "clean")]


def transfer(cells: Sequence[tuple[str, Panel, str, str]], percent: float, draws: int = 20) -> TransferMatrix:
    made = [Cell(name, Halves(panel, draws), detector, condition) for name, panel, detector, condition in cells]
    return transfer_between(made, parse_rule(f"fpr:{percent:g}"))


def test_the_matrix_by_hand():
    """The threshold is 18 on the first and 28 on the second."""
    matrix = transfer(cells(), 5, draws=20)
    fpr = {pair: entry.fpr.value for pair, entry in matrix.entries.items()}
    tpr = {pair: entry.tpr.value for pair, entry in matrix.entries.items()}
    low, high = "low", "high"
    assert fpr == {(low, low): 0.25, (low, high): 0.75, (high, low): 0.0, (high, high): 0.25}
    assert tpr == {(low, low): 0.875, (low, high): 0.5, (high, low): 0.75, (high, high): 0.5}
    entry = matrix.entries[low, high]
    assert (entry.n_held_out, entry.n_real, entry.n_generated) == (20, 4, 2)
    assert entry.fpr.interval == pytest.approx(exact_interval(3, 4), abs=1e-9)


def test_the_diagonal_equals_the_operating_point_of_the_mean():
    generator = np.random.default_rng(0)
    reals = generator.normal(size=(2, 40)), generator.normal(size=(2, 40))
    panel = panel_of(*reals, {"a": generator.normal(1, size=(2, 30)), "b": generator.normal(2, size=(2, 30))})
    (entry,) = transfer([("one", panel, "x", "clean")], 20, draws=50).entries.values()
    mean = points_of(panel, "fpr:20", draws=50)[-1]
    assert (entry.fpr, entry.tpr) == (mean.numbers["fpr"], mean.numbers["tpr"])
    assert entry.tpr.interval is not None


def test_images_that_gave_the_threshold_are_not_measured_under_another_condition():
    generator = np.random.default_rng(1)
    panel = panel_of(
        [generator.random(40)], [10 + generator.random(40)], {"a": [5 + generator.random(40)]}, ["clean", "jpeg:50"]
    )
    matrix = transfer([(where, panel, "x", where) for where in ("clean", "jpeg:50")], 5, draws=50)
    assert [entry.fpr.value for entry in matrix.entries.values()] == [1.0] * 4


def test_data_sets_with_the_same_real_images_hold_out_the_same_ones():
    generator = np.random.default_rng(2)
    first, second = (
        panel_of([generator.random(40)], [10 + generator.random(40)], {name: [generator.random(40)]}) for name in "ab"
    )
    matrix = transfer([("one", first, "x", "clean"), ("two", second, "x", "clean")], 5, draws=50)
    assert matrix.entries["one", "two"].fpr.value == matrix.entries["two", "one"].fpr.value == 1.0


def test_only_seeds_in_common_are_paired():
    two = panel_of([range(20), range(100, 120)], [[0, 19], [100, 119]], {"a": [[30, 30], [130, 130]]})
    other = replace(LOW, scorings=(Scoring("x", "f", 1),), scores=LOW.scores + 100)
    matrix = transfer([("two", two, "x", "clean"), ("other", other, "x", "clean")], 5, draws=20)
    assert matrix.entries["two", "other"].fpr.value == 0.25  # seed 1's threshold, 118
    strange = replace(other, scorings=(Scoring("x", "f", 7),))
    matrix = transfer([("two", two, "x", "clean"), ("strange", strange, "x", "clean")], 5, draws=20)
    assert matrix.entries["two", "strange"].reason == "no seed in common"


def test_a_row_that_cannot_carry_the_rate_is_told_once():
    few = panel_of([range(5)], [range(5)], {"a": [range(5)]})
    matrix = transfer([*cells(), ("few", few, "x", "clean")], 5, draws=20)
    assert "5 held-out groups" in matrix.entries["few", "low"].reason
    assert np.isnan(matrix.entries["few", "low"].fpr.value)
    assert sum("cannot carry" in note for note in transfer_notes([matrix])) == 1
    assert transfer([("few", few, "x", "clean")], 5).empty


def test_the_matrix_is_written_as_records_tables_and_markdown():
    matrix = transfer(cells(), 5, draws=20)
    assert [record["value"] for record in transfer_records([matrix]) if record["metric"] == "fpr"] == [
        *(0.25, 0.75, 0.0, 0.25),
    ]
    study = ThresholdStudy({}, [matrix])
    assert [len(table.columns) for table in threshold_tables(study)] == [3, 3]
    assert "| low | 0.25 [0.01, 0.81] | 0.75" in threshold_markdown(study)
