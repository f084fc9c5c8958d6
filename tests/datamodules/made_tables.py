"""Makes small tables with the columns, encodings and class names of published data sets."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from datamodules import DetectionDataModule

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How the library ``datasets`` stores an image."""


def picture(seed: int, ending: str = "png") -> bytes:
    """The bytes of an image file, others for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, {"png": "PNG", "jpg": "JPEG"}[ending])
    return stream.getvalue()


def images(count: int, first: int = 0, paths: Sequence[str | None] | None = None) -> pa.Array:
    """A column of images as ``datasets`` stores them."""
    names = paths or [f"{number}.png" for number in range(count)]
    return pa.array([{"bytes": picture(first + n), "path": names[n]} for n in range(count)], IMAGE)


def write(
    file: Path, columns: Mapping[str, Any], classes: Mapping[str, Sequence[str]] | None = None, group_rows: int = 100
) -> Path:
    """Writes a Parquet file; ``classes`` are names of numbers, in the metadata that ``datasets`` writes."""
    table = pa.table(dict(columns))
    features = {name: {"names": list(names), "_type": "ClassLabel"} for name, names in (classes or {}).items()}
    if classes is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=group_rows)
    return file


def listed(data: DetectionDataModule) -> pl.DataFrame:
    """Lists a data set; ``number`` is the row in its Parquet file."""
    data.setup()
    number = pl.col("path").str.extract(r"#(\d+)$").cast(pl.Int64)
    return data.items.with_columns(number=number)


def labels(data: DetectionDataModule) -> list[int]:
    """The labels in the order of the rows."""
    return listed(data).sort("number")["label"].to_list()
