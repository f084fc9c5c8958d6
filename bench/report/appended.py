"""Copies a table with columns of scores beside its own: CSV, TSV, JSON Lines or Parquet, as it was."""

import csv
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.store.files import replacing
from datamodules.tables.text_files import JSON_LINES, SEPARATORS, separator_of

Scores = Mapping[str, Sequence[float | None]]
"""By the name of a new column, the score of each row; None where there is none."""


def check_target(source: Path, target: Path, columns: Sequence[str], present: Sequence[str]) -> None:
    """Raises where scores cannot be given back as wanted, before there are any.

    Args:
        source: The table.
        target: Where its copy goes.
        columns: The new columns.
        present: Those of the table.

    Raises:
        BenchError: The copy would take the table's place, is of another format, or has a column twice.
    """
    if target.exists() and target.samefile(source):
        raise BenchError(f"--append {target} is the table itself, which is left as it is: name another file.")
    if target.suffix.lower() != source.suffix.lower():
        raise BenchError(f"--append {target}: a copy of {source.name} must end in {source.suffix}.")
    for column in columns:
        if column in present:
            raise BenchError(f"{source} has a column {column!r} already: take it out, or rename it.")
    if not target.absolute().parent.is_dir() or target.is_dir():
        raise BenchError(f"Cannot write --append {target}: there is no such folder, or it is one.")


def append_scores(source: Path, target: Path, scores: Scores) -> None:
    """Writes a copy of a table with scores, whole or not at all.

    Raises:
        BenchError: It cannot be written.
    """
    write = _append_parquet
    if source.suffix.lower() in JSON_LINES:
        write = _append_json_lines
    elif source.suffix.lower() in SEPARATORS:
        write = _append_separated
    try:
        with replacing(target) as temporary:
            write(source, temporary, scores)
    except OSError as error:
        raise BenchError(f"Cannot write --append {target}: {error.strerror or error}.") from error


def _append_separated(source: Path, target: Path, scores: Scores) -> None:
    with source.open("rb") as opened:
        first = opened.readline()
    mark = "utf-8-sig" if first.startswith(b"\xef\xbb\xbf") else "utf-8"
    with source.open(encoding="utf-8-sig", newline="") as read, target.open("w", encoding=mark, newline="") as written:
        separator = separator_of(source, read)
        rows = csv.reader(read, delimiter=separator, strict=True)
        end = "\r\n" if first.endswith(b"\r\n") else "\n"
        writer = csv.writer(written, delimiter=separator, lineterminator=end)
        filled = (row for row in rows if row)
        writer.writerow([*next(filled), *scores])
        columns = scores.values()
        writer.writerows([*row, *values] for row, *values in zip(filled, *columns, strict=True))


def _append_json_lines(source: Path, target: Path, scores: Scores) -> None:
    with source.open(encoding="utf-8-sig") as read, target.open("w", encoding="utf-8") as written:
        filled = (line.strip() for line in read if line.strip())
        for line, *values in zip(filled, *scores.values(), strict=True):
            _write_object(line, dict(zip(scores, values, strict=True)), written)


def _write_object(line: str, added: dict[str, Any], written: TextIO) -> None:
    """Writes an object with more keys; what was in it stays as it was written."""
    inner = line[:-1].rstrip()
    comma = "" if inner.endswith("{") else ", "
    written.write(f"{inner}{comma}{json.dumps(added, ensure_ascii=False)[1:]}\n")


def _append_parquet(source: Path, target: Path, scores: Scores) -> None:
    with pq.ParquetFile(source) as parquet:
        schema = parquet.schema_arrow
        for name in scores:
            schema = schema.append(pa.field(name, pa.float64()))
        schema = schema.with_metadata(_described(schema.metadata, scores))
        metadata, columns = parquet.metadata, {name: iter(values) for name, values in scores.items()}
        compression = metadata.row_group(0).column(0).compression if metadata.num_row_groups else "SNAPPY"
        compression = "NONE" if compression == "UNCOMPRESSED" else compression
        with pq.ParquetWriter(target, schema, compression=compression) as writer:
            for group in range(metadata.num_row_groups):
                table = parquet.read_row_group(group)
                for name, values in columns.items():
                    table = table.append_column(name, pa.array(islice(values, len(table)), pa.float64()))
                writer.write_table(table.cast(schema), row_group_size=max(1, len(table)))


def _described(metadata: Mapping[bytes, bytes] | None, scores: Scores) -> dict[bytes, bytes]:
    """Adds the columns to those that the library ``datasets`` describes, or it would not read the file."""
    described = dict(metadata or {})
    try:
        facts = json.loads(described[b"huggingface"])
        facts["info"]["features"] |= {name: {"dtype": "float64", "_type": "Value"} for name in scores}
    except (KeyError, TypeError, ValueError):
        return described
    return described | {b"huggingface": json.dumps(facts).encode()}
