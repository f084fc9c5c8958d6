"""What is printed around tables."""

import os
import subprocess
import sys

import pytest
from hostile_names import rendered
from rich.console import Console

from bench.report.table import Table, print_line, print_tables

PRINT = """
from rich.console import Console
from bench.report.table import Table, print_tables
print_tables([Table("", ("name", "what"), [["a", "word " * 60]])], Console(), ["careful " * 30], ["note " * 30])
"""


@pytest.mark.heavy
@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("120", 120), (None, 80)])
def test_in_a_pipe_lines_are_as_wide_as_columns_says_or_80(columns, width):
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"COLUMNS": columns} if columns else {}
    done = subprocess.run(
        [sys.executable, "-c", PRINT], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    for stream in (done.stdout, done.stderr):
        assert width - 8 <= max(map(len, stream.splitlines())) <= width


def test_warnings_go_to_standard_error_before_the_tables_and_notes_below_them(capsys):
    print_tables([Table("Title", ("name",), [["cell"]])], Console(width=80), ["Take care."], ["So it is read."])
    out, errors = capsys.readouterr()
    assert errors == "Warning: Take care.\n"
    assert out.splitlines() == ["Title", "name", "────", "cell", "- So it is read."]


def test_a_quiet_console_prints_no_warning_either(capsys):
    print_tables([Table("", ("a",), [["b"]])], Console(quiet=True), ["warning"], ["note"])
    assert capsys.readouterr() == ("", "")


def test_a_note_is_folded_with_a_hanging_indentation_and_a_path_stands_whole(capsys):
    path = "/home/" + "folder/" * 12 + "compare.csv"
    print_line(f"Here are some words before {path} and some after it.", Console(width=40), mark="- ")
    assert capsys.readouterr().out.splitlines() == ["- Here are some words before", f"  {path}", "  and some after it."]


def test_a_terminal_without_unicode_gets_rules_it_can_write(tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii") as file:
        print_tables([Table("", ("name",), [["cell"]])], Console(file=file, width=80))
    assert (tmp_path / "out").read_text() == "name\n----\ncell\n"


def test_markdown_is_a_table_for_whoever_renders_it():
    lines = Table("Title", ("name", "-1"), [["---", "0.5"], ["a|b", "1"]]).markdown("##")
    tags, seen = rendered("\n".join(lines))
    assert tags == {"h2", "table", "thead", "tbody", "tr", "th", "td"}
    assert seen.split() == ["Title", "name", "-1", "---", "0.5", "a|b", "1"]
