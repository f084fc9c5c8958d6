"""Gives every row of some tables its class, by a column of labels or by where it comes from, and says how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from datamodules.errors import DataOptionError
from datamodules.tables.columns import shown
from datamodules.tables.labelling import (
    GENERATED,
    LEFT_OUT,
    PARTIAL,
    REAL,
    Value,
    decide,
    decision,
    meaning_of,
    plain,
    such_as,
)
from datamodules.tables.path_labels import SKIP, PathLabels
from datamodules.tables.table import Table

Where = Callable[[int, int], str]
_MEANING = pl.col("meaning")


@dataclass(frozen=True)
class LabelOptions:
    """``--generated-label``, ``--real-label`` and ``--label-from-path``."""

    generated: str | None = None
    real: str | None = None
    from_path: str | None = None


def with_meanings(
    rows: pl.DataFrame, tables: Sequence[Table], options: LabelOptions, where: Where
) -> tuple[pl.DataFrame, list[str]]:
    """Gives each row its class.

    Args:
        rows: The facts of all tables, each with the number of its ``table``.
        tables: The tables.
        options: What the user says of labels.
        where: Names a row by the numbers of its table and itself.

    Returns:
        The rows that are not left out with ``meaning``, one of ``real``, ``generated`` and ``partial``, and
        ``label_word``, a label that names a generator; and sentences that say what was decided.

    Raises:
        DataOptionError: A row has no class, or two; a number has not been explained.
    """
    if options.from_path is None:
        rows, values = _by_columns(rows, tables, options, where)
        return _kept(rows, LEFT_OUT), [decision(values)] if values else []
    by_path = PathLabels(options.from_path)
    rows = rows.with_columns(place_meaning=_read_places(rows, by_path, where))
    skipped = rows.filter(pl.col("place_meaning") == SKIP)["path"]
    rows = rows.filter(pl.col("place_meaning").ne_missing(SKIP))
    notes = [f"Left out by --label-from-path: {len(skipped):,} rows, {_two(skipped)}."] if len(skipped) else []
    if by_path.decides:
        if options.generated is not None or options.real is not None:
            raise DataOptionError("--label-from-path decides alone: drop --generated-label and --real-label.")
        _check_against_words(rows, tables, where)
        rows = rows.with_columns(meaning="place_meaning", label_word=pl.lit(None, pl.String))
        return rows, [_decided_by_path(rows), *notes]
    rows, values = _by_columns(rows, tables, options, where)
    rows = _kept(rows, LEFT_OUT)
    edited = pl.col("place_meaning") == PARTIAL
    odd = rows.filter(edited, _MEANING == REAL)
    if len(odd):
        place = where(odd["table"][0], odd["row"][0])
        raise DataOptionError(f"{place}: its label says real, and --label-from-path says that it is edited.")
    rows = rows.with_columns(meaning=pl.when(edited).then(pl.lit(PARTIAL)).otherwise(_MEANING))
    chosen = rows.filter(edited)["path"]
    return rows, [decision(values), f"Edited images by --label-from-path: {len(chosen):,}, {_two(chosen)}.", *notes]


def _kept(rows: pl.DataFrame, meaning: str) -> pl.DataFrame:
    return rows.filter(pl.col("meaning") != meaning)


def _two(paths: pl.Series) -> str:
    return such_as(paths.head(2).to_list())


def _read_places(rows: pl.DataFrame, by_path: PathLabels, where: Where) -> pl.Series:
    places = rows.select("place", "table", "row").iter_rows()
    return pl.Series([by_path.read(place, lambda at=at: where(*at)) for place, *at in places], dtype=pl.String)  # type: ignore[misc]


def _decided_by_path(rows: pl.DataFrame) -> str:
    chosen = {meaning: rows.filter(pl.col("meaning") == meaning)["path"] for meaning in (GENERATED, PARTIAL, REAL)}
    parts = [f"{meaning}: {len(paths):,}, {_two(paths)}" for meaning, paths in chosen.items() if len(paths)]
    return f"Labels by --label-from-path: {'; '.join(parts)}."


def _by_columns(
    rows: pl.DataFrame, tables: Sequence[Table], options: LabelOptions, where: Where
) -> tuple[pl.DataFrame, list[Value]]:
    """Gives each row the class that the values of the columns mean."""
    for table in tables:
        if "label" not in table.columns and not table.generators:
            raise DataOptionError(
                f"{table.file} has no column of labels, real or generated; its columns: {shown(table.names)}. Name it "
                "with --columns label=COLUMN; where the label is in the paths, give --label-from-path REGEX."
            )
    found, values = _values(rows, tables)
    unlabelled = rows.filter(pl.col("label").is_null() & ~_generators_alone(tables))
    if len(unlabelled):
        raise DataOptionError(
            f"{where(unlabelled['table'][0], unlabelled['row'][0])}: the label is empty, as in {len(unlabelled):,} of "
            f"{len(rows):,} rows. Write it down, take such rows out, or choose a labelled split with --split NAME."
        )
    decided = decide(values, options.generated, options.real, _called(tables))
    schema = {"value": pl.Int64, "meaning": pl.String, "label_word": pl.String}
    facts = [(number, value.meaning, value.word if value.generator else None) for number, value in enumerate(decided)]
    found = found.join(pl.DataFrame(facts, schema, orient="row"), on="value").drop("value")
    rows = rows.join(found, on=["table", "label"], how="left", maintain_order="left")
    return rows.with_columns(_MEANING.fill_null(GENERATED)), decided


def _generators_alone(tables: Sequence[Table]) -> pl.Expr:
    """Says of each row whether its table has no labels, being of generated images alone."""
    numbers = [number for number, table in enumerate(tables) if table.generators]
    return pl.col("table").is_in(numbers) if numbers else pl.lit(False)


def _called(tables: Sequence[Table]) -> str:
    return str(tables[0].file) + (f" and {len(tables) - 1:,} more" if len(tables) > 1 else "")


def _values(rows: pl.DataFrame, tables: Sequence[Table]) -> tuple[pl.DataFrame, list[Value]]:
    """Finds the different values in columns of labels.

    Returns:
        ``table, label, value``, the last the position among the values; and the values.
    """
    found = rows.filter(pl.col("label").is_not_null()).group_by("table", "label", maintain_order=True)
    counted = found.agg(pl.len(), pl.col("path").head(2))
    merged: dict[tuple[str, str | None], tuple[list[str], list[int], list[str]]] = {}
    numbers = []
    for number, label, count, paths in counted.iter_rows():
        raw, names = plain(label), tables[number].named("label")
        if names and raw not in names:
            raise DataOptionError(
                f"{tables[number].file}: the label {raw} is none of its classes, {shown([*names.values()])}."
            )
        columns, counts, examples = merged.setdefault((raw, names.get(raw)), ([], [], []))
        columns.append(tables[number].columns["label"])
        counts.append(count)
        examples += paths
        numbers.append(list(merged).index((raw, names.get(raw))))
    values = [
        Value(raw, name, " or ".join(dict.fromkeys(columns)), sum(counts), tuple(examples[:2]))
        for (raw, name), (columns, counts, examples) in merged.items()
    ]
    return counted.select("table", "label", value=pl.Series(numbers, dtype=pl.Int64)), values


def _check_against_words(rows: pl.DataFrame, tables: Sequence[Table], where: Where) -> None:
    """Raises where a column's word says otherwise than the path."""
    counted, values = _values(rows, tables)
    known = [(number, meaning_of(value)) for number, value in enumerate(values)]
    schema = {"value": pl.Int64, "word_meaning": pl.String}
    meant = counted.join(pl.DataFrame(known, schema, orient="row"), on="value").drop("value")
    odd = rows.join(meant, on=["table", "label"], maintain_order="left").filter(
        pl.col("word_meaning").is_not_null(), (pl.col("word_meaning") == REAL) != (pl.col("place_meaning") == REAL)
    )
    if len(odd):
        raise DataOptionError(
            f"{where(odd['table'][0], odd['row'][0])}: its label says {odd['label'][0]!r}, and --label-from-path "
            f"{odd['place_meaning'][0]}. One of the two is wrong."
        )
