"""The one way in which the rows of a store are read: lazily, or batch by batch in little memory.

A column that an older version did not write is filled with nulls, one that a newer version wrote is passed over.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import polars as pl

from bench.errors import BenchError
from bench.store.damage import FAILURES, PARTS, DamagedFileError, checked_batches, fault_of, first_line
from bench.store.files import is_unicode
from bench.store.schema import SCHEMA

Result = TypeVar("Result")
_TRIES = 20


def read_parts(
    folders: Path | Sequence[Path], take: Callable[[Sequence[Path]], Result], pattern: str = f"*/{PARTS}"
) -> Result:
    """Reads the parts below folders, in the order of their runs, with a function that may be called again.

    Another process may meanwhile merge parts into one, or set a damaged one aside: they are then listed anew.

    Raises:
        DamagedFileError: A part is damaged.
        BenchError: A part cannot be read.
    """
    below = [folders] if isinstance(folders, Path) else folders
    for _ in range(_TRIES):
        parts = _listed(below, pattern)
        try:
            return _read(parts, take)
        except (BenchError, *FAILURES):
            if all(map(os.path.lexists, parts)):
                raise
    raise BenchError(f"The parts below {below[0]} change faster than they can be read: try again.")


def _listed(folders: Sequence[Path], pattern: str) -> list[Path]:
    """Lists parts until nothing changes meanwhile: a long listing may show neither a part nor what it became."""
    before = None
    for _ in range(_TRIES):
        found = (part for folder in folders for part in folder.glob(pattern))
        parts = sorted(found, key=lambda part: (part.parent.name, part))
        if parts == before:
            break
        before = parts
    return parts


def _read(parts: Sequence[Path], take: Callable[[Sequence[Path]], Result]) -> Result:
    _raise_damage(parts)
    try:
        return take(parts)
    except FAILURES as error:
        _raise_damage(parts, rows=True)
        if isinstance(error, pl.exceptions.PanicException):
            raise BenchError(f"Cannot read {', '.join(map(str, parts))}: {error}.") from error
        raise


def _raise_damage(parts: Sequence[Path], rows: bool = False) -> None:
    for part in parts:
        fault = fault_of(part, rows)
        if fault:
            raise DamagedFileError(part, fault)


def scan_rows(parts: Sequence[Path]) -> pl.LazyFrame:
    """Scans one or more parts of the store, with the columns of ``SCHEMA``."""
    sources = list(parts) if all(map(is_unicode, parts)) else [part.read_bytes() for part in parts]
    rows = pl.scan_parquet(sources, schema=SCHEMA, glob=False, missing_columns="insert", extra_columns="ignore")
    return rows.select(*SCHEMA)


def all_batches(parts: Sequence[Path]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yields the `batches` of parts with the names of their runs; the next is decoded while one is used.

    Raises:
        DamagedFileError: A file is damaged.
    """
    coming = ((part.parent.name, rows) for part in parts for rows in batches(part))
    with ThreadPoolExecutor(1) as decoding:
        following = decoding.submit(next, coming, None)
        while (batch := following.result()) is not None:
            following = decoding.submit(next, coming, None)
            yield batch


def batches(part: Path) -> Iterator[pl.DataFrame]:
    """Yields the rows of a part of the store, without what only its scoring needed.

    Raises:
        DamagedFileError: The file is damaged.
    """
    try:
        yield from checked_batches(part)
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFileError(part, first_line(error)) from error
