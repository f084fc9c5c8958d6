"""Reads the rows of a score store from its files, as any program would."""

from pathlib import Path

import polars as pl


def stored_rows(output: Path) -> pl.DataFrame:
    """Every stored row, as often as it is there."""
    rows = pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])
    return rows.sort("path", "detector")
