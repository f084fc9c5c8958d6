import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.errors import BenchError
from bench.store import reader
from bench.store.damage import DamagedFileError
from bench.store.reader import all_batches, batches, read_parts, scan_rows

WEPE = detector("wepe")


@pytest.fixture
def folder(tmp_path):
    """A run that was cut off with three parts."""
    for run in "abc":
        keep(tmp_path, run, [scored(images(), WEPE, lambda *_: 1.0, seed=ord(run))], WEPE)
    folder = tmp_path / "scores" / "made-up"
    for run in "bc":
        for part in folder.glob(f"{run}/part-*"):
            part.rename(folder / "a" / part.name.replace("000000", f"00000{ord(run)}"))
    return folder


def lazily(parts):
    return scan_rows(parts).collect()


def batch_by_batch(parts):
    return pl.concat([batch for part in parts for batch in batches(part)])


def merge(folder):
    """What a run does at its end."""
    parts = sorted(folder.glob("a/part-*"))
    scan_rows(parts).collect().write_parquet(folder / "a" / "part-000-all.parquet")
    for part in parts:
        part.unlink()


@pytest.mark.parametrize("read", [lazily, batch_by_batch])
def test_parts_that_are_merged_while_they_are_read_are_read_all_the_same(folder, read):
    tries = []

    def take(parts):
        tries.append(len(parts))
        if len(tries) == 1:
            merge(folder)
        return read(parts)

    rows = read_parts(folder, take)
    assert tries == [3, 1]
    assert len(rows) == 3 * len(images())


def test_parts_that_are_merged_while_they_are_listed_are_read_all_the_same(folder, monkeypatch):
    listings = [[folder / "a" / "gone"], [folder / "a" / "gone"], None, None]
    glob = type(folder).glob

    def change(self, pattern):
        listed = listings.pop(0) if listings else None
        return glob(self, pattern) if listed is None else iter(listed)

    monkeypatch.setattr(type(folder), "glob", change)
    assert len(read_parts(folder, lazily)) == 3 * len(images())


def test_a_listing_that_shows_neither_a_part_nor_what_it_became_is_made_again(folder, monkeypatch):
    listings = [[]]
    glob = type(folder).glob
    monkeypatch.setattr(
        type(folder), "glob", lambda self, pattern: iter(listings.pop()) if listings else glob(self, pattern)
    )
    assert len(read_parts(folder, lazily)) == 3 * len(images())


def test_parts_that_never_stay_are_one_line(folder, monkeypatch):
    monkeypatch.setattr(reader, "_listed", lambda *_: [folder / "a" / "gone"])
    with pytest.raises(BenchError, match="change faster than they can be read"):
        read_parts(folder, lazily)


def test_an_error_that_is_not_of_the_files_is_raised_as_it_is(folder):
    def fail(parts):
        raise ValueError("no file's fault")

    with pytest.raises(ValueError, match="no file's fault"):
        read_parts(folder, fail)


def test_batches_of_all_parts_come_in_order_with_their_runs(folder):
    parts = sorted(folder.glob("*/part-*"))
    found = list(all_batches(parts))
    assert [run for run, _ in found] == [part.parent.name for part in parts]
    for (_, rows), part in zip(found, parts, strict=True):
        assert rows.equals(pl.concat(list(batches(part))))
    assert list(all_batches([])) == []


def test_one_batch_is_decoded_ahead_and_no_more(folder, monkeypatch):
    decoded = []

    def noted(part):
        decoded.append(part)
        yield from batches(part)

    monkeypatch.setattr(reader, "batches", noted)
    parts = sorted(folder.glob("*/part-*"))
    for number, _ in enumerate(all_batches(parts), start=1):
        assert decoded in (parts[:number], parts[: number + 1])
    assert decoded == parts


def test_a_damaged_part_is_told_after_the_batches_before_it(folder):
    parts = sorted(folder.glob("*/part-*"))
    parts[1].write_bytes(parts[1].read_bytes()[:-40])
    found = all_batches(parts)
    assert len(next(found)[1]) == len(images())
    with pytest.raises(DamagedFileError, match=parts[1].name):
        next(found)
