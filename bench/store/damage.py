"""What is wrong with a file of the store, and how it is set aside: renamed, never deleted.

A part carries the CRC-32 of its bytes in its name, ``part-000-all.1a2b3c4d.parquet``, so the two come and go together;
it differs for every change of up to 32 neighbouring bits. The parts of older versions carry none: only what makes them
unreadable is found.
"""

import errno
import os
import re
import shlex
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.store.files import is_unicode
from bench.store.schema import ABSENT_ONCE, OK, SCHEMA, UNREADABLE

PARTS = "part-*.parquet"
NEEDED = tuple(name for name in SCHEMA if name not in ABSENT_ONCE)
"""Columns without which a row means nothing."""
SHOWN = (*NEEDED, "kind", "share")
"""Columns that boards are made of."""
CATEGORIES = ("dataset", "generator", "detector", "fingerprint", "condition", "status", "kind")
"""Columns of few texts, which are read as categories."""
_READ = {name: pl.Categorical if name in CATEGORIES else SCHEMA[name] for name in SHOWN}
FAILURES = (OSError, ValueError, pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What reading a damaged file may raise."""
_NAMED = re.compile(r"part-.+\.([0-9a-f]{8})\.parquet")
_ROWS = 250_000
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Damage:
    """A file that cannot be used, and why."""

    file: Path
    reason: str


class DamagedFileError(BenchError):
    """A file of the store cannot be used; the message names it and the way out."""

    def __init__(self, file: Path, reason: str) -> None:
        output = next((above.parent for above in file.parents if above.name in ("scores", "cues", "sets")), file.parent)
        super().__init__(
            f"{file} is damaged: {reason}. 'python -m bench store check {shlex.quote(str(output))} --mend' sets it "
            "aside; the next compare does so, too, and makes again what it held."
        )
        self.damage = Damage(file, reason)


def checksum(file: Path) -> str:
    """Computes the CRC-32 of a file's bytes, eight digits."""
    value = 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}"


def with_checksum(temporary: Path, target: Path) -> Path:
    """Puts the checksum of what was written into the name of a part."""
    return target.with_suffix(f".{checksum(temporary)}{target.suffix}")


def fault_of(part: Path, rows: bool = False) -> str | None:
    """Says what is wrong with a part; with ``rows`` every row of one is read that carries no checksum.

    Raises:
        FileNotFoundError: It is not there any more.
        BenchError: The disk, or who may read, is at fault, not the file.
    """
    try:
        if not part.is_file():
            return _no_file(part)
        named = _NAMED.fullmatch(part.name)
        if named:
            return None if checksum(part) == named[1] else "its bytes do not have the checksum in its name"
        return fault_of_rows(part, rows)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BenchError(f"Cannot read {part}: {error.strerror}.") from error


def _no_file(path: Path) -> str:
    if not os.path.lexists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return "a link to nothing" if path.is_symlink() else "no file"


def fault_of_rows(part: Path, rows: bool = True) -> str | None:
    """Says what is wrong with the columns of a part and, with ``rows``, with its rows."""
    try:
        schema = open_part(part).schema_arrow
        columns = pl.DataFrame(schema.empty_table()).schema
        lacking = [name for name in NEEDED if name not in columns]
        if lacking:
            return f"it has no column {', '.join(lacking)}"
        other = [name for name, kind in SCHEMA.items() if columns.get(name, kind) != kind]
        if other:
            return f"its column {other[0]} is of type {columns[other[0]]}, not {SCHEMA[other[0]]}"
        for _ in checked_batches(part) if rows else ():
            pass
        if rows:  # polars refuses what pyarrow lets pass, and the other way round
            pl.scan_parquet(part if is_unicode(part) else part.read_bytes(), glob=False).select(NEEDED).collect()
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return first_line(error)
    return None


def open_part(part: Path, categories: Sequence[str] = ()) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Opens a part with pyarrow; some columns of texts are read as categories."""
    source = part if is_unicode(part) else BytesIO(part.read_bytes())
    told = pq.read_metadata(source)
    there = [name for name in categories if name in told.schema.names]
    return pq.ParquetFile(source, metadata=told, read_dictionary=there)


def checked_batches(part: Path) -> Iterator[pl.DataFrame]:
    """Yields the rows of a part with the columns of ``SHOWN``, some of them `CATEGORIES`; one that it lacks is null.

    Raises:
        ValueError: A value is not what it can be.
    """
    named = _NAMED.fullmatch(part.name)
    with open_part(part, CATEGORIES) as file:
        there = [name for name in SHOWN if name in file.schema_arrow.names]
        groups = range(file.num_row_groups)  # one by one: a batch of two is copied together
        for batch in (rows for group in groups for rows in file.iter_batches(_ROWS, [group], there)):
            if not named:
                batch.validate(full=True)  # letters that are no letters would end the program
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            empty = [name for name in NEEDED if name != "score" and frame[name].null_count()]
            if empty:
                raise ValueError(f"it lacks values of {', '.join(empty)}")
            if not frame["label"].is_between(0, 1).all() or not frame["status"].is_in([OK, UNREADABLE]).all():
                raise ValueError("it has values of label or status that mean nothing")
            lacking = [pl.lit(None).alias(name) for name in SHOWN if name not in there]
            yield frame.with_columns(lacking).select(pl.col(name).cast(_READ[name]) for name in SHOWN)


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, without its full stop, or its kind."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def set_aside(file: Path) -> Path | None:
    """Renames a damaged file to ``NAME.damaged``, or ``NAME.damaged-2`` and so on; nothing if it has gone.

    Raises:
        BenchError: It cannot be renamed.
    """
    names = (f"{file.name}.damaged" + (f"-{number}" if number > 1 else "") for number in range(1, 1_000_000))
    target = next(path for name in names if not os.path.lexists(path := file.with_name(name)))
    try:
        return file.rename(target)
    except FileNotFoundError:
        return None  # another process did
    except OSError as error:
        raise BenchError(f"Cannot set {file} aside, which is damaged: {error.strerror}.") from error
