"""Tables at the widths of terminals."""

import re

import pytest
from rich.cells import cell_len

from bench.report.fitting import RULE, Grid, fitted
from bench.report.table import Table

DETECTORS = (
    *("rigid", "aeroblade", "npr", "wepe:rule=tensor_std,noise=0.05", "wepe:rule=tensor_std,noise=0.06"),
    "rigid+wepe:rule=tensor_std,noise=0.05+aeroblade:distance=gradient,stages=all,resize=512,model=kandinsky",
)
GENERATORS = (*(f"gen{number}" for number in range(12)), "a_generator_whose_name_is_long_and_has_no_options_at_all")


def number(row, column):
    """Makes a number with an interval that no other cell has."""
    middle = 0.5 + 0.001 * (row * 20 + column)
    return f"{middle:.3f} [{middle - 0.051:.3f}, {middle + 0.049:.3f}]"


def board(detectors=DETECTORS, generators=GENERATORS):
    """Makes a row a detector and a column a generator."""
    columns = ("detector", "rank", *(f"AUROC, {name}" for name in generators), "against chance")
    rows = [
        (name, "abc"[i % 3], *(number(i, j) for j in range(len(generators))), "not separated")
        for i, name in enumerate(detectors)
    ]
    return Table("A board of detectors", columns, rows)


def long(detectors=DETECTORS, generators=GENERATORS):
    """Makes a row a detector and generator."""
    rows = [(name, gen, number(i, j), "12") for i, name in enumerate(detectors) for j, gen in enumerate(generators)]
    return Table("", ("detector", "generator", "AUROC", "images"), rows, names=2)


def written(table, width):
    """Returns the lines of a table as one text, and the same without blanks and rules."""
    lines = [line.text for line in table.for_terminal(width)]
    return lines, re.sub(rf"[\s{RULE}]+", "", "".join(lines))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200, 603])
@pytest.mark.parametrize("table", [board(), board(DETECTORS[:2]), board(generators=GENERATORS[:2]), long()])
def test_no_line_is_wider_and_no_number_is_cut(table, width):
    lines, _ = written(table, width)
    assert max(map(cell_len, lines)) <= width
    for row in table.rows:
        for cell in row[table.names :]:
            if "[" in cell and width >= 40:
                value, interval = cell.split(" ", 1)
                assert sum(interval in line for line in lines) == 1
                assert any(re.search(rf"(?<![\d.]){value}(?![\d.])", line) for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("make", [board, long])
def test_every_name_can_be_read_in_full(make, width):
    for name in (*DETECTORS, *GENERATORS):
        detectors = [name] if name in DETECTORS else DETECTORS[:1]
        generators = [name] if name in GENERATORS else GENERATORS[:1]
        _, text = written(make(detectors, generators), width)
        assert all(part in text for part in re.split("[:,=+_]", name))


def test_a_table_that_fits_is_printed_as_it_is():
    lines, _ = written(board(DETECTORS[:2], GENERATORS[:1]), 80)
    assert lines[0] == "A board of detectors"
    assert lines[1] == "detector   rank           AUROC, gen0  against chance"
    assert lines[2] == RULE * len(lines[1])
    assert lines[3:] == [
        "rigid      a     0.500 [0.449, 0.549]  not separated",
        "aeroblade  b     0.520 [0.469, 0.569]  not separated",
    ]


def test_few_rows_of_many_columns_are_transposed():
    lines, _ = written(board(DETECTORS[:2], GENERATORS[:12]), 80)
    assert lines[1].split() == ["detector", "rigid", "aeroblade"]
    assert lines[5].split() == ["AUROC,", "gen1", *number(0, 1).split(), *number(1, 1).split()]


def test_blocks_repeat_the_names():
    rows = [("a", "b", *["0.123456789"] * 6), ("a", "c", *["1"] * 6), ("d", "b", *["2"] * 6)]
    table = Table("", ("first", "second", *"uvwxyz"), rows, names=2)
    lines, _ = written(table, 45)
    assert sum(line.startswith("first") for line in lines) == 3
    assert sum("0.123456789" in line for line in lines) == 3


def test_in_a_very_narrow_place_there_is_a_record_a_row():
    grid = Grid(("detector", "AUROC"), (("rigid", number(0, 0)), ("aeroblade", number(1, 0))), 1)
    lines, _ = fitted(grid, 22)
    assert [line.text for line in lines] == [
        *("detector: rigid", "AUROC: 0.500", "  [0.449, 0.549]", ""),
        *("detector: aeroblade", "AUROC: 0.520", "  [0.469, 0.569]"),
    ]


def test_a_name_that_repeats_is_written_once_and_groups_are_apart():
    lines, _ = written(long(DETECTORS[:2], GENERATORS[:2]), 80)
    assert [line.split()[:2] for line in lines[2:]] == [
        *(["rigid", "gen0"], ["gen1", "0.501"], [], ["aeroblade", "gen0"], ["gen1", "0.521"]),
    ]


def test_names_too_long_for_a_column_are_shortened_and_stand_below_in_full():
    name = "detector:" + "x" * 90
    lines, text = written(Table("", ("detector", "AUROC"), [(name, "0.5"), (f"{name}y", "0.6")]), 60)
    assert f"={name}" in text
    assert f"={name}y" in text
    first, second = (line.split()[0] for line in lines[2:4])
    assert first != second


def test_columns_without_a_cell_are_left_out():
    lines, _ = written(Table("", ("a", "b", "c"), [("1", "", "2")]), 60)
    assert lines[0].split() == ["a", "c"]
    assert written(Table("", ("a", "b"), []), 60)[0][0].split() == ["a", "b"]
