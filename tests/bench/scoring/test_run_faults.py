"""Full disks, killed processes, broken files: a run ends with one clear line, and what it kept is right."""

import errno
import io
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from started_runs import LIGHT, children_of, errors_in, folder_of, is_alive, run_here, started, wait_until, words_of
from stored_rows import stored_rows

from bench.report.notes import comparison_notes

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size

COUNT = 60
SLOWLY = ("--batch-size", "1")
SECONDS = 0.06
"""That an image of a run takes which is to be hit in the middle."""
LONGEST = 2.5
"""Seconds from the first file of a run to the last moment at which it may be killed."""


@pytest.fixture(scope="module")
def images(photograph, tmp_path_factory):
    return folder_of(photograph, tmp_path_factory.mktemp("data") / "images", COUNT)


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory):
    """What a run that nothing befell has written."""
    output = tmp_path_factory.mktemp("undisturbed")
    run_here(images, output, LIGHT, batch_size=1)
    return (output / "compare.md").read_text()


def parts_of(output: Path) -> list[Path]:
    return sorted(output.glob("scores/*/*/part-*.parquet"))


def assert_every_part_is_whole(output: Path) -> None:
    for part in parts_of(output):
        rows = pl.read_parquet(part)
        assert len(rows) > 0
        assert rows["score"].is_finite().all()


def assert_ends_undisturbed(images: Path, output: Path, undisturbed: str) -> None:
    """Does what is left and compares with a run that nothing befell."""
    assert_every_part_is_whole(output)
    known = pl.concat([pl.read_parquet(part) for part in parts_of(output)]) if parts_of(output) else pl.DataFrame()
    there = len(known.unique(["path", "detector"])) if len(known) else 0
    result = run_here(images, output, LIGHT, batch_size=1)
    assert result.scored == 2 * COUNT - there
    assert len(result.scores()) == len(result.scores().unique(["path", "detector"])) == 2 * COUNT
    assert (output / "compare.md").read_text() == undisturbed


def stopped(words: list[str], after: Callable[[], object], number: int, victim: str = "run") -> tuple[int, str]:
    """Sends a signal to a run, or to the last process that it started, once it has come so far."""
    with started(words, SECONDS) as process:
        wait_until(process, after)
        os.kill(process.pid if victim == "run" else children_of(process)[-1], number)
        printed, complained = process.communicate(timeout=90)
    assert "Scored now" not in printed
    return process.returncode, complained


def mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 kB, where mounting is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = mount("-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder))
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leaves no byte free."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        while has_room_for(bytes(4096), ballast):
            pass


def has_room_for(data: bytes, file: io.RawIOBase) -> bool:
    """Writes data, and says whether the disk took them; any other failure is one."""
    try:
        file.write(data)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


def test_a_full_disk_stops_the_run_with_one_line_and_it_goes_on_when_there_is_room(images, undisturbed, small_disk):
    words = words_of(images, small_disk, *SLOWLY, detectors=LIGHT)
    with started(words, SECONDS) as process:
        wait_until(process, lambda: parts_of(small_disk))
        fill(small_disk)
        printed, complained = process.communicate(timeout=90)
    (line,) = errors_in(complained)
    assert process.returncode == 2
    assert line.startswith(f"error: Cannot write {small_disk}/scores/folder-images/")
    assert "No space left on device" in line
    assert "What was written before is kept: the same command goes on from there." in line
    assert "Scored now" not in printed
    assert_every_part_is_whole(small_disk)
    assert not list(small_disk.glob("scores/*/*/.part-*"))

    with started(words) as process:  # still no room
        _, complained = process.communicate(timeout=90)
    (line,) = errors_in(complained)
    assert process.returncode == 2
    assert "Cannot write" in line
    assert "No space left on device" in line

    assert mount("-o", "remount,size=64m", str(small_disk))
    assert_ends_undisturbed(images, small_disk, undisturbed)


def runs_of(output: Path) -> int:
    return sum(1 for _ in output.glob("scores/*/*"))


def kill_at_random(words: list[str], output: Path, delay: float) -> None:
    """Kills a run some time after it has made its folder, unless it has ended."""
    before = runs_of(output)
    with started(words, SECONDS) as process:
        wait_until(process, lambda: runs_of(output) > before)
        deadline = time.monotonic() + delay
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.communicate()


def leave_half_a_file(output: Path) -> None:
    """Leaves what a run leaves that is killed while it writes."""
    for part in parts_of(output)[:1]:
        data = part.read_bytes()
        (part.parent / ".part-000-000099.parquet.0123456789abcdef0123456789abcdef").write_bytes(data[: len(data) // 2])


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_comes_to_the_table_of_an_undisturbed_one(images, undisturbed, tmp_path, times):
    chance = random.Random(0)
    for _ in range(times):
        kill_at_random(words_of(images, tmp_path, *SLOWLY, detectors=LIGHT), tmp_path, chance.uniform(0, LONGEST))
        assert_every_part_is_whole(tmp_path)
    leave_half_a_file(tmp_path)
    assert_ends_undisturbed(images, tmp_path, undisturbed)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the other processes in /proc, which is Linux's")
def test_a_reading_process_that_is_killed_ends_the_run_with_one_line(images, undisturbed, tmp_path):
    words = words_of(images, tmp_path, *SLOWLY, "--num-workers", "2", detectors=LIGHT)
    code, complained = stopped(words, lambda: parts_of(tmp_path), signal.SIGKILL, "worker")
    assert code == 2, complained
    (line,) = errors_in(complained)
    assert re.match(
        r"error: A process that reads images was killed( while it read \S+)?, often for want of memory: a smaller "
        r"--num-workers takes less\. What was scored is kept: the same command goes on from there\.",
        line,
    )
    assert_ends_undisturbed(images, tmp_path, undisturbed)


def test_no_reading_process_outlives_a_run_that_is_killed(images, tmp_path):
    words = words_of(images, tmp_path, *SLOWLY, "--num-workers", "2", detectors=LIGHT)
    with started(words, SECONDS) as process:
        wait_until(process, lambda: parts_of(tmp_path))
        readers = children_of(process)
        process.kill()
        process.communicate(timeout=60)
        deadline = time.monotonic() + 30
        while any(map(is_alive, readers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(readers) >= 2
        assert not any(map(is_alive, readers))


def test_a_run_that_is_told_to_stop_says_so_and_goes_on_later(images, undisturbed, tmp_path):
    code, complained = stopped(
        words_of(images, tmp_path, *SLOWLY, detectors=LIGHT), lambda: parts_of(tmp_path), signal.SIGTERM
    )
    assert code == 128 + signal.SIGTERM
    assert errors_in(complained) == [
        "error: Stopped by SIGTERM. What was scored is kept: the same command goes on from there."
    ]
    assert_ends_undisturbed(images, tmp_path, undisturbed)


def test_a_run_leaves_the_callers_handlers_of_signals_as_they_were(images, tmp_path):
    def own(number: int, frame: object) -> None:
        raise AssertionError("nobody sends this signal")

    before = signal.signal(signal.SIGTERM, own)
    try:
        run_here(images, tmp_path, limit=2)
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("permissions_hold")
@pytest.mark.usefixtures("small_views")
def test_files_that_cannot_be_read_are_counted_and_named_and_change_nothing_else(image_folder, tmp_path):
    without = run_here(image_folder, tmp_path / "without")
    blurry = image_folder / "generated" / "blurry"
    (blurry / "05a.png").write_bytes((blurry / "05.png").read_bytes()[:-300])
    (blurry / "05b.png").touch()
    (blurry / "05c.png").mkdir()
    Image.new("RGB", (40, 40)).save(blurry / "05d.png")
    (blurry / "05d.png").chmod(0)
    result = run_here(image_folder, tmp_path / "with")

    rows = stored_rows(tmp_path / "with")
    broken = rows.filter(pl.col("status") != "ok")
    reasons = dict(broken.select("path", "reason").unique().iter_rows())
    assert reasons.keys() == {f"generated/blurry/05{letter}.png" for letter in "abd"}
    assert (reasons["generated/blurry/05a.png"], reasons["generated/blurry/05b.png"]) == ("truncated", "empty file")
    assert "ermission denied" in reasons["generated/blurry/05d.png"]
    assert len(broken) == 2 * 3
    assert broken["score"].is_null().all()
    notes = " ".join(comparison_notes(result))
    assert all(f"{path} ({reason})" in notes for path, reason in reasons.items())

    order = ("detector", "path")
    first = stored_rows(tmp_path / "without").sort(order)
    second = rows.filter(pl.col("status") == "ok").sort(order)
    assert second.select("path", "detector", "sha256").equals(first.select("path", "detector", "sha256"))
    np.testing.assert_allclose(second["score"], first["score"], rtol=1e-5)
    assert len(result.summary.rows) == len(without.summary.rows)
    for row, plain in zip(result.summary.rows, without.summary.rows, strict=True):
        assert (row.detector, row.generator, row.n_generated) == (plain.detector, plain.generator, plain.n_generated)
        assert row.n_unreadable == (0 if row.generator == "sharp" else 3)
        assert row.numbers["auroc"].value == pytest.approx(plain.numbers["auroc"].value, abs=1e-9)
