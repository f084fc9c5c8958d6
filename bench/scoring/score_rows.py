"""From the scores of a batch to rows of the store."""

import polars as pl
from torch import Tensor

from bench.store.schema import OK, SCHEMA, UNREADABLE, Scoring
from datamodules import Batch, DetectionDataModule
from datamodules.batch import Sample

_OWN = ("score", "status", "reason")


def scored_rows(data: DetectionDataModule, scoring: Scoring, batch: Batch, scores: Tensor) -> pl.DataFrame:
    """Makes the rows of a batch's ``(B,)`` scores, with the columns of ``SCHEMA``."""
    frame = _frame(data, scoring, batch.index.tolist(), batch.sha256)
    return frame.with_columns(
        score=pl.Series(scores.cpu().numpy()), status=pl.lit(OK), reason=pl.lit(None, dtype=pl.String)
    )


def unreadable_rows(data: DetectionDataModule, scoring: Scoring, lost: list[Sample]) -> pl.DataFrame:
    """Makes the rows of images that have no pixels, each with its reason."""
    frame = _frame(data, scoring, [sample.index for sample in lost], [sample.sha256 for sample in lost])
    return frame.with_columns(
        score=pl.lit(None, dtype=pl.Float64),
        status=pl.lit(UNREADABLE),
        reason=pl.Series([sample.reason for sample in lost], dtype=pl.String),
    )


def _frame(data: DetectionDataModule, scoring: Scoring, index: list[int], sha256: list[str]) -> pl.DataFrame:
    facts = {
        "dataset": data.title,
        "detector": scoring.detector,
        "fingerprint": scoring.fingerprint,
        "condition": scoring.condition,
        "seed": scoring.seed,
    }
    own = [pl.lit(value).alias(name) for name, value in facts.items()]
    rows = data.items[index].with_columns(pl.Series("sha256", sha256, dtype=pl.String), *own)
    return rows.select([name for name in SCHEMA if name not in _OWN])
