"""Takes parts of a frame of a million rows, without a copy of the rest."""

from collections.abc import Iterable

import polars as pl


def picked(rows: pl.DataFrame, columns: str | Iterable[str], *conditions: pl.Expr) -> pl.DataFrame:
    """Takes some columns of the rows for which all conditions hold."""
    return rows.lazy().filter(*conditions).select(columns).collect()


def kept(rows: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """Takes the rows for which a condition holds; where it does for all, the frame itself."""
    holds = condition.fill_null(False)
    return rows if rows.lazy().select(holds.all()).collect().item() else rows.filter(holds)
