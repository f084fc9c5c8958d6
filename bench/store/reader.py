"""The one way in which the rows of a store are read: lazily, or batch by batch in little memory.

A column that an older version did not write is filled with nulls, one that a newer version wrote is passed over.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.store.damage import FAILURES, PARTS, DamagedFileError, checked_batches, fault_of, first_line
from bench.store.files import is_unicode
from bench.store.schema import OK, SCHEMA

Result = TypeVar("Result")
_IMAGE = ("dataset", "path", "sha256")
_FACTS = ("group", "generator", "label", "kind", "share")
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


class StoredImages:
    """Every image of the rows, with a number; an image is a path with a sha256."""

    def __init__(self) -> None:
        self.table = pl.DataFrame(schema={name: SCHEMA[name] for name in (*_IMAGE, *_FACTS)})
        self._hashes = np.empty(0, dtype=np.uint64)
        self._sorted, self._order = self._hashes, np.empty(0, dtype=np.int64)

    def numbers(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """Numbers the images of some rows, ``(n,)``; what later rows say of an image counts."""
        facts = rows.select(self.table.columns)
        hashes = facts.select(pl.struct(_IMAGE).hash()).to_series().to_numpy()
        numbers = self._find(hashes)
        if (numbers < 0).any():
            new = facts.with_columns(hash=hashes).filter(pl.Series(numbers < 0)).unique("hash", maintain_order=True)
            self.table = pl.concat([self.table, new.select(self.table.columns)])
            self._hashes = np.concatenate([self._hashes, new["hash"].to_numpy()])
            self._order = np.argsort(self._hashes)
            self._sorted = self._hashes[self._order]
            numbers = self._find(hashes)
        known = self.table[numbers]
        if not known.select(_IMAGE).equals(facts.select(_IMAGE)):
            raise BenchError("Two images of the store have one 64-bit hash; please report this.")
        if not known.equals(facts):
            parts = [self.table.with_columns(image=np.arange(len(self.table))), facts.with_columns(image=numbers)]
            latest = pl.concat(parts).unique("image", keep="last", maintain_order=True)
            self.table = latest.sort("image").drop("image")
        return numbers

    def _find(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        if not len(self._sorted):
            return np.full(len(hashes), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
        return np.where(self._sorted[at] == hashes, self._order[at], -1)


class StoredRows:
    """What all rows of a store say, gathered batch by batch.

    Attributes:
        images: The images.
        last_seen: ``(n_images,)``, which batch told of each last.
        scores: By fingerprint, condition and seed, numbers of images and their scores; nan for an unreadable image.
        labels: What the latest rows call each fingerprint.
        sources: By fingerprint and condition, how many rows each run gave.
    """

    def __init__(self) -> None:
        self.images = StoredImages()
        self.scores: dict[tuple[str, str, int], list[tuple[NDArray[np.uint32], NDArray[np.float64]]]] = {}
        self.labels: dict[str, str] = {}
        self.sources: dict[tuple[str, str], Counter[str]] = {}
        self.last_seen = np.empty(0, dtype=np.int32)
        self._batch = 0

    def readable(self) -> list[str]:
        """Returns the sha256 of the images that have a score."""
        scored = np.zeros(len(self.images.table), dtype=np.bool_)
        for numbers, scores in (part for parts in self.scores.values() for part in parts):
            scored[numbers[np.isfinite(scores)]] = True
        return self.images.table["sha256"].filter(pl.Series(scored)).to_list()

    def add(self, rows: pl.DataFrame, run: str) -> None:
        """Adds rows of a run, by its name, that is not older than those before."""
        numbers = self.images.numbers(rows)
        self._batch += 1
        self.last_seen = np.pad(self.last_seen, (0, len(self.images.table) - len(self.last_seen)))
        self.last_seen[numbers] = self._batch
        rows = rows.select(
            *("detector", "fingerprint", "condition", "seed"),
            pl.when(pl.col("status") == OK).then("score").alias("score"),
            pl.Series("image", numbers).cast(pl.UInt32),
        )
        for (fingerprint, condition, seed), part in rows.group_by("fingerprint", "condition", "seed"):
            key = (str(fingerprint), str(condition), int(str(seed)))
            self.scores.setdefault(key, []).append((part["image"].to_numpy(), part["score"].to_numpy()))
            self.labels[key[0]] = part["detector"][-1]
            self.sources.setdefault(key[:2], Counter())[run] += len(part)
