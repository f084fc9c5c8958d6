"""The columns of a task's images, and what can be wrong with them."""

from typing import Any

import polars as pl

from datamodules.items import GENERATED, PARTIAL, REAL

IMAGES: dict[str, Any] = {
    "sha256": pl.String,
    "label": pl.Int8,
    "kind": pl.String,
    "generator": pl.String,
    "group": pl.String,
}
"""The columns of a task's images."""
SHA256 = "[0-9a-f]{64}"


def fault_of_images(images: pl.DataFrame) -> str | None:
    """Says what is wrong with the columns of images, or nothing."""
    if images.is_empty():
        return "it has no image"
    if images.drop("kind").null_count().pipe(lambda counts: any(counts.row(0))):
        return "an image lacks its sha256, label, generator or group"
    if not images["sha256"].str.contains(f"^{SHA256}$").all():
        strange = images.filter(~pl.col("sha256").str.contains(f"^{SHA256}$"))["sha256"][0]
        return f"{strange[:70]!r} is no sha256 in small letters"
    if not (images["sha256"].shift(1) < images["sha256"]).fill_null(True).all():
        return "its images are not sorted by sha256, each once"
    if not images["label"].is_in([REAL, GENERATED]).all():
        return "a label is neither 0 nor 1"
    if not images["kind"].is_in([PARTIAL]).fill_null(True).all():
        return f"a kind is neither null nor {PARTIAL!r}"
    return None
