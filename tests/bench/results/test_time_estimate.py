"""How long a run would take, from a few images."""

import json
import re

import polars as pl
import pytest

from bench.cli.app import main
from bench.results import time_estimate
from bench.results.time_estimate import Cost, TimeEstimate, estimate_time
from bench.scoring.forecast import forecast
from bench.scoring.options import RunOptions
from bench.store.runs import Run


def run_of(tmp_path, name, **cost):
    return Run(tmp_path / name, {"cost": cost}, pl.DataFrame())


def test_costs_of_runs_add_up_and_say_what_other_images_take(tmp_path):
    first = run_of(
        *(tmp_path, "a"),
        **{"seconds": 10.0, "images": 4, "seconds_by_detector": {"x": 6.0}, "scores_by_detector": {"x": 4}},
    )
    second = run_of(
        *(tmp_path, "b"),
        **{"seconds": 5.0, "images": 1, "seconds_by_detector": {"x": 2.0, "y": 2.0}, "scores_by_detector": {"x": 4}},
    )
    unfinished = Run(tmp_path / "c", {}, pl.DataFrame())
    cost = Cost.of([first, second, unfinished])
    # 15 s, of which 8 are x's, 2 are y's and 5 are beside them: 1 s an image; x takes 1 s a score.
    assert (cost.seconds, cost.images) == (15.0, 5)
    assert cost.seconds_of(10, {"x": 3}) == pytest.approx(13.0)
    assert cost.seconds_of(5, {"x": 8, "y": 0}) == pytest.approx(13.0)


def test_nothing_costs_nothing():
    assert Cost.of([]).seconds_of(100, {"x": 100}) == 0
    assert TimeEstimate(2.0, 3.0, 20).seconds == 5.0


@pytest.mark.heavy
@pytest.mark.usefixtures("small_views")
def test_the_estimate_keeps_no_score_and_grows_with_what_is_left(image_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(time_estimate, "PROBE", 8)
    words = {"dataset": "folder", "data_root": str(image_folder), "num_workers": 0, "output": tmp_path / "results"}
    options = RunOptions(**words, limit=4)
    whole, few = (forecast(["rigid"], RunOptions(**words, limit=limit)) for limit in (None, 4))
    assert (whole.to_read, few.to_read) == (36, 12)
    long, short = (estimate_time(["rigid"], options, plan) for plan in (whole, few))
    assert short.images == long.images == 9  # three of each of three sources
    assert long.scoring > short.scoring > 0
    assert short.start > 0
    assert not list((tmp_path / "results").rglob("*.parquet"))


@pytest.mark.heavy
@pytest.mark.usefixtures("small_views")
def test_the_command_line_says_how_long(image_folder, tmp_path, capsys):
    words = ["compare", "--detectors", "rigid", "wepe", "--dataset", "folder", "--data-root", str(image_folder)]
    words += ["--output", str(tmp_path / "results"), "--num-workers", "0", "--precision", "bf16-mixed"]
    assert main([*words, "--dry-run", "--estimate"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Time: about ")]
    assert "at the speed of 21 images on this machine" in line
    assert re.search(r" In 32-true it would be about \d+ (s|min)\.$", line)
    assert main([*words, "--dry-run", "--estimate", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["estimate"]["images"] == 21
    assert told["estimate"]["scoring"] > 0
    assert told["estimate"]["in_exact_precision"] > 0
    assert told["estimate"]["without_compile"] is None
    assert main([*words, "--estimate"]) == 2
    assert "--estimate" in capsys.readouterr().err
