"""Gives every row of some tables its class, by a column of labels or by where it comes from, and says how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from datamodules.errors import DataOptionError
from datamodules.tables.columns import shown
from datamodules.tables.frames import kept, picked
from datamodules.tables.labelling import (
    CLASSES,
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
_MEANING, _PLACE = pl.col("meaning"), pl.col("place_meaning")


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
        rows, notes = _by_columns(rows, tables, options, where)
        return kept(rows, _MEANING != LEFT_OUT), notes
    by_path = PathLabels(options.from_path)
    rows = rows.with_columns(place_meaning=_read_places(rows, by_path, where))
    skipped = picked(rows, "path", _PLACE == SKIP)["path"]
    rows = kept(rows, _PLACE.ne_missing(SKIP))
    left_out = [f"Left out by --label-from-path: {len(skipped):,} rows, {_two(skipped)}."] if len(skipped) else []
    if by_path.decides:
        if options.generated is not None or options.real is not None:
            raise DataOptionError("--label-from-path decides alone: drop --generated-label and --real-label.")
        _check_against_words(rows, tables, where)
        rows = rows.with_columns(meaning="place_meaning", label_word=pl.lit(None, pl.String))
        return rows, [_decided_by_path(rows), *left_out]
    rows, notes = _by_columns(rows, tables, options, where)
    rows = kept(rows, _MEANING != LEFT_OUT)
    odd = picked(rows, ["table", "row"], _PLACE == PARTIAL, _MEANING == REAL)
    if len(odd):
        raise DataOptionError(
            f"{where(*odd.row(0))}: its label says real, and --label-from-path says that it is edited."
        )
    edited = picked(rows, "path", _PLACE == PARTIAL)["path"]
    rows = rows.with_columns(meaning=pl.when(_PLACE == PARTIAL).then(pl.lit(PARTIAL)).otherwise(_MEANING))
    return rows, [*notes, f"Edited images by --label-from-path: {len(edited):,}, {_two(edited)}.", *left_out]


def _two(paths: pl.Series) -> str:
    return such_as(paths.head(2).to_list())


def _read_places(rows: pl.DataFrame, by_path: PathLabels, where: Where) -> pl.Series:
    places = rows.select("place", "table", "row").iter_rows()
    return pl.Series([by_path.read(place, lambda at=at: where(*at)) for place, *at in places], dtype=pl.String)  # type: ignore[misc]


def _decided_by_path(rows: pl.DataFrame) -> str:
    chosen = {meaning: picked(rows, "path", pl.col("meaning") == meaning)["path"] for meaning in CLASSES}
    parts = [f"{meaning}: {len(paths):,}, {_two(paths)}" for meaning, paths in chosen.items() if len(paths)]
    return f"Labels by --label-from-path: {'; '.join(parts)}."


def _by_columns(
    rows: pl.DataFrame, tables: Sequence[Table], options: LabelOptions, where: Where
) -> tuple[pl.DataFrame, list[str]]:
    """Gives each row the class that the values of the columns mean, and says so."""
    for table in tables:
        if "label" not in table.columns and not table.generators:
            raise DataOptionError(
                f"{table.file} has no column of labels, real or generated; its columns: {shown(table.names)}. Name it "
                "with --columns label=COLUMN; where the label is in the paths, give --label-from-path REGEX."
            )
    found, values = _values(rows, tables)
    unlabelled = picked(rows, ["table", "row"], pl.col("label").is_null(), ~_generators_alone(tables))
    if len(unlabelled):
        raise DataOptionError(
            f"{where(*unlabelled.row(0))}: the label is empty, as in {len(unlabelled):,} of {len(rows):,} rows. Write "
            "it down, take such rows out, or choose a labelled split with --split NAME."
        )
    decided = decide(values, options.generated, options.real, _called(tables))
    schema = {"value": pl.Int64, "meaning": pl.String, "label_word": pl.String}
    facts = [(number, value.meaning, value.word if value.generator else None) for number, value in enumerate(decided)]
    found = found.join(pl.DataFrame(facts, schema, orient="row"), on="value").drop("value")
    classes = rows.select("table", "label").join(found, on=["table", "label"], how="left", maintain_order="left")
    rows = rows.with_columns(classes["meaning"].fill_null(GENERATED), classes["label_word"])
    alone = list(dict.fromkeys(name for table in tables for name in table.generators))
    of_columns = [f"Generated alone, a generator a column: {', '.join(alone)}."] if alone else []
    return rows, [*([decision(decided)] if decided else []), *of_columns]


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
    labelled = picked(rows, ["table", "label", "path"], pl.col("label").is_not_null())
    counted = labelled.group_by("table", "label", maintain_order=True).agg(pl.len(), pl.col("path").head(2))
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
    said = rows.select("table", "row", "label", "place_meaning").join(
        meant, on=["table", "label"], maintain_order="left"
    )
    word = pl.col("word_meaning")
    odd = said.filter(word.is_not_null(), (word == REAL) != (_PLACE == REAL))
    if len(odd):
        raise DataOptionError(
            f"{where(odd['table'][0], odd['row'][0])}: its label says {odd['label'][0]!r}, and --label-from-path "
            f"{odd['place_meaning'][0]}. One of the two is wrong."
        )
