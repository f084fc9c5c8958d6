"""A store that an older version wrote (its scores, cues and the numbers it gave are in ``tests/data/store-0.1.0``)."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.report.board_files import write_boards
from bench.report.leaderboard import board_reports
from bench.results.leaderboard import read_comparisons
from bench.store.schema import SCHEMA

KEPT = Path(__file__).parents[2] / "data" / "store-0.1.0"
FILES = ("LEADERBOARD.md", "leaderboard.csv")
NAMES = ("dataset", "protocol", "condition", "detector", "fingerprint", "generator", "metric")
"""Columns of names; of the numbers, values and counts are the same for ever, intervals are not."""
NUMBERS = ("value", "seeds_sd", "n_real", "n_generated", "n_unreadable", "scored", "wanted")


@pytest.fixture
def folder(tmp_path):
    """A copy of its scores and cues, without the leaderboard that it gave."""
    folder = tmp_path / "results"
    shutil.copytree(KEPT, folder, ignore=shutil.ignore_patterns(*FILES))
    return folder


def leaderboard(folder):
    write_boards(board_reports(read_comparisons(folder)), folder)
    return {name: (folder / name).read_bytes() for name in FILES}


def numbers_of(text):
    return pl.read_csv(text).select(*NAMES, *NUMBERS).filter(pl.col("fingerprint").is_not_null())


def test_a_store_of_version_0_1_0_gives_the_numbers_that_it_gave_then_to_the_last_digit(folder):
    before = numbers_of((KEPT / "leaderboard.csv").read_bytes())
    assert len(before) == 63
    assert_frame_equal(numbers_of(leaderboard(folder)["leaderboard.csv"]), before)


@pytest.mark.heavy
def test_parts_that_lack_a_column_of_the_schema_give_the_same_leaderboard(folder):
    expected = leaderboard(folder)
    parts = list(folder.glob("scores/*/*/part-*.parquet"))
    for part in parts:
        pl.read_parquet(part).drop("reason", "bytes").write_parquet(part)
    assert len(parts) == 3
    assert all(
        set(SCHEMA) - set(pl.read_parquet_schema(part)) == {"reason", "bytes", "kind", "share"} for part in parts
    )
    assert leaderboard(folder) == expected


@pytest.mark.heavy
def test_a_single_part_among_others_may_lack_a_column(folder):
    expected = leaderboard(folder)
    part = min(folder.glob("scores/*/*/part-*.parquet"))
    pl.read_parquet(part).drop("reason").write_parquet(part)
    assert leaderboard(folder) == expected
