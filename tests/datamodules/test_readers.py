import os
import signal
import time

import pytest
import torch
from PIL import Image

from datamodules import FolderDataModule
from datamodules.errors import loss_of
from datamodules.readers import Readers


class DeadlyDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path == "real/camera/05.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decode(data, path)


def test_a_killed_reader_is_told_with_the_image_that_it_was_on(image_folder):
    """All images are one batch, so that nothing is being sent when the reader dies."""
    data = DeadlyDataModule(image_folder, num_workers=1, batch_size=36)
    data.setup()
    with pytest.raises(RuntimeError, match="DataLoader worker") as raised:
        list(data.test_dataloader())
    assert data.lost_images(raised.value) == ["real/camera/05.png"]
    assert loss_of(["real/camera/05.png"]).startswith(
        "A process that reads images was killed while it read real/camera/05.png, often for want of memory"
    )


@pytest.mark.parametrize("closed", [ConnectionResetError(), EOFError()])
def test_of_a_reader_that_died_while_it_sent_the_name_comes_a_moment_later(monkeypatch, closed):
    def interrupted(seconds):
        raise RuntimeError("DataLoader worker (pid 34) is killed by signal: Killed.")

    readers = Readers(1)
    readers._slots[:] = torch.tensor([[34, 7]])
    monkeypatch.setattr(time, "sleep", interrupted)
    assert readers.lost(closed) == [6]
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert readers.lost(closed) == []


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
