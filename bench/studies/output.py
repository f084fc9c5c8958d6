"""Writes what studies came to: Markdown, CSV and SVG, and tables for a terminal."""

import math
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.tables import cell, escaped, make_table, markdown_table, print_tables
from bench.store.files import write_atomically
from bench.studies.base import Line, Result, Study
from bench.studies.figures import metric_title

FOLDER = "studies"
HEADER = ("row", "column", "metric", "ours", "paper", "verdict", "because")
NAMED = 3
REPORTED_ONLY = "reported only"
VERDICT_NOTE = (
    "A verdict asks whether the paper's number lies in the interval in which it is expected if nothing differs but the "
    "images and seeds; one in twenty then says *differs*. What the paper does not say is never chosen so that it fits."
)
SCHEMA = {
    **dict.fromkeys(("study", "row", "column", "metric"), pl.String),
    **dict.fromkeys(("value", "low", "high", "seeds_sd", "reported"), pl.Float64),
    **dict.fromkeys(("reported_in", "verdict"), pl.String),
    **dict.fromkeys(("expected_low", "expected_high"), pl.Float64),
    **dict.fromkeys(("because", "reason", "reported_note"), pl.String),
}


def write_study(study: Study, result: Result, output: Path) -> tuple[Path, ...]:
    """Writes ``<output>/studies/<name>.md``, ``.csv`` and the figures.

    Args:
        study: The study.
        result: What it came to.
        output: The results' folder.

    Returns:
        The files.

    Raises:
        BenchError: One cannot be written.
    """
    folder = output / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"Cannot write to {folder}: {error.strerror}.") from error
    texts = {
        f"{study.name}.md": study_markdown(study, result),
        f"{study.name}.csv": study_frame(study, result).write_csv(),
        **{figure_file(study, name): svg.rstrip("\n") + "\n" for name, svg in result.figures.items()},
    }
    return tuple(
        write_atomically(folder / name, text.encode("utf-8", "surrogateescape")) for name, text in texts.items()
    )


def study_markdown(study: Study, result: Result) -> str:
    """Writes a study as Markdown."""
    lines = [f"# {escaped(study.source)}: {escaped(study.title)}", ""]
    lines += [f"Made by `python -m bench reproduce {study.name}`.", ""]
    if result.lines:
        lines += [*markdown_table(HEADER, study_cells(result)), ""]
    if any(line.verdict is not None for line in result.lines):
        lines += [VERDICT_NOTE, ""]
    for name in result.figures:
        lines += [f"![{escaped(name)}]({figure_file(study, name)})", ""]
    lines += [f"- {escaped(note)}" for note in result.notes]
    return "\n".join(lines) + "\n"


def study_cells(result: Result) -> list[list[str]]:
    """Returns the numbers as text under ``HEADER``."""
    return [
        [
            line.row,
            line.column,
            metric_title(line.metric),
            "" if line.ours is None else cell(line.ours),
            "" if line.reported is None else f"{line.reported.value:.4f}",
            _kind(line),
            _because(line),
        ]
        for line in result.lines
    ]


def study_frame(study: Study, result: Result) -> pl.DataFrame:
    """Makes one row for each number."""
    return pl.DataFrame([_record(study, line) for line in result.lines], schema=SCHEMA, orient="row")


def print_study(study: Study, result: Result, console: Console) -> None:
    """Prints the numbers, and under them the notes."""
    if result.lines:
        print_tables([make_table(f"{study.source}: {study.title}", HEADER, study_cells(result), NAMED)], console)
    for note in result.notes:
        console.print(Text(f"- {note}"), soft_wrap=True)


def figure_file(study: Study, name: str) -> str:
    """Names a figure's file; its first part is the study's name."""
    own = name.removesuffix(".svg")
    return f"{own}.svg" if own.split("-")[0] == study.name else f"{study.name}-{own}.svg"


def _kind(line: Line) -> str:
    if line.verdict is not None:
        return line.verdict.kind
    return REPORTED_ONLY if line.ours is None and line.reported is not None else ""


def _because(line: Line) -> str:
    """Joins a verdict's reasons or assumptions, why there is no number, and what is to be known of the paper's."""
    words = [] if line.verdict is None else ["; ".join(line.verdict.reasons) or line.verdict.assumption]
    if line.ours is not None and math.isnan(line.ours.value):
        words = [line.ours.reason or ""]
    if line.reported is not None and line.reported.note:
        words.append(f"paper: {line.reported.note}")
    return "; ".join(filter(None, words))


def _record(study: Study, line: Line) -> dict[str, Any]:
    ours, reported, verdict = line.ours, line.reported, line.verdict
    low, high = ours.interval if ours is not None and ours.interval is not None else (None, None)
    return {
        "study": study.name,
        "row": line.row,
        "column": line.column,
        "metric": line.metric,
        "value": None if ours is None else _finite(ours.value),
        "low": low,
        "high": high,
        "seeds_sd": None if ours is None else ours.seeds_sd,
        "reported": None if reported is None else reported.value,
        "reported_in": None if reported is None else f"{reported.source}, {reported.table}",
        "verdict": _kind(line) or None,
        "expected_low": None if verdict is None else _finite(verdict.low),
        "expected_high": None if verdict is None else _finite(verdict.high),
        "because": None if verdict is None else "; ".join(verdict.reasons) or verdict.assumption,
        "reason": None if ours is None else ours.reason,
        "reported_note": None if reported is None else reported.note,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
