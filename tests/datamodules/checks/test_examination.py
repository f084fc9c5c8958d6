import os
import signal
import tracemalloc

import fake_benchmarks as fake
import numpy as np
import pytest
from diagnosed_folders import break_each_way, diagnosed, said
from PIL import Image

from datamodules import FolderDataModule, ReaderLostError
from datamodules.checks.diagnosis import check
from datamodules.checks.examination import examine

UNREADABLE = {
    "declares more than 120,000,000 pixels": "bomb",
    "truncated": "cut",
    "not an image": "page",
    "Too many levels of symbolic links": "loop",
    "No such file or directory": "gone",
    "larger than 1,073,741,824 bytes": "vast",
    "empty file": "empty",
    "not a regular file": "pipe",
}


@pytest.mark.parametrize("workers", [0, 2])
def test_every_kind_of_broken_file_is_a_finding_with_its_path(image_folder, workers):
    diagnosis = diagnosed(break_each_way(image_folder), num_workers=workers)
    expected = {("generated sharp", f"1 file cannot be read: {reason}") for reason in UNREADABLE}
    assert said(diagnosis) == expected
    examples = {finding.what.partition(": ")[2]: finding.examples for finding in diagnosis.findings}
    assert examples == {reason: (f"generated/sharp/{name}.png",) for reason, name in UNREADABLE.items()}
    assert not diagnosis.ok


@pytest.mark.usefixtures("permissions_hold")
def test_a_file_that_may_not_be_read_is_a_finding(image_folder):
    (image_folder / "real" / "camera" / "03.png").chmod(0)
    assert said(diagnosed(image_folder)) == {("real camera", "1 file cannot be read: Permission denied")}


class UnforeseenDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path.endswith("05.png"):
            raise MemoryError("no room")
        return super().decode(data, path)


def test_an_error_that_nobody_foresaw_is_a_finding_too(image_folder):
    diagnosis = check(UnforeseenDataModule(image_folder, num_workers=0))
    assert ("real camera", "1 file cannot be read: broken: no room") in said(diagnosis)
    assert len(said(diagnosis)) == 3


class DeadlyDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path == "real/camera/00.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decode(data, path)


def test_a_killed_process_is_told_in_one_line_that_names_where_it_was(image_folder):
    with pytest.raises(ReaderLostError, match=r"was killed while it read real/camera/00\.png, often"):
        check(DeadlyDataModule(image_folder, num_workers=1))


def test_archives_are_examined_image_by_image(tmp_path):
    root = fake.make_imagenet(tmp_path)
    rows = {row.name: row for row in diagnosed(root, "imagenet", limit=100).rows}
    assert (rows["admg"].images, rows["admg"].unreadable) == (5, 0)
    assert rows["admg"].formats == {"raw pixels": 5}
    assert rows["admg"].endings == {".npz": 5}
    assert rows["admg"].sizes == {"256x256": 5}


def test_a_refused_archive_is_a_finding(tmp_path):
    root = fake.make_imagenet(tmp_path)
    archive = root / "admnet_guided_imagenet256.npz"
    np.savez(archive, np.array([object()]))
    reason = "the archive holds a pickle, which is never opened"
    assert ("generated admg", f"1 file cannot be read: {reason}") in said(diagnosed(root, "imagenet", limit=100))


@pytest.mark.heavy
def test_what_is_kept_of_an_image_does_not_grow_with_it(tmp_path):
    folder = tmp_path / "real" / "camera"
    folder.mkdir(parents=True)
    Image.effect_noise((64, 64), 80).save(folder / "0000.png")
    for number in range(1, 2000):
        (folder / f"{number:04d}.png").hardlink_to(folder / "0000.png")
    data = FolderDataModule(tmp_path, num_workers=0)
    data.setup()
    examine(data)
    tracemalloc.start()
    facts = examine(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.estimated_size() < 200 * 2000
    assert peak < 3e6
