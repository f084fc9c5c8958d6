"""Tables packed into shards: the same images, labels and sources."""

import pytest
from made_tables import listed, picture, write

from datamodules import ManifestDataModule, ParquetDataModule, ShardsDataModule
from datamodules.packing import pack


def rows(tmp_path):
    columns = {"image": [picture(0), picture(1, "jpg"), b"broken"], "label": ["real", "fake", "fake"]}
    return ParquetDataModule(write(tmp_path / "in" / "a.parquet", columns), num_workers=0)


def files(tmp_path):
    for seed in range(2):
        (tmp_path / f"{seed}.png").write_bytes(picture(seed))
    (tmp_path / "m.csv").write_text(f"path,label\n{tmp_path}/0.png,real\n{tmp_path}/1.png,fake\n")
    return ManifestDataModule(tmp_path / "m.csv", num_workers=0)


@pytest.mark.parametrize("make", [rows, files])
def test_shards_hold_what_a_table_names(make, tmp_path):
    data = make(tmp_path)
    pack(data, tmp_path / "shards")
    packed = ShardsDataModule(tmp_path / "shards", num_workers=0)
    assert listed(packed).select("path", "label", "generator").equals(listed(data).select("path", "label", "generator"))
    assert packed.title == data.title
    for path in data.items["path"]:
        assert packed.read_bytes(path) == data.read_bytes(path)
