"""Reads the rows of manifests that are text, CSV, TSV or JSON Lines, with the line of each; as a stream, in chunks."""

import csv
import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from datamodules.errors import DataOptionError

LINE = "#line"
"""The column of the line that a row begins on; no header of a table can be taken for it by its case or spelling."""
SEPARATORS = {".csv": ",;\t", ".tsv": "\t"}
"""By ending: the separator is the one that the header has most of."""
JSON_LINES = (".jsonl", ".ndjson")
ENDINGS = (*SEPARATORS, *JSON_LINES)
CHUNK = 1 << 14

Rows = Iterator[tuple[int, list[str | None]]]


def read_text(file: Path, wanted: Collection[str]) -> tuple[list[str], pl.DataFrame]:
    """Reads the rows of a manifest.

    A byte-order mark, either kind of line end, quotes and blank lines are understood.

    Args:
        file: A file with one of the `ENDINGS`.
        wanted: Names, in lower case, of the columns to keep.

    Returns:
        The names of all columns, and a frame of text with the wanted ones and `LINE`; an empty cell is null.

    Raises:
        DataOptionError: It cannot be read, is not UTF-8, has a row with too many or too few cells, or none at all; the
            message names the line.
    """
    try:
        names, frames = (_json_lines if file.suffix.lower() in JSON_LINES else _separated)(file, wanted)
    except UnicodeDecodeError as error:
        raise DataOptionError(f"{file}, line {_undecodable(file)}: not UTF-8; save the file as UTF-8.") from error
    except OSError as error:
        raise DataOptionError(f"May not read {file}: {error.strerror}.") from error
    if not frames:
        raise DataOptionError(f"{file} has no row{'' if names else ' and no header'}.")
    return names, pl.concat(frames, how="diagonal")


def _separated(file: Path, wanted: Collection[str]) -> tuple[list[str], list[pl.DataFrame]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=separator_of(file, stream), strict=True)
        rows = _checked(file, reader)
        _, first = next(rows, (0, []))
        names = [(name or "").strip() for name in first]
        for name in names:
            if name and names.count(name) > 1:
                raise DataOptionError(f"{file} has two columns called {name!r}.")
        places = [place for place, name in enumerate(names) if name.casefold() in wanted]
        return names, list(_frames(rows, [names[place] for place in places], places))


def separator_of(file: Path, stream: TextIO) -> str:
    """Finds what separates the cells of an open file, which is then at its beginning."""
    header = stream.readline()
    stream.seek(0)
    return max(SEPARATORS[file.suffix.lower()], key=header.count)


def _checked(file: Path, reader: Any) -> Rows:  # noqa: ANN401 - the type of a csv reader has no name
    """Yields rows with the line that each begins on; an empty cell is None."""
    begins, cells = 1, 0
    try:
        for row in reader:
            line, begins = begins, reader.line_num + 1
            if not row:
                continue
            cells = cells or len(row)
            if len(row) != cells:
                raise DataOptionError(
                    f"{file}, line {line}: {len(row)} cells, where the header has {cells}; a separator in a name needs "
                    "quotes around it."
                )
            yield line, [cell or None for cell in row]
    except csv.Error as error:
        hint = "a quote is not closed" if "unexpected end" in str(error) else str(error)
        raise DataOptionError(f"{file}, line {begins}: {hint}.") from error


def _frames(rows: Rows, names: list[str], places: list[int]) -> Iterator[pl.DataFrame]:
    schema = {LINE: pl.Int64, **dict.fromkeys(names, pl.String)}
    while chunk := list(islice(rows, CHUNK)):
        columns = {name: [row[place] for _, row in chunk] for name, place in zip(names, places, strict=True)}
        yield pl.DataFrame({LINE: [line for line, _ in chunk], **columns}, schema)


def _json_lines(file: Path, wanted: Collection[str]) -> tuple[list[str], list[pl.DataFrame]]:
    names: dict[str, None] = {}
    frames = []
    with file.open(encoding="utf-8-sig") as stream:
        objects = _objects(file, stream)
        while chunk := list(islice(objects, CHUNK)):
            names |= {name: None for _, row in chunk for name in row}
            kept = [name for name in names if name.casefold() in wanted]
            columns = {name: [_text(file, line, name, row.get(name)) for line, row in chunk] for name in kept}
            schema = {LINE: pl.Int64, **dict.fromkeys(kept, pl.String)}
            frames.append(pl.DataFrame({LINE: [line for line, _ in chunk], **columns}, schema))
    return list(names), frames


def _objects(file: Path, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataOptionError(f"{file}, line {number}: not JSON; JSON Lines has one object a line.") from error
        if not isinstance(row, dict):
            raise DataOptionError(f"{file}, line {number}: not an object; JSON Lines has one object a line.")
        yield number, row


def _text(file: Path, line: int, name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        if value and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise DataOptionError(f"{file}, line {line}: the {name} {value!r:.60} is no Unicode.")
        return value or None
    if isinstance(value, bool | int | float):
        return str(value).lower()
    raise DataOptionError(f"{file}, line {line}: the {name} is {value!r:.60}, must be text or a number.")


def _undecodable(file: Path) -> int:
    """Finds the first line that is not UTF-8."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1
