"""The score store: one row for each image, detector, condition and seed, in Parquet files.

A part is written under a temporary name and then renamed, so no half part is ever read. Rows that two parts share
(a run that was killed between merging and tidying, two runs at once) are read once.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.store.damage import PARTS
from bench.store.files import file_name
from bench.store.reader import read_parts, scan_rows
from bench.store.runs import Run, RunRecord, read_runs
from bench.store.schema import SCHEMA, Scoring
from bench.store.writer import ScoreWriter
from datamodules import DetectionData, UnreadableImageError
from datamodules.keys import sha256_of
from datamodules.reading import lapsed

_NAMED = ("generator", "group", "kind")
"""What the data set says of an image today, whatever it said when the image was scored."""


class ScoreStore:
    """Scores under ``<output>/scores/<dataset>/<run>/part-*.parquet``; a dataset goes by its title."""

    def __init__(self, output: Path, dataset: str) -> None:
        self.folder = output / "scores" / file_name(dataset)
        self.dataset = dataset

    def known(
        self, datamodule: DetectionData, scorings: Sequence[Scoring], columns: Sequence[str] = tuple(SCHEMA)
    ) -> pl.DataFrame:
        """Finds the rows that already hold for the images of a dataset; fewer columns of ``SCHEMA`` take less memory.

        A row holds when the image has the label that it had, and the file the size and the time of change or, failing
        these, the same sha256: a copied data set is not scored again, a changed image is, and one whose reason for
        having no score has lapsed. Names of sources and groups are those that the data set has now.

        Returns:
            Rows, each image and scoring once, with the columns, ``scoring``, the position among the given ones, and
            ``index``, the image's position among the dataset's items.
        """
        hashes: dict[str, str] = {}
        return read_parts(self.folder, lambda parts: self._known(parts, datamodule, scorings, columns, hashes))

    def _known(
        self,
        parts: Sequence[Path],
        datamodule: DetectionData,
        scorings: Sequence[Scoring],
        columns: Sequence[str],
        hashes: dict[str, str],
    ) -> pl.DataFrame:
        if not parts:
            return no_rows(columns)
        wanted = pl.LazyFrame(
            [(scoring.fingerprint, scoring.condition, scoring.seed, i) for i, scoring in enumerate(scorings)],
            schema={"fingerprint": pl.String, "condition": pl.String, "seed": pl.Int64, "scoring": pl.Int64},
            orient="row",
        )
        rows = scan_rows(parts).filter(pl.col("dataset") == self.dataset)
        rows = rows.join(wanted, on=["fingerprint", "condition", "seed"], maintain_order="left")
        rows = rows.filter(~lapsed(pl.col("reason"), datamodule.max_pixels))
        current = datamodule.items.lazy().select(
            "path", "label", *_NAMED, pl.col("bytes").alias("size"), pl.col("mtime_ns").alias("changed")
        )
        rows = rows.drop(_NAMED).join(current.with_row_index("index"), on=["path", "label"], maintain_order="left")
        # A size may never be known; a time that is not known says nothing.
        same = pl.col("bytes").eq_missing(pl.col("size")) & (pl.col("mtime_ns") == pl.col("changed")).fill_null(False)
        unsure = rows.filter(~same).select("path", "sha256").unique().collect()
        for path in unsure["path"].unique():
            if path not in hashes:
                hashes[path] = hash_of_image(datamodule, path)
        right = [hashes[path] == sha256 for path, sha256 in unsure.iter_rows()]
        confirmed = unsure.filter(pl.Series(right, dtype=pl.Boolean)).with_columns(confirmed=True)
        if len(confirmed):
            rows = rows.join(confirmed.lazy(), on=["path", "sha256"], how="left", maintain_order="left")
            same |= pl.col("confirmed").fill_null(False)
        return _last_of_each(rows.filter(same).select(*columns, "scoring", "index").collect())

    def runs(self, fingerprints: Collection[str]) -> list[Run]:
        """Returns the runs that gave scores of some detectors, oldest first."""
        runs = read_runs(part.parent for part in self.folder.glob(f"*/{PARTS}"))
        return [run for run in runs if not set(run.detectors).isdisjoint(fingerprints)]

    def add(self, rows: pl.DataFrame, datamodule: DetectionData, record: RunRecord) -> None:
        """Keeps rows, with the columns of ``SCHEMA``, that were made of stored ones, unless they are there already."""
        if rows.is_empty():
            return
        facts = rows.select("detector", "fingerprint", "seed", "condition").unique(maintain_order=True)
        known = self.known(datamodule, [Scoring(*row) for row in facts.iter_rows()])
        new = rows.join(known, on=["path", "sha256", "fingerprint", "condition", "seed"], how="anti")
        if len(new):
            writer = ScoreWriter(self.folder, record)
            writer.append(new.select(*SCHEMA))
            writer.close()


def _last_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    """Keeps the last row of each ``index`` and ``scoring``; as a rule there is one, and nothing is copied."""
    scorings = rows["scoring"].to_numpy()
    cells = rows["index"].to_numpy().astype(np.int64) * (scorings.max(initial=0) + 1) + scorings
    if len(np.unique(cells)) == len(rows):
        return rows
    return rows.unique(["index", "scoring"], keep="last", maintain_order=True)


def no_rows(columns: Sequence[str]) -> pl.DataFrame:
    """Makes the table of :meth:`ScoreStore.known` of an empty store."""
    return pl.DataFrame(schema=SCHEMA | {"scoring": pl.Int64, "index": pl.UInt32}).select(*columns, "scoring", "index")


def missing(known: pl.DataFrame, n_items: int, n_scorings: int) -> NDArray[np.bool_]:
    """Says which scores are not among the rows of :meth:`ScoreStore.known`, ``(n_items, n_scorings)``."""
    absent = np.ones((n_items, n_scorings), dtype=np.bool_)
    absent[known["index"].to_numpy(), known["scoring"].to_numpy()] = False
    return absent


def hash_of_image(datamodule: DetectionData, path: str) -> str:
    """Hashes an image's bytes; one that cannot be read has the empty hash, as in the rows about it."""
    try:
        return sha256_of(datamodule.read_bytes(path))
    except (OSError, UnreadableImageError):
        return ""
