"""The leaderboard of a store that has what a real one may have, as the code before `stored_rows.py` made it.

The numbers of a table are the same to the last printed digit, those of a file within 1e-12.
"""

import re
from pathlib import Path

import pytest
from made_varied_store import make_varied_store

from bench.report.board_files import write_boards
from bench.report.leaderboard import board_reports
from bench.results.across.findings import across_sets
from bench.results.leaderboard import read_comparisons

KEPT = Path(__file__).parents[2] / "data" / "varied-store"
NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+")
FEW, MANY = 24, 2000
"""Images a source."""


def assert_as_kept(output, size):
    make_varied_store(output, size)
    comparisons = read_comparisons(output)
    write_boards(board_reports(comparisons), output, across=across_sets(comparisons))
    kept = KEPT / str(size)
    assert (output / "LEADERBOARD.md").read_text() == (kept / "LEADERBOARD.md").read_text()
    for name in ("leaderboard.csv", "leaderboard-across.csv", "leaderboard-generators.csv"):
        now, before = (output / name).read_text(), (kept / name).read_text()
        assert NUMBER.sub("#", now) == NUMBER.sub("#", before)
        assert [float(number) for number in NUMBER.findall(now)] == pytest.approx(
            [float(number) for number in NUMBER.findall(before)], rel=0, abs=1e-12
        )


def test_the_leaderboard_of_a_varied_store_is_what_it_was(tmp_path):
    assert_as_kept(tmp_path, FEW)


@pytest.mark.heavy
def test_the_leaderboard_of_a_large_varied_store_is_what_it_was(tmp_path):
    assert_as_kept(tmp_path, MANY)
