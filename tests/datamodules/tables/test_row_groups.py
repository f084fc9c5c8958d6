"""Single rows out of Parquet files, in any order and process, whatever the row groups."""

import multiprocessing
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_tables import IMAGE, images, listed, picture, write

from datamodules import ParquetDataModule, UnreadableImageError
from datamodules.shard_reading import Shard
from datamodules.tables import row_groups
from datamodules.tables.row_groups import close_parquet_files, read_value

ROWS = 23


@pytest.fixture
def file(tmp_path):
    yield write(
        tmp_path / "a.parquet", {"image": images(ROWS), "label": ["real", "fake"] * 11 + ["real"]}, group_rows=10
    )
    close_parquet_files()


@pytest.mark.parametrize("window", [1, 2000, 64 << 20])
def test_rows_are_read_in_any_order_whatever_the_window(window, file, monkeypatch):
    monkeypatch.setattr(row_groups, "WINDOW", window)
    shard = Shard.of(file)
    for row in [*range(ROWS), 3, 22, *np.random.default_rng(0).permutation(ROWS).tolist()]:
        assert read_value(shard, "image.bytes", row) == picture(row)


def test_a_window_is_decoded_once_when_rows_are_read_in_order(file, monkeypatch):
    opened = []
    open_group = row_groups._Cursor._open
    monkeypatch.setattr(
        row_groups._Cursor, "_open", lambda self, group: opened.append(group) or open_group(self, group)
    )
    shard = Shard.of(file)
    for row in range(0, ROWS, 2):
        read_value(shard, "image.bytes", row)
    assert opened == [0, 1, 2]


def read_here(data, path):
    return data.read_bytes(path)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_what_this_one_reads(method, file):
    data = ParquetDataModule(file)
    paths = listed(data)["path"].to_list()
    assert data.read_bytes(paths[5]) == picture(5)  # a file is open here
    assert pickle.loads(pickle.dumps(data)).read_bytes(paths[6]) == picture(6)
    if method == "spawn":
        return  # what is pickled is what a spawned process gets
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(read_here, [(data, path) for path in paths]) == [picture(row) for row in range(ROWS)]
    assert data.read_bytes(paths[7]) == picture(7)


def test_batches_of_worker_processes_hold_every_row(file):
    data = ParquetDataModule(file, num_workers=2, batch_size=4)
    data.setup()
    batches = list(data.test_dataloader())
    assert [path for batch in batches for path in batch.path] == data.items["path"].to_list()
    assert not any(batch.unreadable for batch in batches)


def test_what_has_changed_or_is_broken_is_unreadable(file):
    shard = Shard.of(file)
    assert read_value(shard, "image.bytes", 0) == picture(0)
    close_parquet_files()
    data = bytearray(file.read_bytes())
    column = pq.ParquetFile(file).metadata.row_group(1).column(0)
    place = column.dictionary_page_offset or column.data_page_offset
    data[place : place + 100] = b"\xff" * 100
    file.write_bytes(data)
    with pytest.raises(UnreadableImageError, match="has changed since it was listed"):
        read_value(shard, "image.bytes", 0)
    changed = Shard.of(file)
    with pytest.raises(UnreadableImageError, match="broken Parquet file"):
        read_value(changed, "image.bytes", 12)
    assert read_value(changed, "image.bytes", 0) == picture(0)


def test_large_and_view_types_of_bytes_and_text_are_read(tmp_path):
    struct = pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())])
    for number, column in enumerate(
        [pa.array([picture(0)], pa.large_binary()), pa.array([{"bytes": picture(0), "path": "x"}], struct)]
    ):
        words = pa.array(["real"]).dictionary_encode()
        write(tmp_path / f"{number}.parquet", {"image": column, "label": words})
        data = ParquetDataModule(tmp_path / f"{number}.parquet")
        assert data.read_bytes(listed(data)["path"][0]) == picture(0)


def test_listing_reads_no_image(tmp_path, monkeypatch):
    file = write(tmp_path / "a.parquet", {"image": images(3), "label": ["real", "fake", "fake"]})
    asked = []
    read = pq.ParquetFile.read
    monkeypatch.setattr(
        pq.ParquetFile, "read", lambda self, columns, **more: asked.append(columns) or read(self, columns, **more)
    )
    listed(ParquetDataModule(file))
    assert asked == [["label"]]


def test_files_without_rows_are_passed_by(tmp_path):
    write(tmp_path / "a.parquet", {"image": pa.array([], IMAGE), "label": pa.array([], pa.string())})
    write(tmp_path / "b.parquet", {"image": images(1), "label": ["real"]})
    assert listed(ParquetDataModule(tmp_path))["path"].to_list() == ["b.parquet#000000"]
