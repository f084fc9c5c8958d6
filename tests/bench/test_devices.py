"""Two processes must give what one gives: the same rows, each image once, the same tables."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

Photograph = Callable[..., Image.Image]


def folder_of(photograph: Photograph, root: Path, count: int) -> Path:
    """Makes so many images, every third one real; a single one is real."""
    for number in range(count):
        place = root / ("real/camera" if number % 3 == 0 else f"generated/model{number % 2}")
        place.mkdir(parents=True, exist_ok=True)
        photograph(number, (40, 32)).save(place / f"{number:03d}.png")
    return root


def run(root: Path, output: Path, devices: int, *more: str) -> tuple[str, pl.DataFrame]:
    command = [sys.executable, "-m", "bench", "compare", "--detectors", "wepe", "rigid", "--dataset", "folder"]
    command += ["--data-root", str(root), "--output", str(output), "--devices", str(devices), "--accelerator", "cpu"]
    command += ["--num-workers", "0", "--resize", "64", *more]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert result.returncode == 0, result.stderr
    rows = pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])
    table = "\n".join(line for line in result.stdout.splitlines() if not line.startswith("Scored now"))
    return table, rows.sort("path", "detector")


@pytest.mark.parametrize("count", [101, 3, 1])
def test_two_processes_give_the_rows_and_the_table_of_one(photograph, tmp_path, count):
    root = folder_of(photograph, tmp_path / "images", count)
    one, rows = run(root, tmp_path / "one", 1)
    two, split = run(root, tmp_path / "two", 2)
    assert two == one
    assert len(split) == len(split.unique(["path", "detector"])) == 2 * count
    assert split.select("path", "detector", "sha256", "label", "group").equals(
        rows.select("path", "detector", "sha256", "label", "group")
    )
    np.testing.assert_allclose(split["score"], rows["score"], rtol=1e-5)


def test_a_run_on_two_devices_goes_on_on_one(photograph, tmp_path):
    root = folder_of(photograph, tmp_path / "images", 12)
    whole, _ = run(root, tmp_path / "whole", 1)
    run(root, tmp_path / "mixed", 2, "--limit", "2")
    resumed, rows = run(root, tmp_path / "mixed", 1)
    assert resumed == whole
    assert len(rows) == len(rows.unique(["path", "detector"])) == 24
