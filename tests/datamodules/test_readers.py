import os
import signal

import pytest
import torch
from PIL import Image

from datamodules import FolderDataModule
from datamodules.errors import loss_of
from datamodules.readers import CLOSED, Readers


class DeadlyDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path == "real/camera/05.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decode(data, path)


def lost_by(data):
    """Reads all images, which ends when the reader is killed; sometimes while it still sends what it had read."""
    try:
        return list(data.test_dataloader())
    except (RuntimeError, *CLOSED) as error:
        return data.lost_images(error)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket to the one that was killed
@pytest.mark.parametrize("batch_size", [1, 4, 36])
def test_a_killed_reader_is_told_with_the_image_that_it_was_on(image_folder, batch_size):
    data = DeadlyDataModule(image_folder, num_workers=1, batch_size=batch_size)
    data.setup()
    lost = lost_by(data)
    assert lost == ["real/camera/05.png"] or (lost == [] and batch_size < 36)  # a death while it sends may go unnamed
    assert loss_of(["real/camera/05.png"]).startswith(
        "A process that reads images was killed while it read real/camera/05.png, often for want of memory"
    )


def test_of_several_readers_those_count_that_were_killed():
    readers = Readers(3)
    readers._slots[:] = torch.tensor([[12, 5], [34, 7], [56, 0]])  # the last is between two images
    assert readers.lost(RuntimeError("DataLoader worker (pid 34) is killed by signal: Killed.")) == [6]
    assert readers.lost(RuntimeError("DataLoader worker (pid(s) 12, 34, 56) exited unexpectedly")) == [4, 6]


def test_a_reader_that_was_on_no_image_names_none(image_folder):
    data = FolderDataModule(image_folder, num_workers=1)
    data.setup()
    error = RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed.")
    assert data.lost_images(error) == []
    list(data.test_dataloader())
    assert data.lost_images(error) == []
    assert loss_of([]).startswith("A process that reads images was killed, often for want of memory")
