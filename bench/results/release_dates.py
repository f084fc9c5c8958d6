"""Boards in the order of the generators' release, and before and after a date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from bench.errors import BenchError
from bench.results.estimates import Estimate
from bench.results.leaderboard import Board, BoardRow
from bench.results.summary import ALL, MEAN
from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import paired_test
from bench.statistics.number import Number
from datamodules.items import plain_name
from datamodules.release_dates import days_of, release_date


@dataclass(frozen=True)
class SplitMean:
    """A detector's mean AUROC over the generators released before a date, and over those from it on.

    Args:
        difference: From the date on minus before it, paired: real images that both face are shared.
    """

    detector: str
    before: Number
    since: Number
    difference: Number


@dataclass(frozen=True)
class DateSplit:
    """A board's generators on both sides of a date.

    Args:
        date: As it was given.
        before: Generators released before it.
        since: Generators released on it or later.
        unplaced: Generators of which no date is known, or one that may lie on either side.
        means: One for each detector.
    """

    date: str
    before: Sequence[str]
    since: Sequence[str]
    unplaced: Sequence[str]
    means: Sequence[SplitMean]


def check_date(text: str) -> str:
    """Makes sure that a text is a date.

    Raises:
        BenchError: It is none.
    """
    try:
        days_of(text)
    except ValueError:
        raise BenchError(f"--split-date must be a date, YYYY, YYYY-MM or YYYY-MM-DD, got {text!r}.") from None
    return text


def dates_of(board: Board) -> dict[str, str | None]:
    """Returns when each generator of a board was released, the oldest first and those without a date last.

    What the data said in a later run goes before an older one, and both before the registry.

    Raises:
        BenchError: A run kept something that is no date.
    """
    stated: dict[str, str] = {}
    for run in board.comparison.runs:
        stated |= run.get("data", {}).get("release_dates") or {}
    names = [name for name in board.generators if name not in (MEAN, ALL)]
    dates = {name: stated.get(name) or release_date(plain_name(name), stated) for name in names}
    try:
        return dict(sorted(dates.items(), key=lambda item: (_first_day(item[1]), item[0])))
    except ValueError as error:
        raise BenchError(f"A run of {board.comparison.title} kept a release date that is none: {error}.") from error


def split_at(board: Board, text: str) -> DateSplit:
    """Averages each detector's AUROC over the generators on either side of a date; those apart are left out.

    Raises:
        BenchError: The text is no date.
    """
    first = days_of(check_date(text))[0]
    sides: dict[str, list[str]] = {"before": [], "since": [], "unplaced": []}
    apart = {name for row in board.rows for name, numbers in row.rows.items() if numbers.apart}
    for name, released in dates_of(board).items():
        if name not in apart:
            sides[_side(released, first)].append(name)
    before, since = sides["before"], sides["since"]
    means = [_means(board, row, before, since) for row in board.rows]
    return DateSplit(text, before, since, sides["unplaced"], means)


def _first_day(released: str | None) -> date:
    return days_of(released)[0] if released else date.max


def _side(released: str | None, first: date) -> str:
    if released is None:
        return "unplaced"
    days = days_of(released)
    return "before" if days[1] < first else "since" if days[0] >= first else "unplaced"


def _means(board: Board, row: BoardRow, before: Sequence[str], since: Sequence[str]) -> SplitMean:
    influences = board.comparison.summary.influences.get((row.detector, board.condition), {})
    older, newer = (_mean(row, influences, names) for names in (before, since))
    first, second = older.number("auroc"), newer.number("auroc")
    difference = Number(second.value - first.value, reason=first.reason or second.reason)
    if older.influence is not None and newer.influence is not None:
        test = paired_test(newer.influence, older.influence, same_seeds=True)
        difference = replace(difference, interval=Interval(test.low, test.high))
    return SplitMean(row.detector, first, second, difference)


def _mean(row: BoardRow, influences: Mapping[str, InfluenceValues], names: Sequence[str]) -> Estimate:
    lacking = next((f"no scores of {name}" for name in names if name not in row.rows), None)
    if lacking is not None or not names:
        return Estimate(np.array([np.nan]), lacking or "no generator on one side")
    seeds = np.mean([row.rows[name].numbers["auroc"].seeds for name in names], axis=0)
    without = next((name for name in names if name not in influences), None)
    if without is not None:
        return Estimate(seeds, f"no interval for {without}")
    return Estimate(seeds, influence=combined([influences[name] for name in names]))
