"""Datasets of real and generated images as LightningDataModules."""

from datamodules.base import GENERATED, REAL, DetectionDataModule, Item, index_of
from datamodules.batch import Batch, Sample
from datamodules.benchmark import BenchmarkDataModule, Count, Generator, Source
from datamodules.demo import DemoDataModule
from datamodules.errors import DataOptionError, DatasetNotFoundError, ReaderLostError, UnknownDataNameError
from datamodules.files import FilesDataModule, find_files
from datamodules.folder import FolderDataModule
from datamodules.genimage import GenImageDataModule
from datamodules.imagenet import ImageNetDataModule
from datamodules.lsun_bedroom import LSUNBedroomDataModule
from datamodules.reading import UnreadableImageError, decode_image
from datamodules.registry import DATASETS, register_dataset
from datamodules.shards import ShardsDataModule

__all__ = [
    "DATASETS",
    "GENERATED",
    "REAL",
    "Batch",
    "BenchmarkDataModule",
    "Count",
    "DataOptionError",
    "DatasetNotFoundError",
    "DemoDataModule",
    "DetectionDataModule",
    "FilesDataModule",
    "FolderDataModule",
    "GenImageDataModule",
    "Generator",
    "ImageNetDataModule",
    "Item",
    "LSUNBedroomDataModule",
    "ReaderLostError",
    "Sample",
    "ShardsDataModule",
    "Source",
    "UnknownDataNameError",
    "UnreadableImageError",
    "decode_image",
    "find_files",
    "index_of",
    "register_dataset",
]
