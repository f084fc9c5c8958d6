"""Shows what a trained file is worth on held-out groups: in the terminal, as Markdown and as CSV."""

import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.report.tables import cell, escaped, make_table, markdown_table, print_tables
from bench.results.numbers import MEAN, WITH_INTERVAL, Row
from bench.results.seen import SEEN, UNSEEN
from bench.statistics.metrics import METRICS
from bench.store.files import write_atomically
from bench.training.held_out import HeldOut

HEADER = (
    *("condition", "generator", "training", "real", "generated", "unreadable"),
    *(METRICS[metric].title for metric in WITH_INTERVAL),
    *("worst cue", "against it"),
)


def cells_of(result: HeldOut) -> list[list[str]]:
    """Makes the table's rows as text, under ``HEADER``."""
    order = sorted(result.rows, key=lambda one: one[1].condition)  # stable: seen before unseen, the mean last
    return [_cells(result, mark, row) for mark, row in order]


def _cells(result: HeldOut, mark: str, row: Row) -> list[str]:
    cues = result.cues[mark]
    worst = next((one for one in cues.rows if (one.condition, one.generator) == (row.condition, row.generator)), None)
    name = cues.names.get((row.condition, row.generator), "")
    return [
        row.condition,
        f"mean over {mark}" if row.generator == MEAN else row.generator,
        mark,
        *(str(count) for count in (row.n_real, row.n_generated, row.n_unreadable)),
        *(cell(row.numbers[metric]) for metric in WITH_INTERVAL),
        "" if worst is None else f"{worst.numbers['auroc'].value:.4f} {name}".strip(),
        cues.verdicts.get((row.detector, row.condition, row.generator), ""),
    ]


def notes_of(result: HeldOut) -> list[str]:
    """Says how to read the table, a sentence each."""
    facts = result.record.facts
    marks = {mark for mark, _ in result.rows}
    notes = [
        f"Trained on {', '.join(facts['generators'])} of {facts['dataset']} ({facts['treatment']}): "
        f"{sum(facts['images']['real'].values())} real and {sum(facts['images']['generated'].values())} generated "
        f"images of {facts['n_groups']} groups.",
        f"Every image of these groups, of whatever generator, is left out: {result.left_out} images; {result.tested} "
        f"are tested.",
        "[low, high]: 95 % interval over groups of test images; another training set or seed would give other weights, "
        "which it does not take in.",
        "Unseen goes by the generator's name: one that shares its decoder or its training with a seen one is not "
        "marked. --also-seen marks a generator under another name.",
    ]
    if UNSEEN not in marks:
        notes.append("Every generator was trained on: nothing here says how it fares on an unseen one.")
    if SEEN not in marks:
        notes.append("No image of a seen generator is left to test on.")
    reasons = (
        f"{row.generator}: {row.numbers['auroc'].reason}." for _, row in result.rows if row.numbers["auroc"].reason
    )
    return [*notes, *dict.fromkeys(reasons)]


def print_held_out(result: HeldOut, title: str, console: Console) -> None:
    """Prints the table and the notes."""
    print_tables([make_table(title, HEADER, cells_of(result), 3)], console)
    for note in notes_of(result):
        console.print(Text(f"- {note}"), soft_wrap=True)


def write_held_out(result: HeldOut, title: str, output: Path) -> tuple[Path, ...]:
    """Writes ``fit.csv`` and ``fit.md``."""
    lines = [f"## {escaped(title)}", "", *markdown_table(HEADER, cells_of(result)), ""]
    lines += [f"- {escaped(note)}" for note in notes_of(result)]
    return (
        write_atomically(output / "fit.csv", csv_frame(result.rows).write_csv().encode()),
        write_atomically(output / "fit.md", ("\n".join(lines) + "\n").encode()),
    )


def csv_frame(rows: Sequence[tuple[str, Row]]) -> pl.DataFrame:
    """Makes one row for each generator and metric."""
    return pl.DataFrame(
        [
            {
                "detector": row.detector,
                "condition": row.condition,
                "generator": row.generator,
                "training": mark,
                "metric": metric,
                "value": None if math.isnan(number.value) else number.value,
                "low": number.interval.low if number.interval else None,
                "high": number.interval.high if number.interval else None,
                "n_real": row.n_real,
                "n_generated": row.n_generated,
                "n_unreadable": row.n_unreadable,
                "reason": number.reason,
            }
            for mark, row in rows
            for metric, number in row.numbers.items()
        ],
        schema_overrides={**dict.fromkeys(("value", "low", "high"), pl.Float64), "reason": pl.String},
        infer_schema_length=None,
    )
