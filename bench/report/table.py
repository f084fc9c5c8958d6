"""A table of text in all its forms: for a terminal, as Markdown, as a file for programs; a page takes it as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.escaping import csv_cell, markdown, printable
from bench.report.fitting import RULE, Grid, Line, fitted
from bench.report.folding import fold
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
        links: Pages behind cells, by their texts, as `bench.report.escaping.page_address` wrote them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    names: int = 1
    numbers: Sequence[str] | None = None
    lines: bool = False
    links: Mapping[str, str] = field(default_factory=dict)

    def markdown(self, heading: str = "") -> list[str]:
        """Writes the table and its note, a line each row, and an empty line after each of the two.

        Args:
            heading: Marks of a heading, such as ``##``: the title then stands above the table.
        """
        head, *lines = ("| " + " | ".join(map(self._linked, row)) + " |" for row in (self.columns, *self.rows))
        lines = [head, "| " + " | ".join(["---"] * len(self.columns)) + " |", *lines]
        title = [f"{heading} {markdown(self.title)}", ""] if heading else []
        return [*title, *lines, "", *([self.note, ""] if self.note else [])]

    def _linked(self, text: str) -> str:
        return f"[{markdown(text)}](<{self.links[text]}>)" if text in self.links else markdown(text)

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
            _print([Line("")], console)
        _print(table.for_terminal(width_of(console)), console)
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
    _print([Line(part, style) for part in hanging(mark, printable(words), width_of(console))], console)


def print_files(files: Sequence[Path], console: Console, first: str = "") -> None:
    """Says which files were written: in one line where it is wide enough, else each on a line of its own, whole.

    Args:
        files: What was written.
        console: Where to.
        first: What is said before.
    """
    names = [printable(str(file)) for file in files]
    line = f"{first}Written: {', '.join(names)}."
    if cell_len(line) <= width_of(console):
        _print([Line(line)], console)
        return
    for words in filter(None, (first.rstrip(), "Written:")):
        print_line(words, console)
    _print([Line(f"  {name}") for name in names], console)


def hanging(mark: str, words: str, width: int) -> list[str]:
    """Folds a sentence whose further lines are indented: below the first line's words, or a little without a mark."""
    indent = " " * len(mark)
    return [(indent if number else mark) + part for number, part in enumerate(fold(words, width - len(mark), True))]


def width_of(console: Console) -> int:
    """Returns the width that lines are fitted to: ``COLUMNS``, else the terminal's, else 80, as rich finds it."""
    return max(console.width, LEAST_WIDTH)


def _print(lines: Iterable[Line], console: Console) -> None:
    rule = "-" if console.options.ascii_only else RULE
    texts = (Text(line.text.replace(RULE, rule), line.style) for line in lines)
    console.print(Text("\n").join(texts), soft_wrap=True, highlight=False)


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
