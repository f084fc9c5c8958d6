"""Writes a comparison for people (terminal, Markdown) and for programs (CSV)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.ranks import PAIRS, PAIRS_NOTE, RANKS, RANKS_NOTE, pair_rows, rank_rows
from bench.results.cues.worst import WORST_CUE, AgainstCues
from bench.results.numbers import WITH_INTERVAL, Number, Row, Summary
from bench.statistics.metrics import METRICS
from bench.statistics.ranking import Ranking
from bench.store.schema import CLEAN

UNLIMITED = 10_000
COUNTS = ("real", "generated", "unreadable")
VERDICT = "against worst cue"
CHANGES = ("detector", "condition", "change of mean AUROC")


@dataclass(frozen=True)
class Report:
    """A comparison, ready to be shown.

    Args:
        title: What was compared on what.
        summary: The numbers.
        cues: The worst trivial cue beside the detectors.
        notes: What a reader must know to read them, one sentence each.
        warnings: What makes them doubtful.
        rankings: What paired tests say of the detectors, by condition.
        views: The picture that each detector was shown.
        marks: Of each trained detector, by generator: whether it has seen it; see ``bench.results.seen``.
    """

    title: str
    summary: Summary
    cues: AgainstCues
    notes: Sequence[str]
    warnings: Sequence[str]
    rankings: Mapping[str, Ranking] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def header(self) -> list[str]:
        """The columns; the condition is one where there is more than the clean images."""
        names = ["detector", "condition", "generator"] if self._has_conditions else ["detector", "generator"]
        last = [VERDICT] if self.cues.verdicts else []
        return [*names, *COUNTS, *(METRICS[metric].title for metric in WITH_INTERVAL), *last]

    @property
    def cells(self) -> list[list[str]]:
        """The rows, as text."""
        return [self._cells(row) for row in self.rows]

    @property
    def rows(self) -> list[Row]:
        """The detectors' rows, then those of the worst cue."""
        return [*self.summary.rows, *self.cues.rows]

    @property
    def changes(self) -> list[list[str]]:
        """What each condition changes, as text under ``CHANGES``."""
        return [[c.detector, c.condition, cell(c.auroc, signed=True)] for c in self.summary.changes]

    @property
    def ranks(self) -> list[list[str]]:
        """The detectors' ranks, as text under ``bench.report.ranks.RANKS``, after the condition."""
        return [[name, *row] for name, one in self.rankings.items() if len(one.order) > 1 for row in rank_rows(one)]

    @property
    def pairs(self) -> list[list[str]]:
        """The paired tests, as text under ``bench.report.ranks.PAIRS``, after the condition."""
        return [[name, *row] for name, one in self.rankings.items() for row in pair_rows(one, self.views)]

    def mark(self, row: Row) -> str | None:
        """Says whether a trained detector has seen the generator; nothing of one without training, or of a mean."""
        return self.marks.get(row.detector, {}).get(row.generator)

    @property
    def _has_conditions(self) -> bool:
        return any(row.condition != CLEAN for row in self.summary.rows)

    def _cells(self, row: Row) -> list[str]:
        mark = self.mark(row)
        generator = f"{row.generator} ({mark})" if mark else row.generator
        names = [row.detector, row.condition, generator] if self._has_conditions else [row.detector, generator]
        counts = [str(count) for count in (row.n_real, row.n_generated, row.n_unreadable)]
        numbers = [cell(row.numbers[metric]) if metric in row.numbers else "" for metric in WITH_INTERVAL]
        last = [self._verdict(row)] if self.cues.verdicts else []
        return [*names, *counts, *numbers, *last]

    def _verdict(self, row: Row) -> str:
        if row.detector == WORST_CUE:
            return self.cues.names.get((row.condition, row.generator), "")
        return self.cues.verdicts.get((row.detector, row.condition, row.generator), "")


