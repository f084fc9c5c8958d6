"""Reads the cues of images that were measured before."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from bench.store.cue_cache import read_cache
from bench.store.files import file_name
from datamodules.keys import image_key

FACTS = ("path", "label", "generator", "group")


def cue_file(output: Path, title: str, condition: str) -> Path:
    """Names the file of a data set's cues under a condition."""
    return output / "cues" / file_name(title) / f"{file_name(condition)}.parquet"


def read_cues(
    places: Iterable[tuple[Path, str]], conditions: Iterable[str], images: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Reads the kept cues of images, found by their content, for those conditions that have any.

    Args:
        places: Results folders and titles under which cues may be kept.
        conditions: By name.
        images: With ``path`` and ``sha256``.
    """
    where, found = list(places), {}
    keys = pl.Series("key", [image_key(sha256) if sha256 else None for sha256 in images["sha256"]], dtype=pl.UInt64)
    keyed = images.select("path").with_columns(keys).drop_nulls()
    for condition in dict.fromkeys(conditions):
        kept = pl.concat([read_cache(cue_file(output, title, condition)) for output, title in where])
        of_images = keyed.join(kept.drop("path").unique("key", keep="last"), on="key", maintain_order="left")
        if len(of_images):
            found[condition] = usable(of_images)
    return found


def usable(table: pl.DataFrame) -> pl.DataFrame:
    """Takes the readable images, each once, and the cues that say something."""
    readable = table.filter(pl.col("brightness").is_not_null()).unique("path", keep="last", maintain_order=True)
    always = (*FACTS, "key", "jpeg_quality")
    kept = [name for name in readable.columns if name in always or readable[name].is_not_null().any()]
    return readable.select(kept)
