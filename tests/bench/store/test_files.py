import os
import subprocess
import sys
import time

import pytest

from bench.store.files import HOUR, leftovers, remove, replacing, write_together
from bench.store.owners import machine


@pytest.fixture(scope="module")
def no_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    return ended.pid


def left(folder, name, age=0.0):
    file = folder / name
    file.write_text("half")
    os.utime(file, (time.time() - age,) * 2)
    return file


def test_what_a_living_process_writes_to_is_no_leftover(tmp_path):
    with replacing(tmp_path / "part-000-000000.parquet") as temporary:
        temporary.write_text("half")
        os.utime(temporary, (0, 0))
        assert leftovers([tmp_path]) == []
    assert [file.name for file in tmp_path.iterdir()] == ["part-000-000000.parquet"]


def test_what_a_killed_process_wrote_to_is_a_leftover_at_once(tmp_path, no_process):
    file = left(tmp_path, f".part-000-000000.parquet.{machine()}-{no_process}.0123456789ab")
    assert leftovers([tmp_path]) == [file]
    remove([file, file])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("owner", ["01234567-1.", "1.", ""], ids=["another machine", "older", "oldest"])
def test_what_may_be_of_another_machine_is_a_leftover_after_an_hour(tmp_path, owner):
    left(tmp_path, f".run.json.{owner}{'0' * 32}")
    assert leftovers([tmp_path]) == []
    old = left(tmp_path, f".run.json.{owner}{'1' * 32}", HOUR + 1)
    assert leftovers([tmp_path]) == [old]


@pytest.mark.parametrize(
    "name", ["part-000-all.parquet", ".claims.lock", ".gitignore", ".claim-01234567-1.012345678901.json"]
)
def test_other_files_are_no_leftovers(tmp_path, name):
    left(tmp_path, name, HOUR + 1)
    assert leftovers([tmp_path]) == []


def test_writing_a_file_removes_what_killed_writes_of_it_left_and_nothing_else(tmp_path, no_process):
    ended = f"{machine()}-{no_process}.0123456789ab"
    left(tmp_path, f".a[1].csv.{ended}")
    other, living = left(tmp_path, f".b.csv.{ended}"), left(tmp_path, f".a[1].csv.{machine()}-{os.getpid()}.{'0' * 12}")
    write_together({tmp_path / "a[1].csv": b"new"})
    assert set(tmp_path.iterdir()) == {tmp_path / "a[1].csv", other, living}
