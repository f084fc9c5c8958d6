import os

import numpy as np
import polars as pl
import pytest
from PIL import Image

from bench.scoring.cues import cues_of
from bench.scoring.stored_cues import read_cues
from datamodules import DetectionDataModule, FolderDataModule, Item
from datamodules.keys import sha256_of


def listed(root):
    data = FolderDataModule(root, num_workers=0)
    data.setup()
    return data


@pytest.fixture
def bitmaps(tmp_path):
    """Two bitmaps of one size."""
    for number, name in enumerate(("real/camera", "generated/model")):
        (tmp_path / "images" / name).mkdir(parents=True)
        picture = Image.fromarray(np.full((16, 16, 3), 100 + number, dtype=np.uint8))
        picture.save(tmp_path / "images" / name / "a.bmp")
    return tmp_path / "images"


def test_cues_of_an_image_changed_in_place_are_measured_again_where_its_size_is_the_same(bitmaps, tmp_path):
    before = cues_of(listed(bitmaps), tmp_path)
    file = bitmaps / "real" / "camera" / "a.bmp"
    stat = file.stat()
    Image.new("RGB", (16, 16), (250, 250, 250)).save(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert file.stat().st_size == stat.st_size
    after = cues_of(listed(bitmaps), tmp_path)
    changed = before.join(after, on="path", suffix="_now").filter(pl.col("brightness") != pl.col("brightness_now"))
    assert changed["path"].to_list() == ["real/camera/a.bmp"]


@pytest.mark.parametrize("damage", [b"", b"cues", None])
def test_a_damaged_cache_of_cues_is_made_anew_in_silence(bitmaps, tmp_path, damage, capfd):
    data = listed(bitmaps)
    cues = cues_of(data, tmp_path)
    (file,) = tmp_path.glob("cues/*/clean.parquet")
    file.write_bytes(file.read_bytes()[:-9] if damage is None else damage)
    images = data.items.with_columns(
        sha256=pl.Series([sha256_of(data.read_bytes(path)) for path in data.items["path"]])
    )
    assert read_cues([(tmp_path, data.title)], ["clean"], images) == {}
    assert cues_of(data, tmp_path).equals(cues)
    assert read_cues([(tmp_path, data.title)], ["clean"], images)["clean"].height == 2
    assert capfd.readouterr() == ("", "")


class _Least(DetectionDataModule):
    """A data set that says of its images no more than it must."""

    name = "least"

    def __init__(self, pictures: dict[str, bytes]) -> None:
        super().__init__("", num_workers=0)
        self.pictures = pictures
        self.setup()

    def list_items(self):
        for path in self.pictures:
            yield Item(path, int(path.startswith("sd")), path.partition("/")[0])

    def read_bytes(self, path):
        return self.pictures[path]


class _Raw(_Least):
    """Its images are pixels that only it can decode."""

    def decode(self, data, path):
        return Image.frombytes("RGB", (16, 16), data)


def test_images_of_unknown_size_and_time_have_the_cues_of_the_bytes_that_are_read(bitmaps, tmp_path):
    files = {"camera/a": bitmaps / "real/camera/a.bmp", "sd/a": bitmaps / "generated/model/a.bmp"}
    pictures = {path: file.read_bytes() for path, file in files.items()}
    facts = ("brightness", "bytes_per_pixel", "format", "width", "label")
    known = cues_of(listed(bitmaps), tmp_path).select(facts).sort("label")
    assert cues_of(_Least(pictures), tmp_path).select(facts).sort("label").equals(known)
    assert cues_of(_Least(pictures), tmp_path).select(facts).sort("label").equals(known)  # the cache holds them once
    Image.new("RGB", (16, 16), (250, 250, 250)).save(files["camera/a"])
    now = cues_of(_Least(pictures | {"camera/a": files["camera/a"].read_bytes()}), tmp_path).sort("label")
    assert now["brightness"].to_list() == [250 / 255, known["brightness"][1]]


def test_of_images_that_only_their_data_set_can_decode_nothing_is_known_of_a_file(tmp_path):
    raw = {path: np.full((16, 16, 3), level, np.uint8).tobytes() for path, level in (("camera/a", 9), ("sd/a", 250))}
    cues = cues_of(_Raw(raw), tmp_path)
    assert cues["brightness"].to_list() == [9 / 255, 250 / 255]
    assert cues["width"].to_list() == [16, 16]
    assert not {"bytes_per_pixel", "format", "ending"} & set(cues.columns)
