"""A store that an older version wrote (its scores, cues and leaderboard are in ``tests/data/store-0.1.0``)."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from bench.report.leaderboard import board_reports, write_boards
from bench.results.leaderboard import read_comparisons
from bench.store.schema import SCHEMA

KEPT = Path(__file__).parents[2] / "data" / "store-0.1.0"
FILES = ("LEADERBOARD.md", "leaderboard.csv")


@pytest.fixture
def folder(tmp_path):
    """A copy of its scores and cues, without the leaderboard that it gave."""
    folder = tmp_path / "results"
    shutil.copytree(KEPT, folder, ignore=shutil.ignore_patterns(*FILES))
    return folder


def leaderboard(folder):
    write_boards(board_reports(read_comparisons(folder)), folder)
    return {name: (folder / name).read_bytes() for name in FILES}


def kept_leaderboard():
    return {name: (KEPT / name).read_bytes() for name in FILES}


def test_a_store_of_version_0_1_0_gives_the_leaderboard_that_it_gave_then_byte_for_byte(folder):
    assert leaderboard(folder) == kept_leaderboard()


def test_parts_that_lack_a_column_of_the_schema_give_the_same_leaderboard(folder):
    parts = list(folder.glob("scores/*/*/part-*.parquet"))
    for part in parts:
        pl.read_parquet(part).drop("reason", "bytes").write_parquet(part)
    assert len(parts) == 3
    assert all(set(SCHEMA) - set(pl.read_parquet_schema(part)) == {"reason", "bytes"} for part in parts)
    assert leaderboard(folder) == kept_leaderboard()


def test_a_single_part_among_others_may_lack_a_column(folder):
    part = min(folder.glob("scores/*/*/part-*.parquet"))
    pl.read_parquet(part).drop("reason").write_parquet(part)
    assert leaderboard(folder) == kept_leaderboard()
