"""Boards in the order of the generators' release, and split at a date: tables and plain values."""

from dataclasses import dataclass
from typing import Any

from bench.report.numbers import cell
from bench.report.table import Table
from bench.report.words import named
from bench.results.leaderboard import Board
from bench.results.release_dates import DateSplit, dates_of, split_at

BY_DATE = "By release date"
BY_DATE_NOTE = (
    "AUROC of each detector, generators in the order of their release: as the data say it, else of the published "
    "paper or product."
)
SPLIT_NOTE = (
    "Mean AUROC over the generators on either side of the date, and their difference, paired over what both sides "
    "share; generators of edited images are left out."
)


@dataclass(frozen=True)
class Dates:
    """What is asked of release dates.

    Args:
        by_date: The generators in the order of their release.
        split: The date at which means are split.
    """

    by_date: bool = False
    split: str | None = None


NO_DATES = Dates()


def date_tables(board: Board, dates: Dates) -> list[Table]:
    """Makes the tables that were asked for."""
    tables = [by_date_table(board)] if dates.by_date else []
    return [*tables, split_table(split_at(board, dates.split))] if dates.split else tables


def by_date_table(board: Board) -> Table:
    """Makes a row for each generator, a column for each detector."""
    dates = dates_of(board)
    rows = [
        [
            released or "not known",
            name,
            *(cell(row.rows[name].numbers["auroc"]) if name in row.rows else "" for row in board.rows),
        ]
        for name, released in dates.items()
    ]
    unknown = [name for name, released in dates.items() if released is None]
    note = f"{BY_DATE_NOTE} Not known, and last: {named(unknown)}." if unknown else BY_DATE_NOTE
    columns = ("released", "generator", *(row.detector for row in board.rows))
    return Table(BY_DATE, columns, rows, note, names=2)


def split_table(split: DateSplit) -> Table:
    """Makes a row for each detector."""
    rows = [
        (mean.detector, cell(mean.before), cell(mean.since), cell(mean.difference, signed=True)) for mean in split.means
    ]
    sides = [
        f"{what}: {named(list(names)) if names else 'none'}."
        for what, names in ((f"Before {split.date}", split.before), (f"From {split.date}", split.since))
    ]
    rest = [f"On neither side, as their date is not known or not exact enough: {named(list(split.unplaced))}."]
    reasons = dict.fromkeys(mean.difference.reason for mean in split.means if mean.difference.reason)
    lacking = [f"No difference or interval: {named([str(reason) for reason in reasons])}."] if reasons else []
    note = " ".join([SPLIT_NOTE, *sides, *(rest if split.unplaced else []), *lacking])
    columns = ("detector", f"before {split.date}", f"from {split.date}", "difference")
    return Table(f"Before and from {split.date}", columns, rows, note)


def date_record(board: Board, dates: Dates) -> dict[str, Any]:
    """Returns the same as plain values; only what was asked for."""
    return {
        **({"released": dates_of(board)} if dates.by_date else {}),
        **({"split": _split_record(split_at(board, dates.split))} if dates.split else {}),
    }


def _split_record(split: DateSplit) -> dict[str, Any]:
    return {
        "date": split.date,
        **{side: list(getattr(split, side)) for side in ("before", "since", "unplaced")},
        "means": [
            {
                "detector": mean.detector,
                **mean.before.columns("before"),
                **mean.since.columns("since"),
                **mean.difference.columns("difference"),
                "reason": mean.difference.reason,
            }
            for mean in split.means
        ],
    }
