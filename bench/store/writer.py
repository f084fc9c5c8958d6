"""Writes the rows of a run part by part; a part is whole or not there."""

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.damage import checksum, fault_of, with_checksum
from bench.store.facts import MEMBERS_CHECKSUM, facts_text
from bench.store.files import replacing, write_atomically
from bench.store.reader import scan_rows
from bench.store.runs import FACTS_FILE, MEMBERS_FILE, RunRecord
from bench.store.schema import SCHEMA

ALMOST_NOTHING = 4096
"""Bytes: a disk with fewer free is full."""


class ScoreWriter:
    """Writes the rows that one device, by its rank, gives of a run to the data set's folder in the store."""

    def __init__(self, folder: Path, record: RunRecord, rank: int = 0) -> None:
        self.folder = folder / record.name
        self.record, self.rank, self.part = record, rank, 0
        self.rows: list[pl.DataFrame] = []
        self.facts = dict(record.facts)
        self.folder.mkdir(parents=True, exist_ok=True)
        if rank == 0:
            if len(record.members):
                members = self.folder / MEMBERS_FILE
                _write_parquet(record.members.lazy(), members)
                self.facts[MEMBERS_CHECKSUM] = checksum(members)
            self._describe({})

    def _describe(self, more: Mapping[str, Any]) -> None:
        write_atomically(self.folder / FACTS_FILE, facts_text({**self.facts, **more}).encode())

    def finish(self, cost: Mapping[str, Any]) -> None:
        """Notes that the run came to its end, and what it cost; the first rank does."""
        self._describe({"cost": dict(cost)})

    def append(self, rows: pl.DataFrame) -> None:
        """Keeps rows, with the columns of ``SCHEMA``, for the next part."""
        self.rows.append(rows.select(*SCHEMA).cast(pl.Schema(SCHEMA)))

    def flush(self) -> None:
        """Writes the kept rows as one part."""
        if not self.rows:
            return
        _write_part(pl.concat(self.rows).lazy(), self.folder / f"part-{self.rank:03d}-{self.part:06d}.parquet")
        self.part += 1
        self.rows = []

    def close(self) -> None:
        """Writes what is kept and merges this run's parts of this rank into one, unless one is damaged."""
        self.flush()
        parts = sorted(self.folder.glob(f"part-{self.rank:03d}-[0-9]*.parquet"))
        if len(parts) < 2 or any(map(fault_of, parts)):
            return
        _write_part(scan_rows(parts), self.folder / f"part-{self.rank:03d}-all.parquet")
        for part in parts:
            part.unlink()


def _write_part(rows: pl.LazyFrame, target: Path) -> None:
    _write_parquet(rows, target, with_checksum)


def _write_parquet(rows: pl.LazyFrame, target: Path, rename: Callable[[Path, Path], Path] | None = None) -> None:
    try:
        with replacing(target, rename) as temporary:
            try:
                with temporary.open("wb") as file:  # the file's name may be no Unicode, which polars cannot open
                    rows.sink_parquet(file)
            except pl.exceptions.PolarsError as error:
                if shutil.disk_usage(target.parent).free < ALMOST_NOTHING:  # which polars does not always say
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BenchError(
            f"Cannot write {target}: {reason}. What was written before is kept: the same command goes on from there."
        ) from error
