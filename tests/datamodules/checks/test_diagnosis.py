import pytest
from diagnosed_folders import break_each_way, diagnosed, jpeg_bytes

from datamodules import DatasetNotFoundError


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
