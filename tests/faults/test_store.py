"""A damaged store: compare scores again what it cannot trust and gives the same table; readers say one line."""

import shutil

import numpy as np
import pytest
from made_faults import SEED, assert_held, damaged, told

QUICK, MANY = 6, 400


@pytest.fixture
def whole(photograph, tmp_path):
    """A store of two runs, whole, and the words of the command that made it."""
    root = tmp_path / "images"
    for number in range(12):
        file = root / ("real/camera", "generated/model", "generated/other")[number % 3] / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        photograph(number, (40, 32)).save(file, quality=96)
    words = ["compare", "--dataset", "folder", "--data-root", root, "--resize", "32"]
    words += ["--num-workers", "0", "--accelerator", "cpu", "--match", "unbiased"]
    output = tmp_path / "whole"
    for detectors in (["light-mean"], ["light-mean", "light-spread"]):
        assert told([*words, "--detectors", *detectors, "--output", output], 60).code == 0
    return output, [*words, "--detectors", "light-mean", "light-spread"]


def broken(whole, output, number, generator):
    """Copies the store and damages one of its files in turn."""
    shutil.copytree(whole, output, copy_function=shutil.copy2)
    files = sorted(file for name in ("scores", "cues") for file in (output / name).rglob("*") if file.is_file())
    file = files[number % len(files)]
    file.write_bytes(damaged(file.read_bytes(), generator))
    return file


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(QUICK, marks=pytest.mark.heavy),
        pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_to_a_file_of_the_store_the_table_is_the_same(whole, tmp_path, count):
    output, words = whole
    table = (output / "compare.csv").read_bytes()
    generator, codes = np.random.default_rng(SEED), []
    for number in range(count):
        copy = tmp_path / "copy"
        file = broken(output, copy, number, generator)
        read = told(["leaderboard", "--output", copy])
        assert_held(read)
        assert all(str(copy) in line for line in read.errors), read  # names the file
        codes.append(read.code)
        found = told([*words, "--output", copy], 30)
        assert_held(found)
        assert found.code == 0, (file, found)
        assert (copy / "compare.csv").read_bytes() == table, file
        after = told(["leaderboard", "--output", copy])
        assert after.code == 0, (file, after)
        shutil.rmtree(copy)
    print(f"{count} damaged stores: leaderboard refused {codes.count(2)}")
    assert codes.count(2)
