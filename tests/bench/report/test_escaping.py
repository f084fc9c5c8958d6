"""Names are text: on a terminal, in Markdown, and in CSV files."""

import subprocess
import sys

import pytest
from hostile_names import NAMES, acting, records, rendered

from bench.report.escaping import csv_cell, csv_line, markdown, printable
from bench.report.table import Table, csv_text, note_lines, print_tables

PLACES = {
    "a cell": lambda text: "\n".join(Table("", ("a",), [[text]]).markdown()),
    "a column": lambda text: "\n".join(Table("", (text,), [["a"]]).markdown()),
    "a title": lambda text: "\n".join(Table(text, ("a",), [["b"]]).markdown("##")),
    "a note": lambda text: "\n".join(note_lines([text])),
    "a warning": lambda text: "\n".join(note_lines([], [text])),
    "a line": lambda text: f"{markdown(text)}:",
}
MORE = (
    *("> q", "+ l", "1) x", "123456789. x", "---", "a ##", "&#60;", "a\\", "\\[x](y)", "[ ] task", "[x]: http://e"),
    *("http://example.org/a", "see WWW.example.org", "x~[0.1, 0.2] x~[0.1, 0.2]", "[^1]", "<http://x>", "\udcff", "=="),
)


@pytest.mark.parametrize("place", PLACES)
def test_markdown_shows_a_name_as_it_is_and_nothing_acts(place):
    plain, _ = rendered(PLACES[place]("plain"))
    for name in (*NAMES, *MORE):
        text = PLACES[place](name)
        tags, seen = rendered(text)
        assert printable(name) in seen
        assert tags == plain, name
        assert not acting(text)


def test_markdown_leaves_numbers_and_words_as_they_are():
    for text in ("0.9100 ~[0.880, 0.930] (chance 0.50)", "+0.0100 [-0.010, +0.030]", "n/a", "1.5", "0.5 [no interval]"):
        assert markdown(text) == text
    assert markdown("real, größer, 写真, фото: 3 of 4; a - b") == "real, größer, 写真, фото: 3 of 4; a - b"


@pytest.mark.parametrize("letter", "\x1b\r\x9b\x7f\n\u202e\u2066\u200b\u2028\ufeff\U000e0041\udcff", ids=ascii)
def test_what_a_terminal_would_obey_is_written_out(letter):
    assert printable(f"a{letter}é") == f"a{ascii(letter)[1:-1]}é"


def test_the_headers_of_a_table_are_text_too(capsys):
    from rich.console import Console

    name = "\x1b[31m[bold]x[/bold]"
    print_tables([Table(name, (name,), [[name]])], Console(), notes=[name], warnings=[name])
    out, errors = capsys.readouterr()
    assert out.count("\\x1b[31m[bold]x[/bold]") == 4
    assert errors == "Warning: \\x1b[31m[bold]x[/bold]\n"
    assert not acting(out)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("raw_names", [False, True])
def test_a_record_is_read_back_as_one_record(name, raw_names):
    rows = [{"name": name, "value": -0.31, "other": None}, {"name": "b", "value": 1e-7, "other": "c"}]
    lines = csv_line(rows[0], raw_names) + "".join(csv_line(row.values(), raw_names) for row in rows)
    for text in (lines, csv_text(rows, raw_names=raw_names)):
        first, second = records(text)
        assert first["name"].removeprefix("" if raw_names else "'") == name
        assert (float(first["value"]), first["other"], second["name"]) == (-0.31, "", "b")


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM", "\t=1", "\r=1", "\n=1", "-2+3", "-"])
def test_a_spreadsheet_takes_no_name_for_a_formula(text):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-0.31", "+1", "-1e-7", "-.5", "1=1", "a", "", " =1", "'=1"])
def test_numbers_and_other_names_stay_as_they_are(text):
    assert csv_cell(text) == text


@pytest.mark.heavy
def test_errors_are_written_without_what_writes_tables():
    code = "import sys, bench.report.escaping; sys.exit(any(name in sys.modules for name in ('rich', 'polars')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
