"""A table of text in all its forms: for a terminal, as Markdown, as a file for programs; a page takes it as it is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.escaping import csv_cell, markdown, printable
from bench.report.fitting import RULE, Grid, Line, fitted
from bench.report.folding import fold
from bench.statistics.number import Number
from bench.store.files import write_together

LEAST_WIDTH = 20
"""Of a terminal: narrower ones are written to as if they had this."""


@dataclass(frozen=True)
class Table:
    """A table, ready to be shown.

    Args:
        note: How to read it.
        names: Number of first columns that are names, each written once where it repeats.
        numbers: The columns of numbers, where they are not all the others.
        lines: Whether line breaks in cells are ours, and not a name's.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    names: int = 1
    numbers: Sequence[str] | None = None
    lines: bool = False

    def markdown(self, heading: str = "") -> list[str]:
        """Writes the table and its note, a line each row, and an empty line after each of the two.

        Args:
            heading: Marks of a heading, such as ``##``: the title then stands above the table.
        """
        rows = [self.columns, ["---"] * len(self.columns), *self.rows]
        lines = ["| " + " | ".join(map(markdown, row)) + " |" for row in rows]
        title = [f"{heading} {markdown(self.title)}", ""] if heading else []
        return [*title, *lines, "", *([self.note, ""] if self.note else [])]

    def for_terminal(self, width: int) -> list[Line]:
        """Writes the table in lines no wider than this, and below it names in full that it had to shorten."""
        text = partial(printable, lines=self.lines)
        columns, *rows = (tuple(map(text, row)) for row in (self.columns, *self.rows))
        numbers = None if self.numbers is None else tuple(map(text, self.numbers))
        lines, full = fitted(Grid(columns, tuple(rows), self.names, numbers), width)
        title = [Line(part, "bold italic") for part in fold(printable(self.title), width)] if self.title else []
        legend = [f"{short} = {name}" for short, name in full.items()]
        return [*title, *lines, *(Line(part, "dim") for entry in legend for part in hanging("", entry, width))]


def print_tables(
    tables: Sequence[Table], console: Console, warnings: Iterable[str] = (), notes: Iterable[str] = ()
) -> None:
    """Prints warnings to standard error, then tables, fitted to the console's width, and under them notes."""
    errors = Console(stderr=True, width=width_of(console), quiet=console.quiet)
    for warning in warnings:
        print_line(f"Warning: {warning}", errors, "yellow")
    for number, table in enumerate(tables):
        if number:
            _print(Line(""), console)
        for line in table.for_terminal(width_of(console)):
            _print(line, console)
    for note in notes:
        print_line(note, console, mark="- ")


def print_line(words: str, console: Console, style: str = "", mark: str = "") -> None:
    """Prints a sentence, folded at the console's width; a path that is longer stands whole on a line of its own.

    Args:
        words: The sentence.
        console: Where to.
        style: Rich's.
        mark: Stands before the first line, and blanks before the others.
    """
    for part in hanging(mark, printable(words), width_of(console)):
        _print(Line(part, style), console)


def hanging(mark: str, words: str, width: int) -> list[str]:
    """Folds a sentence whose further lines are indented: below the first line's words, or a little without a mark."""
    indent = " " * len(mark)
    return [(indent if number else mark) + part for number, part in enumerate(fold(words, width - len(mark), True))]


def width_of(console: Console) -> int:
    """Returns the width that lines are fitted to: ``COLUMNS``, else the terminal's, else 80, as rich finds it."""
    return max(console.width, LEAST_WIDTH)


def _print(line: Line, console: Console) -> None:
    text = line.text.replace(RULE, "-") if console.options.ascii_only else line.text
    console.print(Text(text, style=line.style), soft_wrap=True, highlight=False)


def note_lines(notes: Iterable[str], warnings: Iterable[str] = ()) -> list[str]:
    """Writes warnings, and then notes, as a Markdown list."""
    return [*(f"- **Warning:** {markdown(words)}" for words in warnings), *(f"- {markdown(words)}" for words in notes)]


def write_texts(texts: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """Writes files into a folder, which is made where it is missing.

    Args:
        texts: By the files' names; what is no Unicode, as names of files may be, is written as the bytes that it was.
        folder: Where to.

    Raises:
        BenchError: One cannot be written; then none was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"Cannot write to {folder}: {error.strerror}.") from error
    return write_together({folder / name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()})


def csv_text(records: Iterable[Mapping[str, Any]], columns: Sequence[str] = (), raw_names: bool = False) -> str:
    """Writes records as CSV.

    Args:
        records: With the same keys each.
        columns: Names the columns where there may be no record.
        raw_names: As for :func:`bench.report.escaping.csv_line`.
    """
    rows = list(records)
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String)).write_csv()
    return frame_csv(pl.DataFrame(rows, infer_schema_length=None), raw_names)


def frame_csv(frame: pl.DataFrame, raw_names: bool = False) -> str:
    """Writes a frame as CSV; ``raw_names`` as for :func:`bench.report.escaping.csv_line`."""
    if not raw_names:
        texts = [column for column in frame.iter_columns() if column.dtype == pl.String]
        frame = frame.with_columns(
            pl.Series(column.name, [text and csv_cell(text) for text in column.to_list()], pl.String)
            for column in texts
        )
    return frame.write_csv()


def columns_of(item: object, *names: str) -> dict[str, Any]:
    """Returns attributes of an item as columns of the same names."""
    return {name: getattr(item, name) for name in names}


def cell(number: Number | None, signed: bool = False) -> str:
    """Writes a number with its spread over seeds and its interval (``~`` if approximate); nothing without a number."""
    if number is None:
        return ""
    if math.isnan(number.value):
        return "n/a"
    sign = "+" if signed else ""
    text = f"{number.value:{sign}.4f}"
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.4f}"
    level = number.chance
    chance = "" if level is None or round(level, 2) == 0.5 else f" (chance {level:.2f})"
    if number.interval is None:
        return f"{text} [no interval]{chance}"
    about = "~" if number.doubt else ""
    return f"{text} {about}[{number.interval.low:{sign}.3f}, {number.interval.high:{sign}.3f}]{chance}"


def p_cell(p: float | None) -> str:
    """Writes a p-value.

    Examples:
        >>> p_cell(0.0312), p_cell(1e-9), p_cell(None)
        ('0.0312', '< 0.0001', 'n/a')
    """
    if p is None or math.isnan(p):
        return "n/a"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
