"""A comparison for people (terminal, Markdown) and for programs (CSV, JSON)."""

from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report.generator_sample import sample_json
from bench.report.given import given_records, given_table
from bench.report.heat_map import change_table
from bench.report.images import further_notes, further_records, further_tables
from bench.report.notes import comparison_notes, warnings_of
from bench.report.numbers import cell
from bench.report.ranks import pair_records, pair_table, rank_records, rank_table
from bench.report.short import short_notes, short_tables
from bench.report.store_notes import called
from bench.report.table import Table, frame_csv, note_lines, print_tables, write_texts
from bench.results.comparison import Comparison
from bench.results.cues.worst import WORST_CUE
from bench.results.leaderboard import boards_of
from bench.results.summary import Row
from bench.statistics.metrics import shown_metrics, shown_titles
from bench.store.files import file_name
from bench.store.runs import first_title
from bench.store.schema import CLEAN

COUNTS = ("real", "generated", "unreadable")
VERDICT = "against worst cue"
AGAINST_CHANCE = "against chance"


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Makes the tables of a comparison: its numbers, and where there are any, changes, ranks and paired tests."""
    others = [
        change_table(comparison, "Against the clean images, paired"),
        rank_table(comparison.rankings),
        pair_table(comparison.rankings, comparison.views),
        given_table(comparison),
    ]
    return [_numbers(comparison), *(table for table in others if table.rows), *further_tables(comparison)]


def write_comparison(comparison: Comparison, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``compare.csv`` and ``compare.md`` into the results' folder; ``raw_names`` as for `csv_line`.

    Where that holds another data set's, by their titles, this one's carry its title in their names.
    """
    numbers, *others = comparison_tables(comparison)
    lines = [*numbers.markdown("##"), *(line for table in others for line in table.markdown())]
    lines += note_lines(comparison_notes(comparison), warnings_of(comparison))
    own = file_name(comparison.run["data"]["title"])
    name = "compare" if first_title(output) in (None, own) else f"compare-{own}"
    texts = {f"{name}.csv": frame_csv(comparison.to_polars(), raw_names), f"{name}.md": "\n".join(lines) + "\n"}
    return write_texts(texts, output)


def print_comparison(comparison: Comparison, console: Console, long: bool = False) -> None:
    """Prints warnings, a row a detector, and how to read it; with ``long``, or without a mean, everything."""
    boards = boards_of(comparison)
    tables = [] if long else short_tables(boards, comparison.title)
    if tables:
        notes = short_notes(boards)
    else:
        tables = comparison_tables(comparison)
        notes = [*comparison_notes(comparison), *further_notes(comparison)]
    print_tables(tables, console, warnings_of(comparison), notes)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "title": comparison.title,
        "numbers": comparison.to_polars().to_dicts(),
        "ranks": rank_records(comparison.rankings, "condition"),
        "pairs": pair_records(comparison.rankings, "condition"),
        "given_cues": given_records(comparison),
        **further_records(comparison),
        "generators_as_sample": {board.condition: sample_json(board) for board in boards_of(comparison)},
        "letters": {condition: dict(ranking.letters) for condition, ranking in comparison.rankings.items()},
        "warnings": warnings_of(comparison),
        "notes": comparison_notes(comparison),
        "scored": comparison.scored,
    }


def _numbers(comparison: Comparison) -> Table:
    """Makes a row for each detector, condition and generator; the condition is a column where there are several."""
    conditions = any(row.condition != CLEAN for row in comparison.summary.rows)
    names = ("detector", "condition", "generator") if conditions else ("detector", "generator")
    verdict = (VERDICT,) if comparison.cues.verdicts else ()
    columns = (*names, *COUNTS, *shown_titles(), AGAINST_CHANCE, *verdict)
    rows = []
    for row in comparison.rows:
        mark = comparison.mark(row)
        generator = f"{row.generator} ({mark})" if mark else row.generator
        detector = called(comparison, row.detector)
        where = (detector, row.condition, generator) if conditions else (detector, generator)
        numbers = (cell(row.numbers.get(metric)) for metric in shown_metrics())
        last = (verdict_of(comparison, row) or "",) if verdict else ()
        chance = row.numbers["auroc"].against_chance or ""
        rows.append((*where, *map(str, row.counts.values()), *numbers, chance, *last))
    return Table(comparison.title, columns, rows, names=len(names))


def verdict_of(comparison: Comparison, row: Row) -> str | None:
    """Says how a detector stands against the worst cue, and of the cue which one it is."""
    if row.detector == WORST_CUE:
        return comparison.cues.names.get((row.condition, row.generator))
    return comparison.cues.verdicts.get((row.detector, row.condition, row.generator))
