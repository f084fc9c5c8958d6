"""Every dataset as a LightningDataModule: the dataset's own class, and what Lightning adds.

The classes of the datasets themselves need no Lightning, which takes a second to import.
"""

# mypy: disable-error-code="misc"
# Lightning says of `name` that it may be None.

from typing import Any

import lightning as L
from torch.utils.data import DataLoader

from datamodules.base import DetectionData
from datamodules.batch import Sample
from datamodules.benchmark import BenchmarkData
from datamodules.demo import DemoData
from datamodules.files import FilesData
from datamodules.folder import FolderData
from datamodules.genimage import GenImageData
from datamodules.hub import HubData
from datamodules.imagenet import ImageNetData
from datamodules.lsun_bedroom import LSUNBedroomData
from datamodules.shards import ShardsData
from datamodules.tables.manifest import ManifestData
from datamodules.tables.parquet import ParquetData


class DetectionDataModule(DetectionData, L.LightningDataModule):
    """Images of one dataset, real and generated, as Lightning's trainers take them; all else as in `DetectionData`."""

    def __getstate__(self) -> dict[str, Any]:
        """Leaves the trainer, and with it the networks, out of what is sent to other processes."""
        return {**super().__getstate__(), "trainer": None}

    def test_dataloader(self) -> DataLoader[Sample]:
        """Reads the batches that were asked for, or all images in order."""
        self.pin_memory = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        return super().test_dataloader()


class FolderDataModule(FolderData, DetectionDataModule):
    """Images of `datamodules.folder.FolderData`."""


class FilesDataModule(FilesData, DetectionDataModule):
    """Images of `datamodules.files.FilesData`."""


class DemoDataModule(DemoData, DetectionDataModule):
    """Images of `datamodules.demo.DemoData`."""


class ShardsDataModule(ShardsData, DetectionDataModule):
    """Images of `datamodules.shards.ShardsData`."""


class BenchmarkDataModule(BenchmarkData, DetectionDataModule):
    """Images of `datamodules.benchmark.BenchmarkData`."""


class GenImageDataModule(GenImageData, BenchmarkDataModule):
    """Images of `datamodules.genimage.GenImageData`."""


class ImageNetDataModule(ImageNetData, BenchmarkDataModule):
    """Images of `datamodules.imagenet.ImageNetData`."""


class LSUNBedroomDataModule(LSUNBedroomData, BenchmarkDataModule):
    """Images of `datamodules.lsun_bedroom.LSUNBedroomData`."""


class ManifestDataModule(ManifestData, DetectionDataModule):
    """Images of `datamodules.tables.manifest.ManifestData`."""


class ParquetDataModule(ParquetData, DetectionDataModule):
    """Images of `datamodules.tables.parquet.ParquetData`."""


class HubDataModule(HubData, ParquetDataModule):
    """Images of `datamodules.hub.HubData`."""


class Handed(L.LightningDataModule):
    """A dataset that was listed without Lightning, handed to one of its trainers.

    Args:
        data: The dataset; what is set on it later holds here, too.
    """

    def __init__(self, data: DetectionData) -> None:
        super().__init__()
        self.data = data

    def test_dataloader(self) -> DataLoader[Sample]:
        """Reads the batches that were asked for, or all images in order."""
        assert self.trainer is not None
        self.data.pin_memory = self.trainer.strategy.root_device.type == "cuda"
        return self.data.test_dataloader()


def lightning_of(data: DetectionData) -> L.LightningDataModule:
    """Returns a dataset as Lightning's trainers take it: itself where it is a LightningDataModule."""
    return data if isinstance(data, L.LightningDataModule) else Handed(data)
