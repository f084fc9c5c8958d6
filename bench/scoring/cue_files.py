"""Where the cues of a data set are kept, and how they are read without the images."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl


def cue_file(output: Path, title: str, condition: str) -> Path:
    """Returns where the cues of a data set under a condition are kept."""
    names = [name.replace(":", "-").replace("/", "-") for name in (title, condition)]
    return output / "cues" / names[0] / f"{names[1]}.parquet"


def read_cues(output: Path, title: str, conditions: Iterable[str]) -> dict[str, pl.DataFrame]:
    """Reads the kept cues of those conditions that have any."""
    files = {condition: cue_file(output, title, condition) for condition in dict.fromkeys(conditions)}
    tables = {condition: pl.read_parquet(file) for condition, file in files.items() if file.is_file()}
    return {condition: usable_cues(table) for condition, table in tables.items()}


def usable_cues(table: pl.DataFrame) -> pl.DataFrame:
    """Takes the readable images, each once, and the cues that say something."""
    readable = table.filter(pl.col("brightness").is_not_null()).unique("path", keep="last", maintain_order=True)
    kept = [name for name in readable.columns if name == "jpeg_quality" or readable[name].is_not_null().any()]
    return readable.select(kept)
