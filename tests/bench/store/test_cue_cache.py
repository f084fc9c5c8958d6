import polars as pl
import pyarrow.parquet as pq
import pytest

from bench.store.cue_cache import CUES, IDENTITY, fault_of_cache, read_cache, write_cache

TABLE = pl.DataFrame(
    [{"path": f"{number}.png", "bytes": number, "mtime_ns": number, "brightness": 0.5} for number in range(20)],
    schema=IDENTITY | CUES,
)


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "out [1]" / "clean.parquet"
    write_cache(TABLE, file)
    return file


def test_what_was_written_is_read(file):
    assert read_cache(file).equals(TABLE)
    assert fault_of_cache(file) is None


def test_the_columns_are_promises(file):
    facts = ["key", "ending", "format", "jpeg_quality", "blockiness", "width", "height", "aspect", "bytes_per_pixel"]
    pictured = ["brightness", "contrast", "saturation", "laplacian"]
    assert pq.read_schema(file).names == ["path", "bytes", "mtime_ns", *facts, *pictured]


def test_a_cache_of_an_older_version_is_read(file):
    TABLE.with_columns(other=1).write_parquet(file)
    assert read_cache(file).equals(TABLE)


def folder_instead(file):
    file.unlink()
    file.mkdir()


DAMAGE = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_text("cues"),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-50]),
    "other columns": lambda file: TABLE.drop("laplacian").write_parquet(file),
    "other types": lambda file: TABLE.with_columns(pl.col("width").cast(pl.String)).write_parquet(file),
    "a folder": folder_instead,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_is_empty_and_made_anew(file, kind):
    DAMAGE[kind](file)
    assert fault_of_cache(file)
    assert read_cache(file).equals(TABLE.clear())
    write_cache(TABLE, file)
    assert read_cache(file).equals(TABLE)


@pytest.mark.heavy
def test_no_flipped_bit_changes_what_is_read(file):
    data = file.read_bytes()
    unnoticed = 0
    for bit in range(3, 8 * len(data), 199):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        table = read_cache(file)
        assert table.is_empty() or table.equals(TABLE), bit
        unnoticed += len(table) > 0
    assert unnoticed < len(data) * 8 / 199 / 2
