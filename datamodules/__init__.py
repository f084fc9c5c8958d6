"""Datasets of real and generated images as LightningDataModules."""

from datamodules.base import GENERATED, REAL, DetectionDataModule, Item, index_of
from datamodules.batch import Batch, Sample
from datamodules.demo import DemoDataModule
from datamodules.errors import DataOptionError, DatasetNotFoundError, UnknownDataNameError
from datamodules.folder import FolderDataModule
from datamodules.reading import UnreadableImageError, decode_image

DATASETS: dict[str, type[DetectionDataModule]] = {cls.name: cls for cls in (DemoDataModule, FolderDataModule)}

__all__ = [
    "DATASETS",
    "GENERATED",
    "REAL",
    "Batch",
    "DataOptionError",
    "DatasetNotFoundError",
    "DemoDataModule",
    "DetectionDataModule",
    "FolderDataModule",
    "Item",
    "Sample",
    "UnknownDataNameError",
    "UnreadableImageError",
    "decode_image",
    "index_of",
]
