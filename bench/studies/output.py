"""Writes what studies came to: Markdown, CSV and SVG, and tables for a terminal."""

import math
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report.escaping import markdown
from bench.report.numbers import cell
from bench.report.table import Table, columns_of, csv_text, note_lines, print_tables, write_texts
from bench.report.verdicts import COLUMNS, NOTE, verdict_cells, verdict_record
from bench.statistics.number import Number
from bench.studies.base import Line, Result, Study
from bench.studies.figures import metric_title

FOLDER = "studies"
HEADER = ("row", "column", "metric", "ours", "paper", *COLUMNS)


def write_study(study: Study, result: Result, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``<output>/studies/<name>.md``, ``.csv`` and the figures, and returns these files.

    ``raw_names`` as for `csv_line`.

    Raises:
        BenchError: One cannot be written.
    """
    columns = tuple(_record(study, Line("", "", "", None)))
    texts = {
        f"{study.name}.md": study_markdown(study, result),
        f"{study.name}.csv": csv_text([_record(study, line) for line in result.lines], columns, raw_names),
        **{figure_file(study, name): svg.rstrip("\n") + "\n" for name, svg in result.figures.items()},
    }
    return write_texts(texts, output / FOLDER)


def study_markdown(study: Study, result: Result) -> str:
    """Writes a study as Markdown."""
    lines = [f"# {markdown(study.source)}: {markdown(study.title)}", ""]
    lines += [f"Made by `python -m bench reproduce {study.name}`.", ""]
    if result.lines:
        lines += study_table(study, result).markdown()
    if any(line.verdict is not None for line in result.lines):
        lines += [NOTE, ""]
    for name in result.figures:
        lines += [f"![{markdown(name)}]({figure_file(study, name)})", ""]
    lines += note_lines(result.notes)
    return "\n".join(lines) + "\n"


def study_table(study: Study, result: Result) -> Table:
    """Makes a row for each number."""
    rows = [
        [
            line.row,
            line.column,
            metric_title(line.metric),
            cell(line.ours),
            "" if line.reported is None else f"{line.reported.value:.4f}",
            _kind(line),
            *(verdict_cells(line.verdict)[1:-1] if line.verdict else ["", ""]),
            _because(line),
        ]
        for line in result.lines
    ]
    return Table(f"{study.source}: {study.title}", HEADER, rows, names=3)


def print_study(study: Study, result: Result, console: Console) -> None:
    """Prints the numbers, and under them the notes."""
    print_tables([study_table(study, result)] if result.lines else [], console, notes=result.notes)


def figure_file(study: Study, name: str) -> str:
    """Names a figure's file; its first part is the study's name."""
    return f"{name}.svg" if f"{name}-".startswith(f"{study.name}-") else f"{study.name}-{name}.svg"


def _kind(line: Line) -> str:
    if line.verdict is not None:
        return line.verdict.kind
    return "reported only" if line.ours is None and line.reported is not None else ""


def _because(line: Line) -> str:
    """Joins a verdict's reasons or assumptions, why there is no number, and what is to be known of the paper's."""
    words = [] if line.verdict is None else [line.verdict.because]
    if line.ours is not None and math.isnan(line.ours.value):
        words = [line.ours.reason or ""]
    if line.reported is not None and line.reported.note:
        words.append(f"paper: {line.reported.note}")
    return "; ".join(filter(None, words))


def _record(study: Study, line: Line) -> dict[str, Any]:
    ours, reported, verdict = line.ours or Number(math.nan), line.reported, line.verdict
    return {
        "study": study.name,
        **columns_of(line, "row", "column", "metric"),
        **ours.columns(),
        "seeds_sd": ours.seeds_sd,
        "reported": reported and reported.value,
        "reported_in": reported and f"{reported.source}, {reported.table}",
        "verdict": _kind(line) or None,
        **verdict_record(verdict),
        "reason": ours.reason,
        "reported_note": reported and reported.note,
    }
