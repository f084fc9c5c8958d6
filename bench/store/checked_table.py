"""Parquet files that carry a checksum of their values, and are replaced whole."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from bench.errors import BenchError
from bench.store.damage import FAILURES, first_line, open_part, set_aside
from bench.store.files import replacing
from datamodules.identity import SLICE

CHECKSUM = "checksum"
"""Key in the file's metadata of the CRC-32 of its values; older versions wrote none."""
ROWS = 1 << 16
"""That are read at once."""


def read_table(file: Path, schema: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, str]] | str:
    """Reads the columns of a schema and the file's metadata, or says why it cannot be used."""
    try:
        with open_part(file) as opened:
            metadata = opened.metadata.metadata or {}
            lacking = [name for name in schema if name not in opened.schema_arrow.names]
            if lacking:
                return f"it has no column {', '.join(lacking)}"
            table = pl.DataFrame(schema=schema)
            for group in range(opened.num_row_groups):  # one by one: the whole would be there twice
                held = opened.read_row_group(group, columns=list(schema))
                held.validate(full=True)
                table.vstack(pl.DataFrame(held).select(*schema), in_place=True)
        told = {name.decode(): value.decode() for name, value in metadata.items() if not name.startswith(b"ARROW:")}
        if table.schema != pl.Schema(schema):
            return "its columns are not those of this file"
    except FAILURES as error:
        return first_line(error)
    if CHECKSUM in told and told[CHECKSUM] != _checksum(table):
        return "its values do not have the checksum in it"
    return table.rechunk(), told


def write_table(table: pl.DataFrame, file: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Replaces a file, whatever is in its place; of two processes that do so at once the later one wins.

    Raises:
        BenchError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            set_aside(file)
        with replacing(file) as temporary, temporary.open("wb") as opened:
            table.write_parquet(opened, metadata={**(metadata or {}), CHECKSUM: _checksum(table)}, row_group_size=ROWS)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise BenchError(f"Cannot write {file}: {reason}.") from error


def _checksum(table: pl.DataFrame) -> str:
    value = 0
    for column in table.iter_columns():
        value = zlib.crc32(column.is_null().to_numpy().tobytes(), value)
        if column.dtype == pl.String:
            for start in range(0, len(column), SLICE):
                text = "\0".join(column.slice(start, SLICE).fill_null(""))
                value = zlib.crc32((("\0" if start else "") + text).encode(), value)
        else:
            value = zlib.crc32(column.fill_null(0).to_numpy().tobytes(), value)
    return f"{value:08x}"
