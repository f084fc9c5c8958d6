"""Puts the rows of all tables together: each image once, with its class, its source and its group."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import polars as pl

from datamodules.errors import DataOptionError, DatasetNotFoundError, UnknownDataNameError
from datamodules.tables.frames import kept, picked
from datamodules.tables.labelling import GENERATED, PARTIAL, REAL, such_as
from datamodules.tables.labels import LabelOptions, with_meanings
from datamodules.tables.sources import UNNAMED, with_sources
from datamodules.tables.table import FACTS, Table

LONGEST_GROUP = 80
"""In letters: a longer group, such as a prompt, goes by a hash of it."""
NO_SPLIT = "(none)"
Where = Callable[[int, int], str]
_IS_REAL = pl.col("meaning") == REAL


def read_rows(
    tables: Sequence[Table], splits: Sequence[str] | None, labels: LabelOptions
) -> tuple[pl.DataFrame, list[str]]:
    """Reads tables.

    Args:
        tables: The tables.
        splits: Those to take; all by default.
        labels: What the user says of labels.

    Returns:
        The `FACTS` of each image and its ``meaning``, ``real``, ``generated`` or ``partial``; and sentences about what
        was decided.

    Raises:
        DataOptionError: A row is mistaken, contradicts another one, or has no label.
        DatasetNotFoundError: Not one of the files that rows name is there.
    """

    def where(table: int, row: int) -> str:
        return tables[table].where(row)

    frames = []
    counts: Counter[str] = Counter()
    for number, table in enumerate(tables):
        rows = table.read(with_place=labels.from_path is not None)
        rows = _with(rows, "label", "generator", "split").with_columns(
            pl.lit(number, pl.Int32).alias("table"),
            pl.lit(table.neutral).alias("neutral"),
            pl.col("generator").str.replace(r"^(\d+)\.0+$", "$1").replace(table.named("generator")),
            pl.col("label").replace({"-1": None} if table.named("label") else {}),  # none, as datasets writes it
        )
        counts.update(dict(rows["split"].fill_null(NO_SPLIT).value_counts().iter_rows()))
        frames.append(rows if splits is None else kept(rows, pl.col("split").is_in(list(splits))))
    rows = _with(pl.concat(frames, how="diagonal"), *FACTS)
    frames.clear()
    notes = _about_splits(counts, splits)
    _check_files(rows, tables)
    rows, decided = with_meanings(rows, tables, labels, where)
    rows, edited = _with_edited(rows)
    rows = rows.with_columns(pl.coalesce("generator", "label_word").alias("generator"))
    rows = rows.drop("label", "label_word", "place", "edited", "split")  # their memory is free from here on
    rows = with_sources(rows, where)
    rows, repeated = _once_each(rows, where)
    rows, grouped = _grouped(rows, tables)
    return rows, [*decided, *edited, *_about_names(rows, tables), *grouped, *notes, *repeated]


def _with(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Adds facts that no row has."""
    return rows.with_columns(pl.lit(None, FACTS[name]).alias(name) for name in names if name not in rows.columns)


def _about_splits(counts: Counter[str], splits: Sequence[str] | None) -> list[str]:
    for split in splits or ():
        if split not in counts:
            raise UnknownDataNameError("split", split, counts)
    listed = ", ".join(f"{split} {count:,}" for split, count in sorted(counts.items()))
    if splits is not None:
        return [f"Splits: {listed}; --split takes {', '.join(splits)}."]
    return [f"Splits: {listed}; all are taken, and --split NAME takes one."] if len(counts) > 1 else []


def _check_files(rows: pl.DataFrame, tables: Sequence[Table]) -> None:
    """Raises where not one of the files that are named is there: the folder is wrong, and not the files."""
    files = picked(rows, ["table", "path", "bytes"], pl.col("bytes").is_not_null())
    if len(files) and (files["bytes"] < 0).all():
        table = tables[files["table"][0]]
        raise DatasetNotFoundError(
            f"{table.file} names {len(files):,} files, none of which is there, the first as {files['path'][0]!r} from "
            f"{table.image_root or table.root}. Name the folder that its paths count from with --image-root DIR, or "
            "the column of the paths with --columns image=COLUMN."
        )


def _with_edited(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Takes generated images with a mask and the word partial in their key as edited ones."""
    edited = (pl.col("meaning") == GENERATED) & pl.col("edited").fill_null(False)
    chosen = picked(rows, "path", edited)["path"]
    if chosen.is_empty():
        return rows, []
    rows = rows.with_columns(meaning=pl.when(edited).then(pl.lit(PARTIAL)).otherwise("meaning"))
    two = such_as(chosen.head(2).to_list())
    return rows, [f"Edited images, as their key says partial beside a mask: {len(chosen):,}, {two}."]


def _once_each(rows: pl.DataFrame, where: Where) -> tuple[pl.DataFrame, list[str]]:
    """Takes an image that several rows name alike once.

    Raises:
        DataOptionError: They differ in its label or its source.
    """
    if not rows["path"].is_duplicated().any():
        return rows, []
    again = rows.filter(pl.col("path").is_duplicated())
    for fact, what in (("meaning", "label"), ("generator", "source")):
        odd = again.filter(pl.col(fact).n_unique().over("path") > 1)
        if len(odd):
            same = odd.filter(pl.col("path") == odd["path"][0])
            one, two = same.row(0, named=True), same.filter(pl.col(fact) != same[fact][0]).row(0, named=True)
            raise DataOptionError(
                f"{where(two['table'], two['row'])}: {two['path']!r} has the {what} {two[fact]!r}, and {one[fact]!r} "
                f"in {where(one['table'], one['row'])}. Take one of the rows out."
            )
    kept = rows.unique("path", keep="first", maintain_order=True)
    return kept, [f"Rows that name an image again, which counts once: {len(rows) - len(kept):,}."]


def _about_names(rows: pl.DataFrame, tables: Sequence[Table]) -> list[str]:
    unnamed = len(picked(rows, "row", ~_IS_REAL, pl.col("generator") == UNNAMED))
    if not unnamed:
        return []
    if not any("generator" in table.columns for table in tables):
        return [f"No column names generators: all are called {UNNAMED}; --columns generator=COLUMN names one."]
    return [f"Generated images whose generator is not named, called {UNNAMED}: {unnamed:,}."]


def _grouped(rows: pl.DataFrame, tables: Sequence[Table]) -> tuple[pl.DataFrame, list[str]]:
    """Drops groups of one image each, unless they are called so, and shortens long names."""
    named = rows["group"].drop_nulls()
    if named.is_empty():
        return rows, []
    names = named.unique()
    columns = dict.fromkeys(table.columns["group"] for table in tables if "group" in table.columns)
    called_so = any(column.casefold() == "group" for column in columns)
    if len(names) == len(named) and not called_so:
        return rows.with_columns(group=pl.lit(None, pl.String)), []
    long = names.filter(names.str.len_chars() > LONGEST_GROUP)
    if len(long):
        hashes = [f"#{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}" for name in long]
        rows = rows.with_columns(pl.col("group").replace(long, hashes))
    if len(names) == len(named):
        return rows, []
    return rows, [
        f"Groups by the column {' or '.join(columns)}: {len(named):,} images in {len(names):,} groups; "
        "--columns group= has every image count for itself."
    ]
