"""Measures the trivial facts of every image once, and keeps them beside the scores."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from bench.scoring.machine.phases import phase
from bench.scoring.stored_cues import FACTS, cue_file, usable
from bench.store.cue_cache import CUES, IDENTITY, read_cache, write_cache
from datamodules import DetectionData, UnreadableImageError
from datamodules.archives import split_item
from datamodules.conditions import CLEAN_IMAGES, Condition, Reencoded, Unified
from datamodules.cues import measure_cues, pixel_cues
from datamodules.grouping import merged, same_content
from datamodules.keys import image_key, sha256_of
from datamodules.raw_files import measured_files
from datamodules.reading import UnreadableHereError

_PART = 50_000


@phase("Measuring cues of the images")
def cues_of(datamodule: DetectionData, output: Path, condition: Condition = CLEAN_IMAGES) -> pl.DataFrame:
    """Returns the cues of every readable image, measuring those that are not known yet.

    Args:
        datamodule: Set up.
        output: The results' folder; cues are kept under ``cues/``.
        condition: What is done to the images before; a matching leaves nothing of the original file.

    Returns:
        ``path, label, generator, group``, ``key`` and a column for each cue.
    """
    file = cue_file(output, datamodule.title, condition.name)
    items = datamodule.items
    known = read_cache(file)
    dated = known.filter(pl.col("mtime_ns").is_not_null())  # an image of unknown time is measured each time
    todo = items.join(dated, on=list(IDENTITY), how="anti", nulls_equal=True)
    for part in _measured(datamodule, todo, condition):
        known = pl.concat([known, part]).unique(list(IDENTITY), keep="last", maintain_order=True)
        write_cache(known, file)
    cues = usable(items.join(known, on=list(IDENTITY), maintain_order="left", nulls_equal=True))
    cues = cues.with_columns(merged(cues["group"], same_content(cues["key"])))
    return cues.select(*FACTS, *(name for name in CUES if name in cues.columns))


class _Measure:
    """Measures single images; an unreadable one has no cues."""

    def __init__(self, datamodule: DetectionData, condition: Condition) -> None:
        self.read_bytes, self.picture = datamodule.read_bytes, datamodule.picture
        self.file_name = datamodule.file_name
        self.condition, self.max_pixels = condition, datamodule.max_pixels

    def __call__(self, path: str, label: int, size: int | None) -> dict[str, Any]:
        try:
            data = self.read_bytes(path)
            return {"key": image_key(sha256_of(data)), **self._cues(data, path, label)}
        except UnreadableHereError:
            return {"key": None, "here": True}
        except (UnreadableImageError, OSError):
            return {"key": None}

    def _cues(self, data: bytes, path: str, label: int) -> dict[str, Any]:
        if isinstance(self.condition, Reencoded):
            return asdict(measure_cues(self.condition.recipe.encode(self.picture(data, path)), "matched.jpg"))
        if isinstance(self.condition, Unified):
            image = self.condition.apply(self.picture(data, path), image_key(sha256_of(data)), label)
            return pixel_cues(np.asarray(image)) | {"width": image.width, "height": image.height}
        if split_item(path) is not None:  # raw pixels of an archive: there is no file of its own
            image = self.picture(data, path)
            return pixel_cues(np.asarray(image)) | {
                "ending": ".npz",
                "format": "raw",
                "bytes_per_pixel": 3.0,
                **_shape(image),
            }
        try:
            return asdict(measure_cues(data, self.file_name(path), self.max_pixels))
        except UnreadableImageError:  # or what only the data set can decode: then nothing is known of a file
            image = self.picture(data, path)
            return pixel_cues(np.asarray(image)) | _shape(image)


def _shape(image: Image.Image) -> dict[str, Any]:
    return {"width": image.width, "height": image.height, "aspect": image.width / image.height}


def _measured(datamodule: DetectionData, items: pl.DataFrame, condition: Condition) -> Iterator[pl.DataFrame]:
    """Yields the cues part by part: an interrupted audit goes on where it stopped, and memory stays bounded."""
    for start in range(0, len(items), _PART):
        part = items.slice(start, _PART)
        rows = list(measured_files(datamodule, part, _Measure(datamodule, condition)))
        cues = pl.DataFrame({name: [row.get(name) for row in rows] for name in CUES}, schema=CUES)
        kept = pl.Series([not row.get("here") for row in rows], dtype=pl.Boolean)  # another run may read it
        yield pl.concat([part.select(*IDENTITY), cues], how="horizontal").filter(kept)
