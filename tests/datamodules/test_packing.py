import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamodules import DataOptionError, DatasetNotFoundError, FolderDataModule, ShardsDataModule
from datamodules.packing import pack

SMALL = 60_000
"""Bytes of a shard: a few of the fixture's images."""
COUNT = 36


def pack_folder(root, output, shard_bytes=SMALL, progress=None, **options):
    return pack(FolderDataModule(root, num_workers=0, **options), output, shard_bytes, progress)


def contents(output) -> dict[str, bytes]:
    """Every file but the indices, which hold times."""
    return {file.name: file.read_bytes() for file in output.iterdir() if not file.name.endswith(".index.parquet")}


class KilledError(Exception):
    pass


def kill_after(number):
    def progress(done, total):
        if done >= number:
            raise KilledError

    return progress


def test_the_same_images_give_the_same_files(image_folder, tmp_path):
    copy = tmp_path / "elsewhere" / "images"
    subprocess.run(["cp", "-r", image_folder, copy.parent.mkdir() or copy], check=True)
    first = pack_folder(image_folder, tmp_path / "one")
    pack_folder(copy, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert [shard.name for shard in first.shards] == [f"folder-images-{n:06d}.tar" for n in range(len(first.shards))]
    assert (first.images, first.kept, first.left_out) == (COUNT, 0, {})
    assert max(shard.stat().st_size for shard in first.shards) <= SMALL


@pytest.mark.parametrize("number", [0, 1, 8, 20, COUNT])
def test_a_pack_that_was_stopped_goes_on_to_the_same_files(image_folder, tmp_path, number):
    whole, output = pack_folder(image_folder, tmp_path / "whole"), tmp_path / "stopped"
    with pytest.raises(KilledError):
        pack_folder(image_folder, output, progress=kill_after(number))
    expected = contents(tmp_path / "whole")
    stopped = contents(output)
    assert all(stopped[name] == expected[name] for name in stopped if name != "dataset.json")  # none is half
    with pytest.raises(DatasetNotFoundError, match="did not come to its end"):
        ShardsDataModule(output).setup()
    times = {file: file.stat().st_mtime_ns for file in output.glob("*.tar")}
    result = pack_folder(image_folder, output)
    assert contents(output) == expected
    assert result.kept == len(times)
    assert {file: file.stat().st_mtime_ns for file in times} == times
    assert (result.images, len(result.shards)) == (whole.images, len(whole.shards))


@pytest.mark.heavy
def test_a_killed_process_leaves_no_half_shard(image_folder, tmp_path):
    output = tmp_path / "killed"
    program = f"""
import time
from pathlib import Path
from datamodules import FolderDataModule
from datamodules.packing import pack
pack(FolderDataModule({str(image_folder)!r}), Path({str(output)!r}), {SMALL}, lambda done, total: time.sleep(0.2))
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        until = time.monotonic() + 120
        while not (output / ".folder-images-000001.tar.partial").exists() and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(DataOptionError, match="Another run is writing"):
            pack_folder(image_folder, output)
    finally:
        process.kill()
        process.wait()
    assert pack_folder(image_folder, output).kept >= 1
    pack_folder(image_folder, tmp_path / "whole")
    assert contents(output) == contents(tmp_path / "whole")


def test_broken_files_are_packed_and_those_that_cannot_be_opened_are_told(image_folder, tmp_path):
    (image_folder / "real" / "camera" / "00.png").write_bytes(b"")
    (image_folder / "generated" / "sharp" / "gone.png").symlink_to("nowhere")
    for _ in ("first", "again"):
        result = pack_folder(image_folder, tmp_path / "shards")
        assert result.left_out == {"generated/sharp/gone.png": "No such file or directory"}
        assert result.images == COUNT
    assert result.kept == len(result.shards)
    data = ShardsDataModule(tmp_path / "shards", num_workers=0)
    data.setup()
    lost = [(one.path, one.reason) for batch in data.test_dataloader() for one in batch.unreadable]
    assert lost == [("real/camera/00.png", "empty file")]
    assert data.notes == ("Images that could not be opened when the shards were packed: 1.",)


@pytest.mark.parametrize("change", ["another-size", "newer", "gone", "found", "more", "broken-shard"])
def test_whole_shards_that_no_longer_fit_are_written_anew(image_folder, tmp_path, change, photograph):
    output, sharp = tmp_path / "shards", image_folder / "generated" / "sharp"
    (sharp / "06b.png").symlink_to("later")
    pack_folder(image_folder, output)
    if change == "another-size":
        photograph(999, (90, 90)).save(sharp / "05.png")
    elif change == "newer":
        data = (sharp / "05.png").read_bytes()
        (sharp / "05.png").write_bytes(data[:-30] + bytes(30))
        os.utime(sharp / "05.png", ns=(time.time_ns() + 10**9,) * 2)
    elif change == "gone":
        (sharp / "05.png").unlink()
    elif change == "found":
        photograph(998).save(sharp / "later", "PNG")
    elif change == "more":
        photograph(997, (20, 20)).save(image_folder / "real" / "camera" / "zz.png")
    else:
        shard = output / "folder-images-000002.tar"
        shard.write_bytes(shard.read_bytes()[:-700])
    result = pack_folder(image_folder, output)
    assert 0 < result.kept < len(result.shards)
    pack_folder(image_folder, tmp_path / "anew")
    assert contents(output) == contents(tmp_path / "anew")


def test_fewer_images_leave_no_shard_of_the_earlier_pack(image_folder, tmp_path):
    pack_folder(image_folder, tmp_path / "shards")
    pack_folder(image_folder, tmp_path / "shards", limit=2)
    pack_folder(image_folder, tmp_path / "anew", limit=2)
    assert contents(tmp_path / "shards") == contents(tmp_path / "anew")


def test_an_image_larger_than_a_shard_gets_its_own(image_folder, tmp_path):
    assert len(pack_folder(image_folder, tmp_path / "shards", shard_bytes=1).shards) == COUNT


def test_the_description_says_what_is_in_the_shards(image_folder, tmp_path):
    result = pack_folder(image_folder, tmp_path / "shards")
    facts = json.loads((tmp_path / "shards" / "dataset.json").read_text())
    assert (facts["dataset"], facts["title"]) == ("folder", "folder:images")
    assert facts["contrasts"] == {"blurry": ["camera"], "sharp": ["camera"]}
    assert list(facts["shards"]) == [shard.name for shard in result.shards]
    assert sum(facts["shards"].values()) == COUNT


def test_a_folder_with_other_shards_is_left_alone(image_folder, tmp_path):
    pack_folder(image_folder, tmp_path / "shards")
    with pytest.raises(DataOptionError, match=r"shard_bytes is 60000, now 1; give another --output"):
        pack_folder(image_folder, tmp_path / "shards", shard_bytes=1)
    with pytest.raises(DataOptionError, match="holds shards already"):
        pack(ShardsDataModule(tmp_path / "shards"), tmp_path / "again")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.tar").touch()
    with pytest.raises(DataOptionError, match=r"holds \.tar files of something else"):
        pack_folder(image_folder, tmp_path / "other")
    with pytest.raises(DataOptionError, match="--shard-bytes must be at least 1, got 0"):
        pack_folder(image_folder, tmp_path / "none", shard_bytes=0)


def test_a_dataset_of_which_nothing_can_be_opened_is_an_error(tmp_path):
    (tmp_path / "images" / "real").mkdir(parents=True)
    (tmp_path / "images" / "real" / "gone.png").symlink_to("nowhere")
    with pytest.raises(DatasetNotFoundError, match=r"Not one image .* real/gone\.png: No such file"):
        pack_folder(tmp_path / "images", tmp_path / "shards")
