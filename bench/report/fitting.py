"""A grid of texts fitted to the width of a terminal: nothing is wider, no number is cut, every name can be read.

The ways, the first that fits: as it is; folded at natural places; with long names shortened, whose full form is then
given below; rows and columns exchanged; in blocks of columns that repeat the names; a record a row.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from bench.report.folding import fold, narrowest, shortened

GAPS = (2, 1)
"""Blanks between columns: as a rule, and where there is no room."""
COMFORTABLE = 20
"""A column of names gets this before columns of numbers are folded."""
MOST_LINES = 4
"""Of a folded name; a longer one is shortened."""
SHORT = 32
"""Width of a shortened name."""
RULE = "─"
_NUMBER = re.compile(r"[-+~<]?\s?\d|n/a|\[")


class Line(NamedTuple):
    """A line of a table and its style."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Grid:
    """Cells under headers.

    Args:
        names: Number of first columns that are names.
        numbers: The headers of the columns of numbers; those whose cells all look like numbers where it is None.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int
    numbers: tuple[str, ...] | None = None

    def column(self, place: int) -> list[str]:
        """Returns the cells of a column."""
        return [row[place] for row in self.rows]

    @cached_property
    def right(self) -> list[bool]:
        """Whether each column is set to the right."""
        if self.numbers is not None:
            return [name in self.numbers for name in self.columns]
        cells = [[cell for cell in self.column(place) if cell] for place in range(len(self.columns))]
        return [i >= self.names and bool(column) and all(map(_NUMBER.match, column)) for i, column in enumerate(cells)]

    def of(self, places: Iterable[int]) -> "Grid":
        """Returns some of the columns."""
        wanted = list(places)
        columns, *rows = (tuple(row[place] for place in wanted) for row in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows), names=sum(place < self.names for place in wanted))

    def without_empty_columns(self) -> "Grid":
        """Leaves out columns without any cell."""
        return self.of(place for place in range(len(self.columns)) if any(self.column(place))) if self.rows else self

    def transposed(self) -> "Grid | None":
        """Exchanges rows and columns; None where no column of names tells the rows apart."""
        for key in range(self.names):
            names = self.column(key)
            if all(names) and len({*names}) == len(names):
                others = [place for place in range(len(self.columns)) if place != key]
                rows = tuple((self.columns[place], *self.column(place)) for place in others)
                return Grid((self.columns[key], *names), rows, 1, tuple(names))
        return None

    def shortened(self) -> tuple["Grid", dict[str, str]]:
        """Shortens long names in cells and headers; returns the full form of each, too."""
        cells = [cell for place in range(self.names) for cell in self.column(place)]
        short = shortened([*cells, *self.columns], SHORT)
        rows = tuple((*(short[cell] for cell in row[: self.names]), *row[self.names :]) for row in self.rows)
        columns = tuple(short[name] for name in self.columns)
        numbers = None if self.numbers is None else tuple(short.get(name, name) for name in self.numbers)
        full = {text: name for name, text in short.items() if text != name}
        return replace(self, columns=columns, rows=rows, numbers=numbers), full


@dataclass(frozen=True)
class Sheet:
    """A grid whose columns have widths."""

    grid: Grid
    widths: tuple[int, ...]
    gap: int

    def lines(self) -> Iterator[Line]:
        """Yields the headers, a rule, and the rows; a name is written once where it repeats."""
        grid = self.grid
        for text in self._folded(grid.columns):
            yield Line(text, "bold")
        yield Line(RULE * (sum(self.widths) + self.gap * (len(self.widths) - 1)), "dim")
        first = [row[0] for row in grid.rows]
        grouped = grid.names > 1 and len({*first}) < len(first)
        before: Sequence[str] = ()
        for row in grid.rows:
            if before and grouped and row[0] != before[0]:
                yield Line("")
            again = [row[: i + 1] == before[: i + 1] and i < grid.names - 1 for i in range(len(row))]
            shown = ["" if repeated else cell for cell, repeated in zip(row, again, strict=True)]
            yield from map(Line, self._folded(shown))
            before = row

    def _folded(self, row: Sequence[str]) -> Iterator[str]:
        cells = [fold(cell, width) for cell, width in zip(row, self.widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = []
            for part, width, to_the_right in zip(parts, self.widths, self.grid.right, strict=True):
                blanks = " " * (width - cell_len(part))
                padded.append(blanks + part if to_the_right else part + blanks)
            yield (" " * self.gap).join(padded).rstrip()


def fitted(grid: Grid, width: int) -> tuple[list[Line], dict[str, str]]:
    """Writes a grid in lines that are no wider than a terminal, and gives the full form of names that it shortened."""
    grid = grid.without_empty_columns()
    short, full = grid.shortened()
    turned, turned_short = grid.transposed(), short.transposed()
    for way in (grid, short, turned, turned_short):
        sheet = _sheet(way, width) if way is not None else None
        if sheet is not None:
            return list(sheet.lines()), full if way in (short, turned_short) else {}
    for ways, names in (((grid, turned), {}), ((short, turned_short), full)):
        blocks = [blocks for way in ways if way is not None and (blocks := _blocks(way, width)) is not None]
        if blocks:
            return min(map(_stacked, blocks), key=len), names
    return list(_records(grid, width)), {}


def _stacked(sheets: Sequence[Sheet]) -> list[Line]:
    """Puts sheets below each other."""
    first, *others = (list(sheet.lines()) for sheet in sheets)
    return [*first, *(line for lines in others for line in (Line(""), *lines))]


def _sheet(grid: Grid, width: int) -> Sheet | None:
    """Gives the columns widths that fit, folding what must be; None where they do not or a name would be a tower."""
    for gap in GAPS:
        widths = _widths(grid, width - gap * (len(grid.columns) - 1))
        if widths is not None and not any(_towers(grid, widths)):
            return Sheet(grid, tuple(widths), gap)
    return None


def _towers(grid: Grid, widths: Sequence[int]) -> Iterator[bool]:
    """Says of each header and name whether it would be too high."""
    for place, width in enumerate(widths):
        for name in [grid.columns[place], *(grid.column(place) if place < grid.names else ())]:
            yield len(fold(name, width)) > MOST_LINES


def _widths(grid: Grid, room: int) -> list[int] | None:
    """Shares the room: the widest column gives first; headers first, then words, names, and numbers last."""
    places = range(len(grid.columns))
    cells = [max((_longest(cell) for cell in grid.column(place)), default=0) for place in places]
    widths = [max(cells[place], _longest(grid.columns[place])) for place in places]
    least = [max(map(narrowest, (grid.columns[place], *grid.column(place)))) for place in places]
    if sum(least) > room:
        return None
    headers = [max(least[i], cells[i]) for i in places]
    words = [headers[i] if grid.right[i] or i < grid.names else least[i] for i in places]
    names = [max(least[i], min(words[i], COMFORTABLE)) if i < grid.names else words[i] for i in places]
    numbers = [least[i] if grid.right[i] else names[i] for i in places]
    for floor in (headers, words, names, numbers, least):
        while sum(widths) > room and (wider := [i for i in places if widths[i] > floor[i]]):
            widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _longest(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _blocks(grid: Grid, width: int) -> list[Sheet] | None:
    """Puts as many columns as fit into each block, behind the names; None where a single one does not fit."""
    names, sheets, chosen = list(range(grid.names)), list[Sheet](), list[int]()
    last: Sheet | None = None
    for place in range(grid.names, len(grid.columns)):
        sheet = _sheet(grid.of([*names, *chosen, place]), width)
        if sheet is None:
            if last is not None:
                sheets.append(last)
            chosen, sheet = [], _sheet(grid.of([*names, place]), width)
            if sheet is None:
                return None
        chosen.append(place)
        last = sheet
    return [*sheets, last] if last is not None else None


def _records(grid: Grid, width: int) -> Iterator[Line]:
    """Yields a line for each cell, headed by its column."""
    for number, row in enumerate(grid.rows):
        if number:
            yield Line("")
        for name, cell in zip(grid.columns, row, strict=True):
            if cell:
                first, *others = fold(f"{name}: {cell}", width - 2)
                yield from (Line(first), *(Line(f"  {text}") for text in others))
