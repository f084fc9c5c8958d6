"""Reads a table of scores that were made elsewhere, and finds whose they are among the images of a task."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.errors import BenchError
from bench.scoring.machine.phases import phase
from bench.store.damage import FAILURES, first_line
from bench.store.listings import Listing
from bench.store.schema import CLEAN
from bench.store.sharing.checking import faults_of_scores
from bench.store.sharing.plain_files import read_plain
from bench.store.sharing.submission import SCORES, Fault
from bench.store.sharing.task import Task
from datamodules import UnreadableImageError
from datamodules.keys import sha256_of
from datamodules.reading import read_file

MOST_BYTES = 1 << 32
_LINE = "line"


@dataclass(frozen=True)
class ForeignScores:
    """Scores that were made elsewhere.

    Args:
        file: The table.
        sha256: Of its bytes.
        real_high: Whether its high scores mean real; those of ``scores`` mean generated.
        scores: With the columns of a submission's scores.
        faults: What is wrong with them, nothing where they can be imported.
    """

    file: Path
    sha256: str
    real_high: bool
    scores: pl.DataFrame
    faults: Sequence[Fault]


def read_foreign(
    file: Path, task: Task, listings: Sequence[Listing] = (), data_root: Path | None = None, real_high: bool = False
) -> ForeignScores:
    """Reads a CSV or Parquet file with ``sha256`` or ``path``, ``score`` and, where it has them, ``seed, condition``.

    Args:
        file: The table.
        task: The task whose images were scored.
        listings: Of the task's images, in which paths are looked up, the last one first.
        data_root: Folder under which the paths are files, which are hashed; instead of listings.
        real_high: Whether high scores mean real.

    Raises:
        BenchError: The file cannot be read, or lacks a column; or nobody knows its paths.
    """
    try:
        data = read_plain(file, MOST_BYTES, links=True)
        parquet = data.startswith(b"PAR1")
        table = pl.read_parquet(io.BytesIO(data)) if parquet else pl.read_csv(io.BytesIO(data), infer_schema=False)
    except FAILURES as error:
        raise BenchError(f"{file} is neither CSV nor Parquet that can be read: {first_line(error)}.") from error
    names = [name for name in ("sha256", "path") if name in table.columns]
    if not names or "score" not in table.columns:
        there = ", ".join(table.columns)[:80]
        raise BenchError(f"{file} needs the columns sha256 or path, and score; it has {there or 'none'}.")
    first = 1 if parquet else 2
    table = table.with_row_index(_LINE, offset=first)
    faults, name = [], names[0]
    rows = table.select(
        _LINE,
        pl.col(name).cast(pl.String, strict=False).str.strip_chars().alias(name),
        score=_number("score", table, pl.Float64),
        seed=_number("seed", table, pl.Int64) if "seed" in table.columns else pl.lit(0, pl.Int64),
        condition=pl.col("condition").cast(pl.String, strict=False) if "condition" in table.columns else pl.lit(CLEAN),
    )
    unit = "row" if parquet else "line"
    for column in (name, "score", "seed", "condition"):
        lost = rows.filter(pl.col(column).is_null())[_LINE]
        if len(lost):
            faults.append(
                Fault("format", file.name, f"{len(lost):,} {unit}s have no {column}, the first is {unit} {lost[0]}")
            )
    rows = rows.drop_nulls()
    if name == "path":
        rows, unknown = _by_path(rows, listings, data_root, file)
        if len(unknown):
            faults.append(
                Fault("scores", file.name, f"{len(unknown):,} paths name no image of the task, such as {unknown[0]!r}")
            )
    else:
        rows = rows.with_columns(pl.col("sha256").str.to_lowercase())
    scores = rows.select(*SCORES).cast(pl.Schema(SCORES))
    scores = scores.with_columns(score=-pl.col("score")) if real_high else scores
    faults += faults_of_scores(scores, task, file.name)
    return ForeignScores(file, hashlib.sha256(data).hexdigest(), real_high, scores, faults)


def _number(name: str, table: pl.DataFrame, kind: type[pl.DataType]) -> pl.Expr:
    column = pl.col(name).str.strip_chars() if table.schema[name] == pl.String else pl.col(name)
    return column.cast(kind, strict=False).alias(name)


def _by_path(
    rows: pl.DataFrame, listings: Sequence[Listing], data_root: Path | None, file: Path
) -> tuple[pl.DataFrame, list[str]]:
    """Finds the sha256 of the images that paths name; equal scores of copies are one."""
    if data_root is not None:
        paths = rows["path"].unique().sort()
        with phase(f"Reading {len(paths):,} images"):
            hashes = [_hash_of(data_root / path) for path in paths]
        known = pl.DataFrame({"path": paths, "sha256": pl.Series(hashes, dtype=pl.String)}).drop_nulls()
    elif listings:
        known = pl.concat([one.images.select("path", "sha256") for one in listings])
        known = known.drop_nulls().unique("path", keep="last", maintain_order=True)
    else:
        raise BenchError(
            f"{file} names images by their paths, and the store has not listed the task's images: give --data-root "
            "DIR, the folder that the paths count from, or a column sha256."
        )
    found = rows.join(known, on="path", how="left", maintain_order="left")
    lost = found.filter(pl.col("sha256").is_null())["path"].to_list()
    return found.drop_nulls("sha256").unique(list(SCORES), maintain_order=True), lost


def _hash_of(file: Path) -> str | None:
    try:
        return sha256_of(read_file(file))
    except (OSError, UnreadableImageError):
        return None
