"""An image before it is read, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

REAL = 0
"""The label of a photograph."""
GENERATED = 1
"""The label of a generated or an edited image."""
PARTIAL = "partial"
"""The kind of a generated image of which only a part is: inpainted, or tampered with."""
PARTIAL_MODES = ("rows", "leave-out", "as-generator")
CHUNK = 1 << 13
LONGEST_TITLE = 240
"""Of a data set, in bytes: file systems take names of up to 255, and those of files in the making are longer."""
_MARK = f" ({PARTIAL})"

ITEM_SCHEMA: dict[str, Any] = {
    "path": pl.String,
    "label": pl.Int8,
    "generator": pl.String,
    "group": pl.String,
    "bytes": pl.Int64,
    "mtime_ns": pl.Int64,
    "kind": pl.String,
}


@dataclass(frozen=True, slots=True)
class Item:
    """An image before it is read.

    Args:
        path: Names it within the dataset; of a file relative to the dataset's root, with forward slashes.
        label: 0 = real, 1 = generated.
        generator: Name of the generator, or of the source of a real image.
        group: What is not independent shares a group; by default the image itself.
        bytes: Size of the file; None where it is not known.
        mtime_ns: When it was changed, in nanoseconds; None where it is not known. A stored score then holds for the
            image's bytes alone.
        kind: ``partial`` for an edited image, of which only a part is generated; its label is 1.
    """

    path: str
    label: int
    generator: str
    group: str | None = None
    bytes: int | None = None
    mtime_ns: int | None = None
    kind: str | None = None


def table_of(items: Iterable[Item]) -> pl.DataFrame:
    """Makes a table of items chunk by chunk: a million of them as objects would take a gigabyte."""
    tables, rest = [pl.DataFrame(schema=ITEM_SCHEMA)], iter(items)
    while chunk := list(islice(rest, CHUNK)):
        columns = {name: [getattr(item, name) for item in chunk] for name in ITEM_SCHEMA}
        pairs = zip(columns["group"], columns["path"], strict=True)
        alone = all(group is None or group == path for group, path in pairs)
        table = pl.DataFrame(columns, ITEM_SCHEMA)
        group = pl.col("path") if alone else pl.col("group").fill_null(pl.col("path"))  # alone: one copy of the strings
        tables.append(table.with_columns(group.alias("group")))
    return pl.concat(tables)


def separated(items: pl.DataFrame, mode: str) -> pl.DataFrame:
    """Gives a generator's edited images a name of their own (``rows``), leaves them out (``leave-out``), or neither.

    Neither is ``as-generator``, where they count as images of their generator.
    """
    edited = pl.col("kind").eq_missing(PARTIAL)
    if mode == "leave-out":
        return items.filter(~edited)
    if mode == "as-generator" or not items["kind"].is_not_null().any():
        return items
    return items.with_columns(generator=pl.when(edited).then(pl.col("generator") + _MARK).otherwise("generator"))


def plain_name(generator: str) -> str:
    """Returns a generator's name without the mark of its edited images.

    Examples:
        >>> plain_name("flux (partial)")
        'flux'
    """
    return generator.removesuffix(_MARK)
