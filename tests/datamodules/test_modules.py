"""Every dataset is a LightningDataModule to whoever asks for it, and needs no Lightning to list and read images."""

import pickle
import subprocess
import sys

import lightning as L
import pytest

from datamodules import DetectionDataModule, FolderDataModule
from datamodules.folder import FolderData
from datamodules.modules import lightning_of
from datamodules.registry import DATASETS, find_data, find_dataset


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_a_lightning_datamodule_of_the_same_code(name):
    cls, plain = find_dataset(name), find_data(name)
    assert issubclass(cls, L.LightningDataModule)
    assert issubclass(cls, DetectionDataModule)
    assert issubclass(cls, plain)
    assert not issubclass(plain, L.LightningDataModule)
    assert cls.name == plain.name == name


def test_other_processes_get_no_trainer(image_folder):
    data = FolderDataModule(image_folder, num_workers=0)
    data.setup()
    data.trainer = L.Trainer(accelerator="cpu", devices=1, logger=False, enable_checkpointing=False)
    sent = pickle.loads(pickle.dumps(data))
    assert sent.trainer is None
    assert sent.items.equals(data.items)


class Counting(L.LightningModule):
    """Counts images."""

    def test_step(self, batch, index):
        self.log("images", float(len(batch)), batch_size=1, reduce_fx="sum", on_epoch=True)


@pytest.mark.parametrize("made", [FolderDataModule, lambda *words, **more: lightning_of(FolderData(*words, **more))])
@pytest.mark.filterwarnings("ignore:.*LeafSpec")  # Lightning's own
def test_lightning_reads_a_dataset(image_folder, made):
    data = made(image_folder, num_workers=0)
    items = getattr(data, "data", data)
    items.setup()
    trainer = L.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_progress_bar=False, enable_model_summary=False
    )
    logged = trainer.test(Counting(), datamodule=data, verbose=False)
    assert logged[0]["images"] == len(items.items) > 0


def test_images_are_listed_and_read_without_lightning(image_folder):
    program = f"""
import sys
from datamodules.registry import find_data
data = find_data("folder")({str(image_folder)!r}, num_workers=0)
data.setup()
print(sum(len(batch) for batch in data.test_dataloader()) == len(data.items), "lightning" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "False"]
