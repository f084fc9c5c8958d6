"""Whose images the rows of tables are: generators, sources of real images, their pairs and dates of release."""

import re
from collections.abc import Callable, Collection

import polars as pl

from datamodules.class_names import class_of
from datamodules.errors import DataOptionError
from datamodules.tables.frames import picked
from datamodules.tables.labelling import REAL

UNNAMED = "unnamed"
NONE = frozenset(("none", "null", "nan", "n/a", "na", "-"))
"""Words for no generator, in lower case, beside those for real images."""
DATE = re.compile(r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)(?:[T ].*)?")

Where = Callable[[int, int], str]
"""Names a row by the number of its table and its own."""


def with_sources(rows: pl.DataFrame, where: Where) -> pl.DataFrame:
    """Gives each row its source.

    A generated image has the generator that its row names, or `UNNAMED`. A real one has its ``real_source``, or what a
    column of sources of either class names (``neutral``), or ``real``: its generator must be empty or say that there is
    none, as ``real``, ``none`` and, where no generator is called so, 0 do.

    Args:
        rows: With ``table, row, meaning, generator, real_source, neutral``.
        where: Names a row, for a message.

    Returns:
        The rows, ``generator`` being the source.

    Raises:
        DataOptionError: A real image has a generator, or a generated one is of none.
    """
    is_real = pl.col("meaning") == REAL
    names = set(picked(rows, "generator", ~is_real)["generator"].drop_nulls().unique())
    written = set(rows["generator"].drop_nulls().unique())
    none = {name for name in written if name.casefold() in NONE} | ({"0"} - names)
    says_real = {name for name in written if class_of(name) == REAL}
    facts = ["table", "row", "generator"]
    odd = picked(rows, facts, ~is_real, _among(says_real))
    if len(odd):
        raise DataOptionError(
            f"{where(odd['table'][0], odd['row'][0])}: its label says generated, and its generator is "
            f"{odd['generator'][0]!r}. One of the two is wrong; columns are chosen with --columns label=A generator=B."
        )
    empty = _among(none) | (_among(says_real) & ~pl.col("neutral"))
    named = rows.with_columns(pl.when(~empty).then("generator").alias("generator"))
    odd = picked(named, facts, is_real, pl.col("generator").is_not_null(), ~pl.col("neutral") | _among(names))
    if len(odd):
        raise DataOptionError(
            f"{where(odd['table'][0], odd['row'][0])}: the image is real, and has the generator "
            f"{odd['generator'][0]!r}. Leave it empty there, or name the column twice, --columns generator=COLUMN "
            "real_source=COLUMN, if it names where real images come from."
        )
    own = pl.coalesce("real_source", "generator", pl.lit(REAL))
    return named.with_columns(
        pl.when(is_real).then(own).otherwise(pl.col("generator").fill_null(UNNAMED)).alias("generator")
    )


def pairs_of(rows: pl.DataFrame) -> dict[str, set[str]]:
    """Returns the sources of real images that each generator is to face, of the generators whose rows name some."""
    paired = (pl.col("meaning") != REAL, ~pl.col("neutral"), pl.col("real_source").is_not_null())
    named = picked(rows, ["generator", "real_source"], *paired)
    found = named.group_by("generator").agg(pl.col("real_source").unique())
    return {generator: set(sources) for generator, sources in found.iter_rows()}


def dates_of(rows: pl.DataFrame) -> tuple[dict[str, str], list[str]]:
    """Returns the earliest date of release of each generator, and what is written as a date and is none."""
    dated = (pl.col("meaning") != REAL, pl.col("release_date").is_not_null())
    written = picked(rows, ["generator", "release_date"], *dated).unique().sort("generator", "release_date")
    dates: dict[str, str] = {}
    odd = []
    for generator, text in written.iter_rows():
        match = DATE.fullmatch(text)
        if match is None:
            odd.append(text)
        else:
            dates[generator] = min(match[1], dates.get(generator, match[1]))
    return dates, odd


def _among(names: Collection[str]) -> pl.Expr:
    return pl.col("generator").is_in(pl.Series(sorted(names), dtype=pl.String).implode())
