import os
import subprocess
import sys

import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.errors import BenchError
from bench.store.check import check_store
from bench.store.cue_cache import CUES, IDENTITY, write_cache
from bench.store.owners import machine

WEPE = detector("wepe")


@pytest.fixture
def output(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, lambda *_: 1.0)], WEPE)
    write_cache(pl.DataFrame(schema=IDENTITY | CUES), tmp_path / "cues" / "made-up" / "clean.parquet")
    return tmp_path


def files_in(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def spoil(output):
    """Leaves one of everything that can be wrong."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (part,) = output.glob("scores/*/*/part-*")
    part.write_bytes(part.read_bytes()[:99])
    (part.parent / "run.json").write_text("{")
    (output / "cues" / "made-up" / "clean.parquet").write_text("cues")
    for place in (output, output / "cues" / "made-up", part.parent):
        (place / f".compare.csv.{machine()}-{ended.pid}.0123456789ab").touch()
    (part.parent.parent / ".claim-01234567-1.0123456789ab.json").write_text("{}")


def test_a_sound_store_is_left_as_it_is(output):
    before = files_in(output)
    check = check_store(output, mend=True)
    assert (check.is_sound, check.parts, check.caches, check.faults, check.aside) == (True, 1, 1, (), ())
    assert files_in(output) == before


def test_everything_that_is_wrong_is_listed_and_nothing_touched(output):
    spoil(output)
    before = files_in(output)
    check = check_store(output)
    assert not check.is_sound
    kinds = ["damaged"] * 2 + ["cache"] + ["leftover"] * 3 + ["claim"]
    assert [fault.kind for fault in check.faults] == kinds
    assert not any(fault.mended for fault in check.faults)
    assert files_in(output) == before


def test_mending_sets_damaged_files_aside_and_removes_the_rest(output):
    spoil(output)
    assert all(fault.mended for fault in check_store(output, mend=True).faults)
    again = check_store(output)
    assert again.is_sound
    assert again.faults == ()
    assert sorted(file.suffix for file in again.aside) == [".damaged"] * 3
    assert not [name for name in files_in(output) if name.name.startswith(".")]


@pytest.mark.parametrize(("place", "kind"), [("scores/*/*/part-*", "damaged"), ("cues/*/*.parquet", "cache")])
def test_one_damaged_file_is_enough(output, place, kind):
    (file,) = output.glob(place)
    file.write_text("half")
    check = check_store(output)
    assert [fault.kind for fault in check.faults] == [kind]
    assert not check.is_sound


def test_leftovers_alone_are_no_damage(output):
    (output / f".compare.csv.{'0' * 32}").touch()
    os.utime(output / f".compare.csv.{'0' * 32}", (0, 0))
    check = check_store(output)
    assert [fault.kind for fault in check.faults] == ["leftover"]
    assert check.is_sound


def test_a_folder_without_a_store_is_one_line(tmp_path):
    with pytest.raises(BenchError, match="There is no store in"):
        check_store(tmp_path)
