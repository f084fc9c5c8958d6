"""The examples run as they say, on small made data."""

import contextlib
import os
import runpy
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from forked_runs import ForkedRun

pytestmark = pytest.mark.usefixtures("small_views")

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(folder: Path, *words: object) -> str:
    """Runs the command line in a process of its own, since an example registers what it brings."""
    with contextlib.chdir(folder), ForkedRun([*map(str, words)], dict(os.environ)) as command:
        printed, complained = command.communicate(timeout=120)
        assert command.returncode == 0, complained
    return printed


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_an_example_is_short_and_says_how_to_run_it(file):
    text = file.read_text()
    assert text.count("\n") < 60
    assert f"examples/{file.name}" in text.split('"""')[1]


def test_a_tensor_and_a_folder_are_scored_from_python(image_folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["score_folder.py", str(image_folder / "real")])
    runpy.run_path(str(EXAMPLES / "score_folder.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tensor [")
    assert [line.split()[0] for line in lines[1:]] == [f"{image_folder}/real/camera/{i:02d}.png" for i in range(12)]
    assert len({float(line.split()[1]) for line in lines[1:]}) == 12


@pytest.mark.heavy
def test_an_own_detector_is_compared_and_scores_files(image_folder, tmp_path):
    words = ["compare", "--plugin", EXAMPLES / "own_detector.py", "--detectors", "my-detector"]
    words += ["my-detector:reach=3", "--dataset", "folder", "--data-root", image_folder, "--num-workers", "0"]
    assert "my-detector:reach=3" in run(tmp_path, *words)
    rows = pl.read_parquet(tmp_path / "results/scores/**/*.parquet")
    assert rows.group_by("detector").len().sort("detector").rows() == [("my-detector", 36), ("my-detector:reach=3", 36)]
    words = ["score", image_folder, "--detectors", "my-detector:reach=3", "--format", "csv"]
    words += ["--plugin", EXAMPLES / "own_detector.py", "--calibration", "results"]
    (tmp_path / "rows.csv").write_text(run(tmp_path, *words))
    scored = pl.read_csv(tmp_path / "rows.csv").with_columns(pl.col("path").str.strip_prefix(f"{image_folder}/"))
    both = scored.join(rows.filter(pl.col("detector") == "my-detector:reach=3"), on="path")
    assert len(both) == 36
    assert (both["my-detector:reach=3"] - both["score"]).abs().max() < 1e-9


@pytest.mark.heavy
def test_an_own_dataset_is_compared(image_folder, tmp_path):
    with closing(sqlite3.connect(tmp_path / "pictures.sqlite")) as database, database:
        database.execute("CREATE TABLE pictures (name TEXT, model TEXT, prompt TEXT, data BLOB)")
        for file in sorted(image_folder.rglob("*.png")):
            model = "" if file.parent.name == "camera" else file.parent.name
            row = f"{file.parent.name}/{file.name}", model, file.stem, file.read_bytes()
            database.execute("INSERT INTO pictures VALUES (?, ?, ?, ?)", row)
    words = ["compare", "--plugin", EXAMPLES / "own_dataset.py", "--dataset", "my-data", "--data-root"]
    words += [tmp_path / "pictures.sqlite", "--detectors", "rigid", "--num-workers", "2"]
    table = run(tmp_path, *words)
    assert "my-data: rigid" in table
    rows = pl.read_parquet(tmp_path / "results/scores/my-data/*/*.parquet")
    counts = rows.group_by("generator", "label").len().sort("generator").rows()
    assert counts == [("blurry", 1, 12), ("photographs", 0, 12), ("sharp", 1, 12)]
    assert rows["group"].n_unique() == 12
    assert rows["bytes"].null_count() == rows["mtime_ns"].null_count() == 36
    run(tmp_path, *words)
    assert len(pl.read_parquet(tmp_path / "results/scores/my-data/*/*.parquet")) == 36  # none was scored again
