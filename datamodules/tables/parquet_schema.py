"""What the schema of a Parquet file says: how its images are stored, and what its numbers for classes are called."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datamodules.errors import DataOptionError

ClassNames = dict[str, list[str]]
"""By column, what its numbers 0, 1, ... are called."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How a column holds images.

    Args:
        data: The leaf with the bytes; None where a row has a path alone.
        path: The leaf with the path; None where there is none.
    """

    data: str | None
    path: str | None


def open_parquet(file: Path) -> pq.ParquetFile:
    """Opens a file; of a column that is read, only a buffer is held at a time.

    Raises:
        DataOptionError: It cannot be read, or is no Parquet file.
    """
    try:
        return pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise DataOptionError(f"{file} is no whole Parquet file; copy it again.") from error
    except OSError as error:
        raise DataOptionError(f"May not read {file}: {error.strerror or error}.") from error


def class_names(schema: pa.Schema) -> ClassNames:
    """Reads the names of classes that the library ``datasets`` writes into a schema's metadata."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return {}
    try:
        features = json.loads(text)["info"]["features"]
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}  # of another library, or of another form: numbers are then numbers


def stored_images(parquet: pq.ParquetFile, column: str, file: Path) -> Stored:
    """Says how a column holds images: a struct of bytes and path as ``datasets`` writes it, bytes, or a path.

    Raises:
        DataOptionError: In another way.
    """
    kind = parquet.schema_arrow.field(column).type
    if _is_bytes(kind):
        return Stored(column, None)
    if _is_text(kind):
        return Stored(None, column)
    leaves = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
    if _is_bytes(leaves.get("bytes")):
        path = f"{column}.path" if _is_text(leaves.get("path")) else None
        without = path is not None and _is_empty(parquet, f"{column}.bytes")
        return Stored(None if without else f"{column}.bytes", path)
    if _is_text(leaves.get("path")):
        return Stored(None, f"{column}.path")
    raise DataOptionError(
        f"{file}: the column {column} is {kind!s:.80}, where an image is its file's bytes, a struct of bytes and "
        "path, or a path; name another column with --columns image=COLUMN, or write the images' files out."
    )


def is_nested(parquet: pq.ParquetFile, column: str) -> bool:
    """Says whether a column holds lists, structs or the like, and no text or number."""
    nested: bool = pa.types.is_nested(parquet.schema_arrow.field(column).type)
    return nested


def _is_bytes(kind: Any) -> bool:  # noqa: ANN401 - a pyarrow type, or None
    return kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - a pyarrow type, or None
    if kind is not None and pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_empty(parquet: pq.ParquetFile, leaf: str) -> bool:
    """Says whether not one row has a value, by the file's own counts: nothing is read."""
    metadata = parquet.metadata
    place = next(place for place in range(metadata.num_columns) if parquet.schema.column(place).path == leaf)
    groups = [metadata.row_group(group).column(place) for group in range(metadata.num_row_groups)]
    known = all(group.statistics is not None and group.statistics.null_count is not None for group in groups)
    return known and sum(group.statistics.null_count for group in groups) == metadata.num_rows > 0
