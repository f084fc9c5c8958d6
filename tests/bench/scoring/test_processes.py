"""Two processes must give what one gives: the same rows, each image once, the same tables; and end together."""

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from started_runs import (
    LIGHT,
    PATIENCE,
    children_of,
    complaints,
    errors_in,
    folder_of,
    is_alive,
    mistaken,
    run_here,
    separately,
    srun_variables,
    started,
    wait_until,
    words_of,
)
from stored_rows import stored_rows

COUNT = 80
"""Images of a run that is stopped: they take a second after the first part."""
FAILS_ON_THE_SECOND = '''
import os
from detectors import Detector, View, register

@register
class Fails(Detector):
    """Fails on the second process only."""

    name = "fails"
    paper = "none"
    view = View(32, "resize")
    passes = 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()

    def forward(self, images, keys):
        if os.environ.get("LOCAL_RANK") == "1":
            raise ValueError("no luck")
        return images.mean(dim=(1, 2, 3)).double()
'''


def table_of(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if not line.startswith("Scored now"))


def run(root: Path, output: Path, devices: int, *more: str) -> tuple[str, pl.DataFrame]:
    """Runs on one device, or on two as srun starts them."""
    words = words_of(root, output, "--devices", str(devices), "--batch-size", "4", "--long", *more)
    (printed, complained), *others = separately(words, srun_variables(devices) if devices > 1 else [{}])
    assert not complaints(complained)
    assert others in ([], [("", "")])
    return table_of(printed), stored_rows(output)


@pytest.mark.parametrize("count", [13, 3, 1])
@pytest.mark.heavy
def test_two_processes_give_the_rows_and_the_table_of_one(photograph, tmp_path, count):
    root = folder_of(photograph, tmp_path / "images", count)
    one, rows = run(root, tmp_path / "one", 1, "--allow-one-class")
    two, split = run(root, tmp_path / "two", 2, "--allow-one-class")
    assert two == one
    assert len(split) == len(split.unique(["path", "detector"])) == 2 * count
    assert split.select("path", "detector", "sha256", "label", "group").equals(
        rows.select("path", "detector", "sha256", "label", "group")
    )
    np.testing.assert_allclose(split["score"], rows["score"], rtol=1e-5)


@pytest.mark.heavy
def test_a_run_on_two_devices_goes_on_on_one(photograph, tmp_path):
    root = folder_of(photograph, tmp_path / "images", 12)
    whole, _ = run(root, tmp_path / "whole", 1)
    run(root, tmp_path / "mixed", 2, "--limit", "2")
    resumed, rows = run(root, tmp_path / "mixed", 1)
    assert resumed == whole
    assert len(rows) == len(rows.unique(["path", "detector"])) == 24


@pytest.fixture(scope="module")
def images(photograph, tmp_path_factory):
    return folder_of(photograph, tmp_path_factory.mktemp("data") / "images", COUNT)


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory):
    """The folder of a run on one device that nothing befell."""
    output = tmp_path_factory.mktemp("undisturbed")
    run_here(images, output, LIGHT)
    return output


def both_have_written(output: Path) -> bool:
    return all(any(output.glob(f"scores/*/*/part-{rank:03d}-*.parquet")) for rank in range(2))


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the second process in /proc, which is Linux's")
@pytest.mark.parametrize(
    ("victim", "number", "code", "told"),
    [
        (
            "second",
            signal.SIGKILL,
            2,
            ["error: The process of device 1 was killed by signal 9. What was scored is kept"],
        ),
        ("first", signal.SIGKILL, -9, []),
        (
            "first",
            signal.SIGTERM,
            143,
            ["error: Stopped by SIGTERM. What was scored is kept: the same command goes on"],
        ),
    ],
)
def test_when_one_process_is_killed_all_end_and_the_rest_is_done_later(
    images, undisturbed, tmp_path, victim, number, code, told
):
    words = words_of(images, tmp_path, "--devices", "2", "--batch-size", "2", detectors=LIGHT)
    with started(words, seconds=0.06) as process:
        wait_until(process, lambda: both_have_written(tmp_path))
        (second,) = children_of(process)
        os.kill({"first": process.pid, "second": second}[victim], number)
        printed, complained = process.communicate(timeout=60)
        deadline = time.monotonic() + 15
        while is_alive(second) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not is_alive(second)
    assert process.returncode == code, complained
    errors = errors_in(complained)
    assert len(errors) == len(told), complained
    assert all(line.startswith(start) for line, start in zip(errors, told, strict=True)), complained
    assert "Scored now" not in printed
    before = len(stored_rows(tmp_path).unique(["path", "detector"]))
    assert 0 < before < 2 * COUNT
    resumed = run_here(images, tmp_path, LIGHT)
    assert resumed.scored == 2 * COUNT - before
    assert len(resumed.scores()) == len(resumed.scores().unique(["path", "detector"])) == 2 * COUNT
    assert (tmp_path / "compare.md").read_text() == (undisturbed / "compare.md").read_text()


@pytest.mark.heavy
def test_a_detector_that_fails_on_the_second_process_is_told_once_with_the_image(images, tmp_path):
    plugin = tmp_path / "failing_on_the_second.py"
    plugin.write_text(FAILS_ON_THE_SECOND)
    more = ("--devices", "2", "--batch-size", "4", "--detectors", "fails", "--plugin", str(plugin))
    code, complained = mistaken(words_of(images, tmp_path / "results", *more))
    assert code == 2
    (line,) = errors_in(complained)
    (path,) = re.findall(r"fails failed on (\S+) \(or one of the 3 images after it\): .*no luck", line)
    assert (images / path).is_file()


def studies_of(output: Path, devices: int) -> dict[str, bytes]:
    words = ["-m", "bench", "reproduce", "table7", "figure1", "--dataset", "demo", "--limit", "10", "--seeds", "1"]
    words += ["--devices", str(devices), "--accelerator", "cpu", "--num-workers", "0", "--output", str(output)]
    with started(words) as process:
        told = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 1), told  # 1: a part of table 7 needs weights that are not here
    folder = output / "studies"
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_studies_on_two_devices_write_the_files_of_one(tmp_path):
    one, two = studies_of(tmp_path / "one", 1), studies_of(tmp_path / "two", 2)
    assert {"table7.csv", "table7.md", "figure1.csv", "figure1.md"} <= two.keys()
    assert two.keys() == one.keys()
    for name in ("table7.csv", "figure1.csv"):
        first, second = pl.read_csv(one[name]), pl.read_csv(two[name])
        assert second.select("study", "row", "column", "metric").equals(
            first.select("study", "row", "column", "metric")
        )
        np.testing.assert_allclose(second["value"].to_numpy(), first["value"].to_numpy(), rtol=1e-4)
