"""Boards on a terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from bench.report.across import print_across
from bench.report.leaderboard import BoardReport
from bench.report.short import short_notes, short_tables
from bench.report.table import print_line, print_tables
from bench.results.across.findings import AcrossSets


def print_boards(
    reports: Sequence[BoardReport], console: Console, across: Sequence[AcrossSets] = (), long: bool = False
) -> None:
    """Prints of each data set a row a detector, and how to read it; then what the sets say together.

    With ``long``, or where there is no mean, everything. The warnings of all come first.
    """
    by_set = [list(of_set) for _, of_set in groupby(reports, key=lambda report: id(report.board.comparison))]
    titles = [f"{first.board.comparison.title}: " if len(by_set) > 1 else "" for first, *_ in by_set]
    warnings = [title + words for title, (first, *_) in zip(titles, by_set, strict=True) for words in first.warnings]
    print_tables([], console, warnings)
    for number, of_set in enumerate(by_set):
        if number:
            print_line("", console)
        _print_set(of_set, console, long)
    for sets in across:
        print_line("", console)
        print_across(sets, console, long)


def _print_set(reports: Sequence[BoardReport], console: Console, long: bool) -> None:
    boards = [report.board for report in reports]
    short = [] if long else short_tables(boards, boards[0].comparison.title)
    if short:
        print_tables(short, console, notes=short_notes(boards))
        return
    for number, report in enumerate(reports):
        if number:
            print_line("", console)
        tables = [report.table, *report.tests, *report.further, report.reported]
        print_tables([table for table in tables if table.rows], console, notes=report.printed_notes)
