import shutil

import pytest
from diagnosed_folders import break_each_way, diagnosed, jpeg_bytes, said
from PIL import Image
from tree_forms import zipped

from datamodules import DatasetNotFoundError, DetectionDataModule, Item
from datamodules.checks.diagnosis import check


def test_broken_files_are_counted_and_the_others_described(image_folder):
    rows = {row.name: row for row in diagnosed(break_each_way(image_folder)).rows}
    assert [(row.label, row.name) for row in rows.values()] == [(0, "camera"), (1, "blurry"), (1, "sharp")]
    assert (rows["sharp"].images, rows["sharp"].unreadable) == (20, 8)
    assert (rows["blurry"].images, rows["blurry"].unreadable) == (12, 0)
    assert rows["sharp"].formats == {"PNG": 12}
    assert rows["sharp"].sizes == {"80x64": 12}
    assert rows["sharp"].jpeg_quality is None


def test_a_folder_without_faults_is_well(image_folder):
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert diagnosis.findings == ()


def test_the_identity_is_that_of_bytes_and_labels_however_the_images_are_held(image_folder, tmp_path):
    identity = diagnosed(image_folder).identity
    assert len(identity) == 64
    assert diagnosed(zipped(image_folder, tmp_path / "other.zip")).identity == identity
    (image_folder / "real").rename(image_folder / "0_real")
    (image_folder / "generated").rename(image_folder / "1_fake")
    assert diagnosed(image_folder).identity == identity
    assert diagnosed(image_folder, limit=3).identity is None
    (image_folder / "0_real/camera/00.png").write_bytes(b"no image")
    changed = diagnosed(image_folder).identity
    assert changed not in (None, identity)
    (image_folder / "0_real/camera/00.png").unlink()
    (image_folder / "0_real/camera/00.png").symlink_to("nowhere")
    assert diagnosed(image_folder).identity not in (None, identity, changed)


def test_one_picture_in_both_classes_is_wrong_where_the_labels_lie_in_folders_of_any_name(image_folder):
    (image_folder / "1_fake").mkdir()
    shutil.copyfile(image_folder / "real/camera/00.png", image_folder / "1_fake/x.png")
    shutil.rmtree(image_folder / "generated")
    assert ("real camera, generated unnamed", "1 generated image the same, byte for byte, as a real one") in said(
        diagnosed(image_folder)
    )


class _Sealed(DetectionDataModule):
    """Images without endings, sizes and times, which only their data set can decode."""

    name = "sealed"

    def list_items(self):
        yield Item("one row", 0, "camera")
        yield Item("rows/2.parquet#7", 1, "sd")

    def read_bytes(self, path):
        return bytes([len(path)]) * 300

    def decode(self, data, path):
        return Image.frombytes("RGB", (10, 10), data)


def test_images_that_are_no_files_are_no_lies_and_have_an_identity():
    diagnosis = check(_Sealed("", num_workers=0))
    assert diagnosis.findings == ()
    assert [(row.unreadable, row.formats, row.sizes) for row in diagnosis.rows] == [(0, {None: 1}, {"10x10": 1})] * 2
    assert diagnosis.identity is not None


@pytest.mark.heavy
def test_the_demo_is_well():
    diagnosis = diagnosed(None, "demo")
    assert diagnosis.ok
    assert [(row.name, row.images, row.sizes) for row in diagnosis.rows] == [
        (name, 134, {"256x256": 134}) for name in ("photographs", "autoencoder", "upsampler")
    ]


def test_sizes_endings_and_jpeg_qualities_are_described(tmp_path, photograph):
    folder = tmp_path / "real" / "camera"
    folder.mkdir(parents=True)
    for number, (size, quality) in enumerate([((80, 64), 75), ((90, 60), 90), ((80, 64), 95), ((40, 100), 95)]):
        name = f"{number}.{'JPG' if number == 3 else 'jpeg'}"
        (folder / name).write_bytes(jpeg_bytes(photograph(number, size), quality))
    (row,) = diagnosed(tmp_path).rows
    assert row.sizes == {"80x64": 2, "40x100": 1, "90x60": 1}
    assert (row.width, row.height) == ((40, 80, 90), (60, 64, 100))
    assert row.jpeg_quality == (75, 92.5, 95)
    assert row.endings == {".jpeg": 3, ".JPG": 1}


def test_a_missing_root_is_a_users_mistake(tmp_path):
    with pytest.raises(DatasetNotFoundError):
        diagnosed(tmp_path / "nowhere")
