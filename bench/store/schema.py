"""What a score is filed under."""

from dataclasses import dataclass
from typing import Any

import polars as pl

CLEAN = "clean"
OK, UNREADABLE = "ok", "unreadable"

SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "generator": pl.String,
    "path": pl.String,
    "sha256": pl.String,
    "bytes": pl.Int64,
    "mtime_ns": pl.Int64,
    "group": pl.String,
    "label": pl.Int8,
    "detector": pl.String,
    "fingerprint": pl.String,
    "condition": pl.String,
    "seed": pl.Int64,
    "score": pl.Float64,
    "status": pl.String,
    "reason": pl.String,
    "kind": pl.String,
    "share": pl.Float64,
}
ABSENT_ONCE = ("bytes", "mtime_ns", "reason", "kind", "share")
"""Columns that came later, or that may be null in any row."""


@dataclass(frozen=True)
class Scoring:
    """One column of scores: a detector as configured, under a condition, with a seed of its randomness.

    Args:
        detector: The label that tables show.
        fingerprint: Identifies everything but the image and the seed that the score depends on.
        condition: What was done to the images, or ``clean``.
    """

    detector: str
    fingerprint: str
    seed: int
    condition: str = CLEAN
