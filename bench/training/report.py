"""Shows what a trained file is worth on held-out groups: in the terminal, as Markdown and as CSV."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.report.table import Table, cell, csv_text, escaped, note_lines, print_tables
from bench.results.seen import SEEN, UNSEEN
from bench.results.summary import MEAN, Row
from bench.statistics.metrics import shown_metrics, shown_titles
from bench.store.files import write_atomically
from bench.training.held_out import HeldOut

NAMES = ("condition", "generator", "training", "real", "generated", "unreadable")


def held_out_table(result: HeldOut, title: str) -> Table:
    """Makes a row for each condition and generator, and for their means."""
    order = sorted(result.rows, key=lambda marked: marked[1].condition)  # stable: seen before unseen, the mean last
    columns = (*NAMES, *shown_titles(), "worst cue", "against it")
    return Table(title, columns, [_cells(result, mark, row) for mark, row in order], names=3)


def _cells(result: HeldOut, mark: str, row: Row) -> list[str]:
    cues = result.cues[mark]
    place = (row.condition, row.generator)
    worst = next((cue for cue in cues.rows if (cue.condition, cue.generator) == place), None)
    name = cues.names.get(place, "")
    return [
        row.condition,
        f"mean over {mark}" if row.generator == MEAN else row.generator,
        mark,
        *map(str, row.counts.values()),
        *(cell(row.numbers[metric]) for metric in shown_metrics()),
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
    print_tables([held_out_table(result, title)], console, notes=notes_of(result))


def write_held_out(result: HeldOut, title: str, output: Path) -> tuple[Path, ...]:
    """Writes ``fit.csv`` and ``fit.md``."""
    lines = [f"## {escaped(title)}", "", *held_out_table(result, title).markdown(), *note_lines((), notes_of(result))]
    texts = {"fit.csv": csv_text(records_of(result.rows)), "fit.md": "\n".join(lines) + "\n"}
    return tuple(write_atomically(output / name, text.encode()) for name, text in texts.items())


def records_of(rows: Sequence[tuple[str, Row]]) -> list[dict[str, object]]:
    """Makes a record for each generator and metric."""
    return [
        {
            "detector": row.detector,
            "condition": row.condition,
            "generator": row.generator,
            "training": mark,
            "metric": metric,
            **number.columns(),
            **row.counts,
            "reason": number.reason,
        }
        for mark, row in rows
        for metric, number in row.numbers.items()
    ]
