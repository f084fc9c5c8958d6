"""Damaged images: each is read, or named with a reason; nothing else happens, and the same again the next time."""

import hashlib

import numpy as np
import polars as pl
import pytest
from made_faults import SEED, assert_held, damaged, in_time, told, whole_files

from bench.store.reader import PARTS, scan_rows
from datamodules.reading import UnreadableImageError, decode_image

QUICK, MANY = 200, 2000
LONGEST_REASON = 160


@pytest.fixture(scope="module")
def whole(photograph):
    return whole_files(photograph(0, (61, 47)))


def damaged_files(whole, count):
    """So many damaged images in turn over the formats, by name."""
    generator, names = np.random.default_rng(SEED), sorted(whole)
    turns = (names[number % len(names)] for number in range(count))
    return {f"{number:04d}-{name}": damaged(whole[name], generator) for number, name in enumerate(turns)}


def outcome(data):
    """The pixels, as a hash, or the reason."""
    try:
        with in_time():
            return hashlib.sha256(decode_image(data).tobytes()).hexdigest()
    except UnreadableImageError as error:
        return str(error)


@pytest.mark.parametrize(
    "count", [pytest.param(QUICK, marks=pytest.mark.heavy), pytest.param(MANY, marks=pytest.mark.slow)]
)
def test_a_damaged_image_is_read_or_has_a_reason_and_the_same_one_again(whole, count):
    files = damaged_files(whole, count)
    first = {name: outcome(data) for name, data in files.items()}
    assert {name: outcome(data) for name, data in files.items()} == first
    assert all(words.isprintable() and 0 < len(words) <= LONGEST_REASON for words in first.values())
    read = sum(len(words) == 64 for words in first.values())
    print(f"{len(files)} images: {read} read, {len(files) - read} named")
    assert 0.1 < read / len(files) < 0.9  # or nothing was tried


def test_whole_files_are_read(whole):
    assert all(len(outcome(data)) == 64 for data in whole.values())


@pytest.fixture
def root(whole, tmp_path):
    """Makes a data set of damaged images, half of them called real."""

    def make(count):
        for number, (name, data) in enumerate(damaged_files(whole, count).items()):
            file = tmp_path / "images" / ("real/camera", "generated/model")[number % 2] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return tmp_path / "images"

    return make


def rows_of(output):
    parts = sorted((output / "scores").glob(f"*/*/{PARTS}"))
    columns = ("path", "sha256", "detector", "status", "reason", "score")
    return scan_rows(parts).select(columns).sort("path", "detector").collect()


@pytest.mark.parametrize("count", [40, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.heavy
def test_every_command_passes_over_what_cannot_be_read(root, tmp_path, count):
    data, seconds = root(count), 10 + count // 10
    shared = ["--dataset", "folder", "--data-root", data, "--resize", 32]
    detectors = ["--detectors", "light-mean", "light-spread", "--accelerator", "cpu"]
    rows = []
    for output, workers in ((tmp_path / "first", 2), (tmp_path / "second", 0)):
        found = told(["compare", *shared, *detectors, "--output", output, "--num-workers", workers], seconds)
        assert_held(found)
        assert found.code == 0, found
        rows.append(rows_of(output))
    assert rows[0].equals(rows[1])
    assert len(rows[0]) == 2 * count
    unreadable = rows[0].filter(pl.col("status") != "ok")["path"].n_unique()

    audited = told(["audit", *shared, "--output", tmp_path / "first", "--num-workers", 0], seconds)
    assert (audited.code, audited.errors) == (0, []), audited
    scored = told(["score", data, *detectors, "--resize", 32, "--num-workers", 0, "--format", "csv"], seconds)
    assert scored.code == 1, scored
    assert len(scored.out.splitlines()) == count + 1
    checked = told(["data", "check", *shared[:4], "--num-workers", 0, "--output", tmp_path / "checked"], seconds)
    assert_held(checked)
    packed = told(["pack", *shared[:4], "--output", tmp_path / "packed"], seconds)
    assert_held(packed)
    print(f"{count} images: {count - unreadable} scored, {unreadable} named")
