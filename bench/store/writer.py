"""The score store: one row for each image, detector, condition and seed, in Parquet files.

A part is written under a temporary name and then renamed, so no half part is ever read. Rows that two parts share
(a run that was killed between merging and tidying, two runs at once) are read once.
"""

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.store.files import write_atomically
from bench.store.run_files import Run, read_run
from bench.store.runs import FACTS_FILE, MEMBERS_FILE, RunRecord
from bench.store.schema import SCHEMA, Scoring
from datamodules import DetectionDataModule, UnreadableImageError
from datamodules.batch import sha256_of

_KEY = ["path", "sha256", "fingerprint", "condition", "seed"]


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
        rows = self._scan(scorings)
        if rows is None:
            return pl.DataFrame(schema=SCHEMA | {"scoring": pl.Int64})
        return rows.unique([*_KEY, "scoring"], keep="last", maintain_order=True).collect()

    def _scan(self, scorings: Iterable[Scoring]) -> pl.LazyFrame | None:
        parts = sorted(self.folder.glob("*/part-*.parquet"))
        if not parts:
            return None
        wanted = pl.LazyFrame(
            [(s.fingerprint, s.condition, s.seed, i) for i, s in enumerate(scorings)],
            schema={"fingerprint": pl.String, "condition": pl.String, "seed": pl.Int64, "scoring": pl.Int64},
            orient="row",
        )
        rows = pl.scan_parquet(parts).filter(pl.col("dataset") == self.dataset)
        return rows.join(wanted, on=["fingerprint", "condition", "seed"])

    def known(
        self,
        items: pl.DataFrame,
        read_bytes: Callable[[str], bytes],
        scorings: Sequence[Scoring],
        columns: Sequence[str] = tuple(SCHEMA),
    ) -> pl.DataFrame:
        """Finds the rows that already hold for the given images.

        A row holds when the file has the size and the time of change that it had, or, failing the time, the same
        sha256: a copied data set is not scored again, a changed image is.

        Args:
            items: The datamodule's items.
            read_bytes: Reads the bytes of an item by its path.
            scorings: The scorings asked for.
            columns: Those of ``SCHEMA`` that are wanted: fewer take less memory.

        Returns:
            Rows, each image and scoring once, with the columns, ``scoring`` as in :meth:`read`, and ``index``, the
            image's position among ``items``.
        """
        own = [*columns, "scoring", "index"]
        rows = self._scan(scorings)
        if rows is None:
            return pl.DataFrame(schema=SCHEMA | {"scoring": pl.Int64, "index": pl.UInt32}).select(own)
        current = items.lazy().select("path", pl.col("bytes").alias("size"), pl.col("mtime_ns").alias("changed"))
        rows = rows.join(current.with_row_index("index"), on="path", maintain_order="left")
        same = (pl.col("bytes") == pl.col("size")) & (pl.col("mtime_ns") == pl.col("changed"))
        unsure = rows.filter(~same).select("path", "sha256").unique().collect()
        hashes = {path: _hash_of(read_bytes, path) for path in unsure["path"].unique()}
        right = [hashes[path] == sha256 for path, sha256 in unsure.iter_rows()]
        confirmed = unsure.filter(pl.Series(right, dtype=pl.Boolean)).with_columns(confirmed=True)
        if len(confirmed):
            rows = rows.join(confirmed.lazy(), on=["path", "sha256"], how="left", maintain_order="left")
            same |= pl.col("confirmed").fill_null(False)
        return _last_of_each(rows.filter(same).select(own).collect())

    def runs(self, fingerprints: Collection[str]) -> list[Run]:
        """Returns the runs that gave scores of some detectors, oldest first."""
        runs = [read_run(folder) for folder in sorted({part.parent for part in self.folder.glob("*/part-*.parquet")})]
        return [run for run in runs if not set(run.detectors).isdisjoint(fingerprints)]

    def add(self, rows: pl.DataFrame, datamodule: DetectionDataModule, record: RunRecord) -> None:
        """Keeps rows that were made of stored ones, unless they are there already.

        Args:
            rows: With the columns of ``SCHEMA``.
            datamodule: The dataset they are about.
            record: What made them.
        """
        facts = rows.select("detector", "fingerprint", "seed", "condition").unique(maintain_order=True)
        scorings = [Scoring(*row) for row in facts.iter_rows()]
        if not scorings:
            return
        known = self.known(datamodule.items, datamodule.read_bytes, scorings)
        new = rows.join(known, on=_KEY, how="anti")
        if len(new):
            writer = ScoreWriter(self, record)
            writer.append(new.select(*SCHEMA))
            writer.close()


def _last_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    """Keeps the last row of each ``index`` and ``scoring``; as a rule there is one, and nothing is copied."""
    scorings = rows["scoring"].to_numpy()
    cells = rows["index"].to_numpy().astype(np.int64) * (scorings.max(initial=0) + 1) + scorings
    if len(np.unique(cells)) == len(rows):
        return rows
    return rows.unique(["index", "scoring"], keep="last", maintain_order=True)


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
        record: What the run is.
        rank: The device's number among those of the run.
    """

    def __init__(self, store: ScoreStore, record: RunRecord, rank: int = 0) -> None:
        self.folder = store.folder / record.name
        self.record, self.rank, self.part = record, rank, 0
        self.rows: list[pl.DataFrame] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        if rank == 0:
            if len(record.members):
                _write_parquet(record.members.lazy(), self.folder / MEMBERS_FILE)
            self._describe({})

    def _describe(self, more: Mapping[str, Any]) -> None:
        text = json.dumps({**self.record.facts, **more}, indent=2) + "\n"
        write_atomically(self.folder / FACTS_FILE, text.encode())

    def finish(self, cost: Mapping[str, Any]) -> None:
        """Notes that the run came to its end, and what it cost; the first rank does."""
        self._describe({"cost": dict(cost)})

    def append(self, rows: pl.DataFrame) -> None:
        """Keeps rows, with the columns of ``SCHEMA``, for the next part."""
        self.rows.append(rows.cast(pl.Schema(SCHEMA)))

    def flush(self) -> None:
        """Writes the kept rows as one part."""
        if not self.rows:
            return
        _write_parquet(pl.concat(self.rows).lazy(), self.folder / f"part-{self.rank:03d}-{self.part:06d}.parquet")
        self.part += 1
        self.rows = []

    def close(self) -> None:
        """Writes what is kept and merges this run's parts of this rank into one."""
        self.flush()
        parts = sorted(self.folder.glob(f"part-{self.rank:03d}-[0-9]*.parquet"))
        if len(parts) < 2:
            return
        _write_parquet(pl.scan_parquet(parts).select(*SCHEMA), self.folder / f"part-{self.rank:03d}-all.parquet")
        for part in parts:
            part.unlink()


def _write_parquet(rows: pl.LazyFrame, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        rows.sink_parquet(temporary)
        temporary.replace(target)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BenchError(
            f"Cannot write {target}: {reason}. What was written before is kept: the same command goes on from there."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _hash_of(read_bytes: Callable[[str], bytes], path: str) -> str:
    """Hashes an item; one that cannot be read has the empty hash, as in the rows about it."""
    try:
        return sha256_of(read_bytes(path))
    except (OSError, UnreadableImageError):
        return ""
