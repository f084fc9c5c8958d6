"""The cache of images' trivial facts: a file for each data set and condition, made anew where it cannot be used."""

import zlib
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.damage import FAILURES, first_line, open_part, set_aside
from bench.store.files import replacing

IDENTITY: dict[str, Any] = {"path": pl.String, "bytes": pl.Int64, "mtime_ns": pl.Int64}
"""Columns that say of which image, as it is, the others are."""
CUES: dict[str, Any] = {
    "key": pl.UInt64,
    "ending": pl.String,
    "format": pl.String,
    "jpeg_quality": pl.Int64,
    "blockiness": pl.Float64,
    "width": pl.Int64,
    "height": pl.Int64,
    **dict.fromkeys(("aspect", "bytes_per_pixel", "brightness", "contrast", "saturation", "laplacian"), pl.Float64),
}
_SCHEMA = IDENTITY | CUES
_CHECKSUM = "checksum"
"""Key in the file's metadata of the CRC-32 of its values; older versions wrote none."""


def read_cache(file: Path) -> pl.DataFrame:
    """Reads a cache; what is missing or damaged is empty."""
    found = _read(file)
    return pl.DataFrame(schema=_SCHEMA) if isinstance(found, str) else found


def fault_of_cache(file: Path) -> str | None:
    """Says why a cache cannot be used, or nothing."""
    found = _read(file)
    return found if isinstance(found, str) else None


def _read(file: Path) -> pl.DataFrame | str:
    try:
        with open_part(file) as opened:
            given = (opened.metadata.metadata or {}).get(_CHECKSUM.encode())
            lacking = [name for name in _SCHEMA if name not in opened.schema_arrow.names]
            if lacking:
                return f"it has no column {', '.join(lacking)}"
            held = opened.read(columns=list(_SCHEMA))
        held.validate(full=True)
        table = pl.DataFrame(held).select(*_SCHEMA)
        if table.schema != pl.Schema(_SCHEMA):
            return "its columns are not those of this file"
    except FAILURES as error:
        return first_line(error)
    if given is not None and given.decode("ascii", "replace") != _checksum(table):
        return "its values do not have the checksum in it"
    return table


def _checksum(table: pl.DataFrame) -> str:
    value = 0
    for column in table.iter_columns():
        value = zlib.crc32(column.is_null().to_numpy().tobytes(), value)
        if column.dtype == pl.String:
            value = zlib.crc32("\0".join(column.fill_null("")).encode(), value)
        else:
            value = zlib.crc32(column.fill_null(0).to_numpy().tobytes(), value)
    return f"{value:08x}"


def write_cache(table: pl.DataFrame, file: Path) -> None:
    """Replaces a cache, whatever is in its place; of two processes that do so at once the later one wins.

    Raises:
        BenchError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            set_aside(file)
        with replacing(file) as temporary, temporary.open("wb") as opened:
            table.write_parquet(opened, metadata={_CHECKSUM: _checksum(table)})
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise BenchError(f"Cannot write {file}: {reason}.") from error
