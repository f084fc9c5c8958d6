"""Boards on a terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from bench.report.across import print_across
from bench.report.leaderboard import BoardReport
from bench.report.notes import warnings_of
from bench.report.short import short_notes, short_tables
from bench.report.table import print_tables
from bench.results.across.findings import AcrossSets


def print_boards(
    reports: Sequence[BoardReport], console: Console, across: Sequence[AcrossSets] = (), long: bool = False
) -> None:
    """Prints of each data set warnings, a row a detector, and how to read it; then what the sets say together.

    With ``long``, or where there is no mean, everything.
    """
    for _, of_set in groupby(reports, key=lambda report: id(report.board.comparison)):
        of_one = list(of_set)
        comparison, boards = of_one[0].board.comparison, [report.board for report in of_one]
        tables, warnings = [] if long else short_tables(boards, comparison.title), warnings_of(comparison)
        if tables:
            print_tables(tables, console, warnings, short_notes(boards))
        for report in [] if tables else of_one:
            tables = [report.table, *report.tests, *report.further, report.reported]
            print_tables([table for table in tables if table.rows], console, warnings, report.printed_notes)
            warnings = []
    for sets in across:
        print_across(sets, console, long)
