"""The section's smaller tables: trivial predictors, ranks, pairs, changes; and how their columns are sorted."""

import re
from collections.abc import Sequence

from bench.report.comparison import change_table
from bench.report.html.section import Section
from bench.report.ranks import pair_table, rank_table
from bench.report.table import Table, cell
from bench.results.cues.worst import WORST_CUE
from bench.results.summary import MEAN

CUES_NOTE = (
    "The simple property of an image that tells the classes apart best, cross-fitted. A detector that a paired test "
    "does not separate from it, or that is below it, may have measured nothing else."
)
_NUMBER = re.compile(r"(?:< )?([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?=$|[\s\[%])")


def cue_table(section: Section) -> Table | None:
    """Makes a row for each generator: its worst cue, and how every detector stands against it."""
    cues = section.comparison.cues
    names = [name for name in section.detectors if any(name == detector for detector, _, _ in cues.verdicts)]
    rows = [
        [
            row.condition,
            row.generator,
            cues.names.get((row.condition, row.generator), "each generator's own" if row.generator == MEAN else ""),
            cell(row.numbers["auroc"]),
            *(cues.verdicts.get((name, row.condition, row.generator), "") for name in names),
        ]
        for row in cues.rows
        if row.detector == WORST_CUE
    ]
    return Table("", ("condition", "generator", "worst cue", "AUROC", *names), rows, CUES_NOTE) if rows else None


def tests_of(section: Section) -> dict[str, list[Table]]:
    """Makes the tables of ranks and of paired tests, by condition; those that have rows."""
    tables = {}
    for condition in section.conditions:
        ranking = {"": section.comparison.rankings[condition]} if condition in section.comparison.rankings else {}
        both = (rank_table(ranking), pair_table(ranking, section.comparison.views, "Paired tests"))
        if any(table.rows for table in both):
            tables[condition] = [table for table in both if table.rows]
    return tables


def changes_of(section: Section) -> Table | None:
    """Makes the table of what each condition changes."""
    table = change_table(section.comparison, "Against the clean images", "Paired: both saw the same groups.")
    return table if table.rows else None


def sort_keys(rows: Sequence[Sequence[str]], column: int) -> list[float] | None:
    """Reads a column as numbers, each text by the number that it starts with.

    Returns:
        A number for each row, nan where there is no text; None where a text is no number.

    Examples:
        >>> sort_keys([["0.91 [0.88, 0.93]"], ["< 0.0001"], ["1,024"]], 0)
        [0.91, 0.0001, 1024.0]
        >>> sort_keys([["12"], ["2026-01-01"]], 0)
    """
    keys = []
    for row in rows:
        found = _NUMBER.match(row[column])
        if found is None and row[column] not in ("", "n/a"):
            return None
        keys.append(float(found[1].replace(",", "")) if found else float("nan"))
    return keys if any(row[column] for row in rows) else None