def terminal_tables(report: Report) -> list[Table]:
    """Makes the tables for a terminal."""
    named = report.header.index(COUNTS[0])
    tables = [make_table(report.title, report.header, report.cells, named)]
    if report.changes:
        tables.append(make_table("Against the clean images, paired", CHANGES, report.changes, 2))
    if report.ranks:
        tables.append(make_table("Ranks", ("condition", *RANKS), report.ranks, 2))
    if report.pairs:
        tables.append(make_table("Detectors against each other, paired", ("condition", *PAIRS), report.pairs, 3))
    return tables


def make_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], named: int) -> Table:
    """Makes a table whose first columns are names, written once, and the others numbers."""
    table = Table(title=title, title_justify="left")
    for position, name in enumerate(header):
        table.add_column(name, justify="left" if position < named else "right", no_wrap=position >= named)
    before: Sequence[str] = ()
    for cells in rows:
        if before and cells[0] != before[0]:
            table.add_section()
        repeated = [cells[: i + 1] == before[: i + 1] and i < named - 1 for i in range(len(cells))]
        # As text: a name may look like markup.
        table.add_row(*(Text("" if again else cell) for cell, again in zip(cells, repeated, strict=True)))
        before = cells
    return table


def markdown(report: Report) -> str:
    """Writes the tables, the warnings and the notes as Markdown."""
    lines = [f"## {escaped(report.title)}", "", *markdown_table(report.header, report.cells), ""]
    if report.changes:
        lines += [*markdown_table(CHANGES, report.changes), ""]
    if report.ranks:
        lines += [*markdown_table(("condition", *RANKS), report.ranks), "", RANKS_NOTE, ""]
    if report.pairs:
        lines += [*markdown_table(("condition", *PAIRS), report.pairs), "", PAIRS_NOTE, ""]
    lines += [f"- **Warning:** {escaped(warning)}" for warning in report.warnings]
    lines += [f"- {escaped(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Writes a table, a line each row."""
    return [_markdown_row(header), _markdown_row(["---"] * len(header)), *map(_markdown_row, rows)]


def csv_frame(report: Report) -> pl.DataFrame:
    """Makes one row for each detector, generator and metric, with every metric there is."""
    return pl.DataFrame(
        [
            {
                "detector": row.detector,
                "condition": row.condition,
                "generator": row.generator,
                "metric": metric,
                "value": None if math.isnan(number.value) else number.value,
                "low": number.interval.low if number.interval else None,
                "high": number.interval.high if number.interval else None,
                "seeds_sd": number.seeds_sd,
                "against_worst_cue": report.cues.verdicts.get((row.detector, row.condition, row.generator))
                if metric == "auroc"
                else None,
                "n_real": row.n_real,
                "n_generated": row.n_generated,
                "n_unreadable": row.n_unreadable,
                "reason": number.reason,
                "seen": report.mark(row),
            }
            for row in report.rows
            for metric, number in row.numbers.items()
        ],
        schema_overrides={
            **dict.fromkeys(("value", "low", "high", "seeds_sd"), pl.Float64),
            **dict.fromkeys(("reason", "against_worst_cue", "seen"), pl.String),
        },
        infer_schema_length=None,
    )


def cell(number: Number, signed: bool = False) -> str:
    """Writes a number with its spread over seeds and its interval."""
    if math.isnan(number.value):
        return "n/a"
    sign = "+" if signed else ""
    text = f"{number.value:{sign}.4f}"
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.4f}"
    if number.interval is None:
        return f"{text} [no interval]"
    return f"{text} [{number.interval.low:{sign}.3f}, {number.interval.high:{sign}.3f}]"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def escaped(text: str) -> str:
    """Keeps names of folders from becoming markup."""
    for character in ("\\", "|", "`", "*", "_", "<"):
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")


def print_report(report: Report, console: Console) -> None:
    """Prints the tables, and under them the warnings and notes."""
    print_tables(terminal_tables(report), console)
    for warning in report.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(f"- {note}"), soft_wrap=True)


def print_tables(tables: Sequence[Table], console: Console) -> None:
    """Prints tables whole: where they are wider than the console, lines run on rather than numbers being cut."""
    width = max(Console(width=UNLIMITED).measure(table).maximum for table in tables)
    wide = Console(file=console.file, width=max(console.width, width), force_terminal=console.is_terminal)
    for table in tables:
        wide.print(table)
