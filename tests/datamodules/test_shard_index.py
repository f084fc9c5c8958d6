import pytest

from datamodules import DataOptionError, DatasetNotFoundError, FolderDataModule, ShardsDataModule
from datamodules.packing import pack


@pytest.fixture
def packed(image_folder, tmp_path):
    """Several shards, which a test may break."""
    pack(FolderDataModule(image_folder, num_workers=0), tmp_path / "shards", shard_bytes=60_000)
    return tmp_path / "shards"


def ready(root):
    data = ShardsDataModule(root, num_workers=0)
    data.setup()
    return data


def test_the_index_is_kept_and_made_anew_when_the_shard_changes(packed):
    index = next(packed.glob("*.index.parquet"))
    before = ready(packed).items
    index.write_bytes(b"PAR1 nonsense")
    assert ready(packed).items.drop("mtime_ns").equals(before.drop("mtime_ns"))
    assert index.stat().st_size > 100
    shard = packed / index.name.removesuffix(".index.parquet")
    shard.write_bytes(shard.read_bytes()[:-1024])
    with pytest.raises(DataOptionError, match="ends without a tar's end mark"):
        ready(packed)


def test_damaged_bytes_are_unreadable_and_not_scored(packed):
    for shard in packed.glob("*.tar"):
        data = bytearray(shard.read_bytes())
        place = data.find(b"IDAT")
        data[place + 20] ^= 1
        shard.write_bytes(data)
    reasons = [one.reason for batch in ready(packed).test_dataloader() for one in batch.unreadable]
    damaged = "the shard is damaged here: these are not the bytes that were packed"
    assert reasons.count(damaged) == len(list(packed.glob("*.tar")))


def test_a_shard_that_is_missing_is_named(packed):
    (packed / "folder-images-000001.tar").unlink()
    with pytest.raises(DatasetNotFoundError, match=r"lacks 1 shards, the first is folder-images-000001\.tar"):
        ready(packed)


def test_packed_shards_without_their_description_are_refused(packed):
    (packed / "dataset.json").unlink()
    with pytest.raises(DataOptionError, match=r"dataset\.json, which is missing"):
        ready(packed)
