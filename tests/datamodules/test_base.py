import hashlib
import os
import pickle

import pytest
import torch
from PIL import Image

from datamodules import FolderDataModule
from datamodules.conditions import Picture
from datamodules.image_dataset import ImageDataset
from datamodules.readers import Readers
from detectors import View

CROP, SQUARE = View(32, "random-crop"), View(24, "resize")


def batches_of(root, **options):
    data = FolderDataModule(root, num_workers=0, **options)
    data.setup()
    data.views = (CROP, SQUARE, View(fit="native"))
    return list(data.test_dataloader()), data


def test_a_batch_holds_every_view_and_where_it_came_from(image_folder):
    (batch, *_), data = batches_of(image_folder, batch_size=16)
    assert batch.views[Picture("clean", CROP)].shape == (16, 3, 32, 32)
    assert batch.views[Picture("clean", SQUARE)].shape == (16, 3, 24, 24)
    assert [tuple(one.shape) for one in batch.views[Picture("clean", View(fit="native"))]] == [(3, 256, 320)] * 16
    first = (image_folder / batch.path[0]).read_bytes()
    assert batch.sha256[0] == hashlib.sha256(first).hexdigest()
    assert batch.key[0] == int(batch.sha256[0][:16], 16) >> 1
    assert batch.path == data.items["path"][batch.index.tolist()].to_list()
    assert batch.label.tolist() == [1] * 16


def test_pixels_are_in_the_unit_interval_on_the_device(image_folder):
    batch = batches_of(image_folder)[0][0].to("cpu")
    pixels = batch.views[Picture("clean", CROP)]
    assert pixels.dtype == torch.float32
    assert 0 <= pixels.min() < pixels.max() <= 1


def test_every_image_comes_once_and_unreadable_ones_are_told(image_folder):
    (image_folder / "real" / "camera" / "empty.png").touch()
    (image_folder / "real" / "camera" / "gone.png").symlink_to("nowhere.png")
    batches, data = batches_of(image_folder, batch_size=7)
    read = [path for batch in batches for path in batch.path]
    lost = {sample.path: sample.reason for batch in batches for sample in batch.unreadable}
    assert sorted([*read, *lost]) == data.items["path"].to_list()
    assert lost == {"real/camera/empty.png": "empty file", "real/camera/gone.png": "No such file or directory"}


def test_views_do_not_depend_on_the_workers(image_folder):
    data = FolderDataModule(image_folder, num_workers=2, batch_size=5)
    data.setup()
    data.views = (CROP,)
    alone, _ = batches_of(image_folder, batch_size=36)
    together = torch.cat([batch.views[Picture("clean", CROP)] for batch in data.test_dataloader()])
    assert torch.equal(together, alone[0].views[Picture("clean", CROP)])


def test_resize_none_keeps_the_native_scale(image_folder):
    (batch, *_), _ = batches_of(image_folder, resize=None)
    assert batch.views[Picture("clean", View(fit="native"))][0].shape == (3, 64, 80)


@pytest.mark.parametrize("options", [{"resize": None}, {"crop_seed": 1}])
def test_protocol_names_what_changes_the_pixels(image_folder, options):
    assert FolderDataModule(image_folder, **options).protocol != FolderDataModule(image_folder).protocol


def test_a_pipe_and_an_enormous_file_are_unreadable_and_never_opened(image_folder):
    os.mkfifo(image_folder / "real" / "camera" / "pipe.png")
    with (image_folder / "real" / "camera" / "sparse.png").open("wb") as file:
        file.truncate(2**30 + 1)
    batches, _ = batches_of(image_folder)
    lost = {sample.path: sample.reason for batch in batches for sample in batch.unreadable}
    assert lost == {
        "real/camera/pipe.png": "not a regular file",
        "real/camera/sparse.png": "larger than 1,073,741,824 bytes",
    }


def test_what_reads_images_can_be_sent_to_a_process_without_the_trainer(image_folder):
    data = FolderDataModule(image_folder)
    data.setup()
    data.trainer = lambda: None  # cannot be pickled, like a trainer with networks
    dataset = pickle.loads(pickle.dumps(ImageDataset(data, Readers(2))))
    assert dataset[0].path == data.items["path"][0]
    assert data.trainer is not None


def test_images_of_more_pixels_than_asked_for_are_not_decoded(image_folder):
    Image.new("RGB", (100, 80)).save(image_folder / "real" / "camera" / "00.png")
    lost = []
    for limit in (8000, 7999):
        data = FolderDataModule(image_folder, max_pixels=limit, num_workers=1, batch_size=64)
        data.setup()
        (batch,) = data.test_dataloader()
        lost.append([(sample.path, sample.reason) for sample in batch.unreadable])
        assert data.protocol == FolderDataModule(image_folder).protocol
    assert lost == [[], [("real/camera/00.png", "declares more than 7,999 pixels")]]


class BreakingDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        raise MemoryError


@pytest.mark.parametrize("workers", [0, 1])
def test_whatever_a_dataset_decoder_raises_is_an_unreadable_image(image_folder, workers):
    data = BreakingDataModule(image_folder, num_workers=workers, batch_size=64)
    data.setup()
    (batch,) = data.test_dataloader()
    assert {sample.reason for sample in batch.unreadable} == {"broken: MemoryError"}
    assert len(batch.unreadable) == 36
