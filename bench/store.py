"""The score store: one row for each image, detector, condition and seed, in Parquet files.

A part is written under a temporary name and then renamed, so no half part is ever read. Rows that two parts share
(a run that was killed between merging and tidying, two runs at once) are read once.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datamodules import DetectionDataModule, UnreadableImageError
from datamodules.batch import sha256_of

CLEAN = "clean"
OK, UNREADABLE = "ok", "unreadable"

SCHEMA = {
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
}
_KEY = ["path", "sha256", "fingerprint", "condition", "seed"]


@dataclass(frozen=True)
class Scoring:
    """One column of scores: a detector as configured, under a condition, with a seed.

    Args:
        detector: The label that tables show.
        fingerprint: Identifies everything but the image and the seed that the score depends on.
        seed: Seed of the detector's randomness.
        condition: The degradation of the images, or ``clean``.
    """

    detector: str
    fingerprint: str
    seed: int
    condition: str = CLEAN


class ScoreStore:
    """Scores under ``<output>/scores/<dataset>/<run>/part-*.parquet``.

    Args:
        output: The results' folder.
        dataset: The dataset's title.
    """

    def __init__(self, output: Path, dataset: str) -> None:
        self.folder = output / "scores" / dataset.replace(":", "-").replace("/", "-")
        self.dataset = dataset

    def read(self, scorings: Iterable[Scoring]) -> pl.DataFrame:
        """Reads the rows of the given scorings, each once.

        Returns:
            Rows with the columns of ``SCHEMA`` and ``scoring``, the position among the given ones.
        """
        parts = sorted(self.folder.glob("*/part-*.parquet"))
        wanted = pl.DataFrame(
            [(s.fingerprint, s.condition, s.seed, i) for i, s in enumerate(scorings)],
            schema={"fingerprint": pl.String, "condition": pl.String, "seed": pl.Int64, "scoring": pl.Int64},
            orient="row",
        )
        if not parts:
            return pl.DataFrame(schema=SCHEMA | {"scoring": pl.Int64})
        rows = pl.scan_parquet(parts).filter(pl.col("dataset") == self.dataset)
        rows = rows.join(wanted.lazy(), on=["fingerprint", "condition", "seed"])
        return rows.unique([*_KEY, "scoring"], keep="last", maintain_order=True).collect()

    def known(
        self, items: pl.DataFrame, read_bytes: Callable[[str], bytes], scorings: Sequence[Scoring]
    ) -> pl.DataFrame:
        """Finds the rows that already hold for the given images.

        A row holds when the file has the size and the time of change that it had, or, failing the time, the same
        sha256: a copied data set is not scored again, a changed image is.

        Args:
            items: The datamodule's items.
            read_bytes: Reads the bytes of an item by its path.
            scorings: The scorings asked for.

        Returns:
            Rows of :meth:`read`, with ``index``, the image's position among ``items``.
        """
        current = items.select("path", pl.col("bytes").alias("size"), pl.col("mtime_ns").alias("changed"))
        rows = self.read(scorings).join(current.with_row_index("index"), on="path")
        same = (pl.col("bytes") == pl.col("size")) & (pl.col("mtime_ns") == pl.col("changed"))
        unsure = rows.filter(~same).select("path", "sha256").unique()
        hashes = {path: _hash_of(read_bytes, path) for path in unsure["path"].unique()}
        confirmed = unsure.filter(
            pl.Series([hashes[path] == sha256 for path, sha256 in unsure.iter_rows()], dtype=pl.Boolean)
        )
        holds = rows.join(confirmed.with_columns(confirmed=True), on=["path", "sha256"], how="left")
        holds = holds.filter(same | pl.col("confirmed").fill_null(False))
        return holds.drop("size", "changed", "confirmed").unique(["index", "scoring"], keep="last", maintain_order=True)

    def add(self, rows: pl.DataFrame, datamodule: DetectionDataModule) -> None:
        """Keeps rows that were made of stored ones, unless they are there already.

        Args:
            rows: With the columns of ``SCHEMA``.
            datamodule: The dataset they are about.
        """
        facts = rows.select("detector", "fingerprint", "seed", "condition").unique(maintain_order=True)
        scorings = [Scoring(*row) for row in facts.iter_rows()]
        if not scorings:
            return
        known = self.known(datamodule.items, datamodule.read_bytes, scorings)
        new = rows.join(known, on=_KEY, how="anti")
        if len(new):
            writer = ScoreWriter(self, f"fused-{uuid.uuid4().hex[:12]}", {"made of": "stored scores"})
            writer.append(new.select(*SCHEMA))
            writer.close()


def missing(known: pl.DataFrame, n_items: int, n_scorings: int) -> NDArray[np.bool_]:
    """Says which scores are not in the store yet.

    Args:
        known: Rows of :meth:`ScoreStore.known`.
        n_items: Number of images.
        n_scorings: Number of scorings.

    Returns:
        ``(n_items, n_scorings)``, true where a score is missing.
    """
    absent = np.ones((n_items, n_scorings), dtype=np.bool_)
    absent[known["index"].to_numpy(), known["scoring"].to_numpy()] = False
    return absent


class ScoreWriter:
    """Writes the rows of one run, part by part.

    Args:
        store: Where to write.
        provenance: What the run was: command, options, versions, device, commit, time. Kept as ``run.json``.
        rank: The device's number among those of the run.
    """

    def __init__(self, store: ScoreStore, run: str, provenance: Mapping[str, Any], rank: int = 0) -> None:
        self.folder = store.folder / run
        self.rank, self.part = rank, 0
        self.rows: list[pl.DataFrame] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        if rank == 0:
            _write_atomically(self.folder / "run.json", (json.dumps(provenance, indent=2) + "\n").encode())

    def append(self, rows: pl.DataFrame) -> None:
        """Keeps rows, with the columns of ``SCHEMA``, for the next part."""
        self.rows.append(rows.cast(pl.Schema(SCHEMA)))

    def flush(self) -> None:
        """Writes the kept rows as one part."""
        if not self.rows:
            return
        self._write(pl.concat(self.rows).lazy(), self.folder / f"part-{self.rank:03d}-{self.part:06d}.parquet")
        self.part += 1
        self.rows = []

    def close(self) -> None:
        """Writes what is kept and merges this run's parts of this rank into one."""
        self.flush()
        parts = sorted(self.folder.glob(f"part-{self.rank:03d}-[0-9]*.parquet"))
        if len(parts) < 2:
            return
        self._write(pl.scan_parquet(parts), self.folder / f"part-{self.rank:03d}-all.parquet")
        for part in parts:
            part.unlink()

    def _write(self, rows: pl.LazyFrame, target: Path) -> None:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            rows.select(*SCHEMA).sink_parquet(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _write_atomically(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(target)


def _hash_of(read_bytes: Callable[[str], bytes], path: str) -> str:
    """Hashes an item; one that cannot be read has the empty hash, as in the rows about it."""
    try:
        return sha256_of(read_bytes(path))
    except (OSError, UnreadableImageError):
        return ""
