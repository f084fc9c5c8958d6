"""Measures the trivial facts of every image once, and keeps them beside the scores."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch.utils.data import DataLoader, Dataset

from bench.scoring.cue_files import cue_file
from datamodules import DetectionDataModule, UnreadableImageError
from datamodules.archives import split_item
from datamodules.batch import image_key, sha256_of
from datamodules.conditions import CLEAN_IMAGES, Reencoded, Treatment, Unified
from datamodules.cues import measure_cues, pixel_cues

_FACTS = ("path", "label", "generator", "group")
_IDENTITY = ("path", "bytes", "mtime_ns")
_BATCH, _PART = 16, 50_000
SCHEMA: dict[str, Any] = {
    "key": pl.UInt64,
    "ending": pl.String,
    "format": pl.String,
    "jpeg_quality": pl.Int64,
    "blockiness": pl.Float64,
    "width": pl.Int64,
    "height": pl.Int64,
    **dict.fromkeys(("aspect", "bytes_per_pixel", "brightness", "contrast", "saturation", "laplacian"), pl.Float64),
}


def cues_of(datamodule: DetectionDataModule, output: Path, treatment: Treatment = CLEAN_IMAGES) -> pl.DataFrame:
    """Returns the cues of every readable image, measuring those that are not known yet.

    Args:
        datamodule: The dataset, set up.
        output: The results' folder; cues are kept under ``cues/``.
        treatment: What is done to the images before; a matching leaves nothing of the original file.

    Returns:
        ``path, label, generator, group``, ``key`` and a column for each cue.
    """
    file = cue_file(output, datamodule.title, treatment.name)
    items = datamodule.items
    known = _read(file)
    todo = items.join(known, on=_IDENTITY, how="anti")
    for part in _measured(datamodule, todo, treatment):
        known = pl.concat([known, part]).unique(list(_IDENTITY), keep="last", maintain_order=True)
        _write(known, file)
    table = items.join(known, on=_IDENTITY, maintain_order="left")
    readable = table.filter(pl.col("brightness").is_not_null())
    empty = [column for column in SCHEMA if readable[column].is_null().all() and column != "jpeg_quality"]
    return readable.select(*_FACTS, *(column for column in SCHEMA if column not in empty))


class _CueDataset(Dataset[dict[str, Any]]):
    """Measures single images; an unreadable one has no cues."""

    def __init__(self, datamodule: DetectionDataModule, items: pl.DataFrame, treatment: Treatment) -> None:
        self.read_bytes, self.decode = datamodule.read_bytes, datamodule.decode
        self.treatment = treatment
        self.columns = {name: items[name].to_arrow() for name in ("path", "label")}

    def __len__(self) -> int:
        return len(self.columns["path"])

    def __getitem__(self, index: int) -> dict[str, Any]:
        path, label = (self.columns[name][index].as_py() for name in ("path", "label"))
        try:
            data = self.read_bytes(path)
            return {"key": image_key(sha256_of(data)), **self._cues(data, path, label)}
        except (UnreadableImageError, OSError):
            return {"key": None}

    def _cues(self, data: bytes, path: str, label: int) -> dict[str, Any]:
        if isinstance(self.treatment, Reencoded):
            return asdict(measure_cues(self.treatment.recipe.encode(self.decode(data, path)), "matched.jpg"))
        if isinstance(self.treatment, Unified):
            image = self.treatment.apply(self.decode(data, path), image_key(sha256_of(data)), label)
            return pixel_cues(np.asarray(image)) | {"width": image.width, "height": image.height}
        if split_item(path) is not None:  # raw pixels of an archive: there is no file of its own
            image = self.decode(data, path)
            return pixel_cues(np.asarray(image)) | {
                "ending": ".npz",
                "format": "raw",
                "width": image.width,
                "height": image.height,
                "aspect": image.width / image.height,
                "bytes_per_pixel": 3.0,
            }
        return asdict(measure_cues(data, path))


def _measured(datamodule: DetectionDataModule, items: pl.DataFrame, treatment: Treatment) -> Iterator[pl.DataFrame]:
    """Yields the cues part by part: an interrupted audit goes on where it stopped, and memory stays bounded."""
    for start in range(0, len(items), _PART):
        part = items.slice(start, _PART)
        dataset = _CueDataset(datamodule, part, treatment)
        workers = min(datamodule.num_workers, -(-len(dataset) // _BATCH))
        loader: DataLoader[dict[str, Any]] = DataLoader(
            dataset, batch_size=_BATCH, num_workers=workers, collate_fn=list
        )
        rows = [row for batch in loader for row in batch]
        cues = pl.DataFrame({name: [row.get(name) for row in rows] for name in SCHEMA}, schema=SCHEMA)
        yield pl.concat([part.select(*_IDENTITY), cues], how="horizontal")


def _read(file: Path) -> pl.DataFrame:
    schema = {"path": pl.String, "bytes": pl.Int64, "mtime_ns": pl.Int64} | SCHEMA
    return pl.read_parquet(file) if file.is_file() else pl.DataFrame(schema=schema)


def _write(table: pl.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.{uuid.uuid4().hex}")
    table.write_parquet(temporary)
    temporary.replace(file)
