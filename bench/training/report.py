"""Shows what a trained file is worth on held-out groups: in the terminal, as Markdown and as CSV."""

from pathlib import Path

from rich.console import Console

from bench.report.numbers import cell
from bench.report.table import Table, columns_of, csv_text, note_lines, print_tables, write_texts
from bench.results.cues.worst import WORST_CUE
from bench.results.seen import SEEN, UNSEEN
from bench.results.summary import MEAN
from bench.statistics.metrics import shown_metrics, shown_titles
from bench.training.held_out import HeldOut

NAMES = ("condition", "generator", "training", "real", "generated", "unreadable")


def held_out_table(result: HeldOut, title: str) -> Table:
    """Makes a row for each condition and generator, and for their means."""
    rows = []
    for mark, row in sorted(result.rows, key=lambda marked: marked[1].condition):  # stable: seen first, the mean last
        cues, place = result.cues[mark], (row.condition, row.generator)
        where = (WORST_CUE, *place)
        worst = next((cue for cue in cues.rows if (cue.detector, cue.condition, cue.generator) == where), None)
        cue = "" if worst is None else f"{worst.numbers['auroc'].value:.4f} {cues.names.get(place, '')}".strip()
        names = [row.condition, f"mean over {mark}" if row.generator == MEAN else row.generator, mark]
        numbers = (cell(row.numbers[metric]) for metric in shown_metrics())
        verdict = cues.verdicts.get((row.detector, *place), "")
        rows.append([*names, *map(str, row.counts.values()), *numbers, cue, verdict])
    return Table(title, (*NAMES, *shown_titles(), "worst cue", "against it"), rows, names=3)


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


def write_held_out(result: HeldOut, title: str, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``fit.csv`` and ``fit.md``; ``raw_names`` as for `csv_line`."""
    records = [
        {
            **columns_of(row, "detector", "condition", "generator"),
            "training": mark,
            "metric": metric,
            **number.columns(),
            **row.counts,
            "reason": number.reason,
        }
        for mark, row in result.rows
        for metric, number in row.numbers.items()
    ]
    lines = [*held_out_table(result, title).markdown("##"), *note_lines(notes_of(result))]
    texts = {"fit.csv": csv_text(records, raw_names=raw_names), "fit.md": "\n".join(lines) + "\n"}
    return write_texts(texts, output)
