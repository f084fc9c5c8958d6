"""Boards by release date, and means before and after one."""

import numpy as np
import pytest
from made_apart import EDITED, made_apart
from made_stores import detector, images, keep, scored

from bench.errors import BenchError
from bench.results.comparison import Comparison
from bench.results.leaderboard import boards_of, make_boards
from bench.results.release_dates import check_date, dates_of, split_at
from bench.results.summary import summarise

DATES = {"flow": "2023-05", "gan": "2018", "new": "2024-02-10", EDITED: "2020"}


def board_of(panel, dates=DATES):
    summary = summarise(panel, ["auroc"])
    (board,) = boards_of(Comparison("made", panel, summary, runs=[{"data": {"release_dates": dates}}]))
    return board


def test_generators_stand_in_the_order_of_their_release_and_unknown_ones_last():
    panel = made_apart(generators=("flow", "gan", "zzz", "SD1.4"), edited=(EDITED,))
    assert dates_of(board_of(panel)) == {
        "gan": "2018",
        EDITED: "2020",
        "SD1.4": "2022-08",
        "flow": "2023-05",
        "zzz": None,
    }
    assert list(dates_of(board_of(panel)))[-1] == "zzz"


def test_what_the_data_say_goes_before_the_registry():
    assert dates_of(board_of(made_apart(generators=("sd14",), edited=()), {"sd14": "2022-08-22"})) == {
        "sd14": "2022-08-22"
    }


def test_edited_images_have_the_date_of_their_generator():
    assert dates_of(board_of(made_apart(generators=(), edited=("sd15 (partial)",)), {}))["sd15 (partial)"] == "2022-10"


def test_means_before_and_from_a_date_are_those_of_the_generators():
    panel = made_apart(generators=("flow", "gan", "new"))
    board = board_of(panel)
    split = split_at(board, "2023-05-01")
    assert (split.before, split.since, split.unplaced) == (["gan"], ["flow", "new"], [])
    rows = board.rows[0].rows
    (mean, _) = split.means
    expected = np.mean([rows[name].numbers["auroc"].value for name in ("flow", "new")])
    assert mean.before.value == pytest.approx(rows["gan"].numbers["auroc"].value)
    assert mean.before.interval == pytest.approx(rows["gan"].numbers["auroc"].interval)
    assert mean.since.value == pytest.approx(expected)
    assert mean.difference.value == pytest.approx(expected - mean.before.value)
    assert mean.difference.interval.low < mean.difference.value < mean.difference.interval.high


def test_the_difference_is_paired_over_the_real_images_that_both_sides_face():
    panel = made_apart(generators=("flow", "gan"), edited=(), each=60)
    split = split_at(board_of(panel), "2020")
    shared = split.means[0]
    errors = [number.error.se for number in (shared.before, shared.since)]
    arm = (shared.difference.interval.high - shared.difference.interval.low) / 2
    assert arm < 1.95 * np.hypot(*errors)


def test_a_date_that_may_lie_on_either_side_is_on_none():
    panel = made_apart(generators=("flow", "gan", "zzz"), edited=())
    assert split_at(board_of(panel), "2023-05-15").unplaced == ["flow", "zzz"]
    nothing = split_at(board_of(panel), "2010")
    assert nothing.before == []
    assert np.isnan(nothing.means[0].before.value)
    assert nothing.means[0].difference.reason == "no generator on one side"
    assert nothing.means[0].since.interval is not None


def test_a_side_without_an_interval_says_why():
    split = split_at(board_of(made_apart(generators=("flow", "gan"), edited=(), each=9)), "2020")
    assert split.means[0].difference.interval is None
    assert split.means[0].difference.reason == "no interval for gan"


@pytest.mark.parametrize("text", ["2022-13", "2022-2", "22", "2022-02-30", "last year", "", "0000"])
def test_what_is_no_date_is_one_line(text):
    with pytest.raises(BenchError, match="YYYY-MM-DD"):
        check_date(text)


def test_dates_come_out_of_a_store(tmp_path):
    x = detector("x")
    listed = images(20, 20, ("flow", "gan"))
    rows = [scored(listed, x, lambda path, label, source: float(hash(path) % 97 + label))]
    keep(tmp_path, "1", rows, x, release_dates={"flow": "2021"})
    keep(tmp_path, "2", rows, x, release_dates={"flow": "2020-03"})
    (board,) = make_boards(tmp_path)
    assert dates_of(board) == {"flow": "2020-03", "gan": None}
    keep(tmp_path, "3", rows, x, release_dates={"flow": "in May"})
    (board,) = make_boards(tmp_path)
    with pytest.raises(BenchError, match="in May"):
        dates_of(board)
