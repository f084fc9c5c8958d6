"""The cache of images' trivial facts: a file for each data set and condition, made anew where it cannot be used."""

from pathlib import Path
from typing import Any

import polars as pl

from bench.store.checked_table import read_table, write_table

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


def read_cache(file: Path) -> pl.DataFrame:
    """Reads a cache; what is missing or damaged is empty."""
    found = read_table(file, _SCHEMA)
    return pl.DataFrame(schema=_SCHEMA) if isinstance(found, str) else found[0]


def fault_of_cache(file: Path) -> str | None:
    """Says why a cache cannot be used, or nothing."""
    found = read_table(file, _SCHEMA)
    return found if isinstance(found, str) else None


def write_cache(table: pl.DataFrame, file: Path) -> None:
    """Replaces a cache, whatever is in its place; of two processes that do so at once the later one wins.

    Raises:
        BenchError: It cannot be written.
    """
    write_table(table, file)
