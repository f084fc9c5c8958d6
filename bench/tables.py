"""Writes a comparison for people (terminal, Markdown) and for programs (CSV)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.metrics import METRICS
from bench.summary import WITH_INTERVAL, Number, Row

UNLIMITED = 10_000
HEADER = ("detector", "generator", "real", "generated", "unreadable")


@dataclass(frozen=True)
class Report:
    """A comparison, ready to be shown.

    Args:
        title: What was compared on what.
        rows: The numbers.
        notes: What a reader must know to read them, one sentence each.
        warnings: What makes them doubtful.
    """

    title: str
    rows: Sequence[Row]
    notes: Sequence[str]
    warnings: Sequence[str]


def terminal_table(report: Report) -> Table:
    """Makes the table for a terminal."""
    table = Table(title=report.title, title_justify="left")
    for name in HEADER:
        numeric = name not in ("detector", "generator")
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for metric in WITH_INTERVAL:
        table.add_column(METRICS[metric].title, justify="right", no_wrap=True)
    before = None
    for row in report.rows:
        if before is not None and row.detector != before.detector:
            table.add_section()
        repeated = before is not None and row.detector == before.detector
        cells = ["" if repeated else row.detector, *_cells(row)[1:]]
        table.add_row(*(Text(cell) for cell in cells))  # as text: a name may look like markup
        before = row
    return table


def markdown(report: Report) -> str:
    """Writes the table, the warnings and the notes as Markdown."""
    header = [*HEADER, *(METRICS[metric].title for metric in WITH_INTERVAL)]
    lines = [f"## {report.title}", "", _markdown_row(header), _markdown_row(["---"] * len(header))]
    lines += [_markdown_row(_cells(row)) for row in report.rows]
    lines += [""] + [f"- **Warning:** {_escaped(warning)}" for warning in report.warnings]
    lines += [f"- {_escaped(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"


def csv_frame(report: Report) -> pl.DataFrame:
    """Makes one row for each detector, generator and metric, with every metric there is."""
    return pl.DataFrame(
        [
            {
                "detector": row.detector,
                "generator": row.generator,
                "metric": metric,
                "value": None if math.isnan(number.value) else number.value,
                "low": number.interval.low if number.interval else None,
                "high": number.interval.high if number.interval else None,
                "seeds_sd": number.seeds_sd,
                "n_real": row.n_real,
                "n_generated": row.n_generated,
                "n_unreadable": row.n_unreadable,
                "reason": number.reason,
            }
            for row in report.rows
            for metric, number in row.numbers.items()
        ],
        schema_overrides={
            **dict.fromkeys(("value", "low", "high", "seeds_sd"), pl.Float64),
            "reason": pl.String,
        },
        infer_schema_length=None,
    )


def _cells(row: Row) -> list[str]:
    counts = [str(count) for count in (row.n_real, row.n_generated, row.n_unreadable)]
    return [row.detector, row.generator, *counts, *(_cell(row.numbers[metric]) for metric in WITH_INTERVAL)]


def _cell(number: Number) -> str:
    if math.isnan(number.value):
        return "n/a"
    text = f"{number.value:.4f}"
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.4f}"
    if number.interval is None:
        return f"{text} [no interval]"
    return f"{text} [{number.interval.low:.3f}, {number.interval.high:.3f}]"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Keeps names of folders from becoming markup."""
    for character in ("\\", "|", "`", "*", "_", "<"):
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")


def print_report(report: Report, console: Console) -> None:
    """Prints the table, and under it the warnings and notes."""
    table = terminal_table(report)
    width = Console(width=UNLIMITED).measure(table).maximum
    if not console.is_terminal or console.width < width:
        console = Console(file=console.file, width=max(console.width, width))  # a file has no width to keep to
    console.print(table)
    for warning in report.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(f"- {note}"), soft_wrap=True)
