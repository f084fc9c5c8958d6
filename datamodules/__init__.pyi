from .base import DetectionData
from .batch import Batch, Sample
from .benchmark import Count, Generator, Source
from .errors import DataOptionError, DatasetNotFoundError, ReaderLostError, UnknownDataNameError
from .files import find_files
from .items import GENERATED, REAL, Item
from .modules import (
    BenchmarkDataModule,
    DemoDataModule,
    DetectionDataModule,
    FilesDataModule,
    FolderDataModule,
    GenImageDataModule,
    ImageNetDataModule,
    LSUNBedroomDataModule,
    ManifestDataModule,
    ParquetDataModule,
    ShardsDataModule,
)
from .reading import UnreadableImageError, decode_image
from .registry import dataset_names, find_dataset, list_datasets, register_dataset

__all__ = [
    "GENERATED",
    "REAL",
    "Batch",
    "BenchmarkDataModule",
    "Count",
    "DataOptionError",
    "DatasetNotFoundError",
    "DemoDataModule",
    "DetectionData",
    "DetectionDataModule",
    "FilesDataModule",
    "FolderDataModule",
    "GenImageDataModule",
    "Generator",
    "ImageNetDataModule",
    "Item",
    "LSUNBedroomDataModule",
    "ManifestDataModule",
    "ParquetDataModule",
    "ReaderLostError",
    "Sample",
    "ShardsDataModule",
    "Source",
    "UnknownDataNameError",
    "UnreadableImageError",
    "dataset_names",
    "decode_image",
    "find_dataset",
    "find_files",
    "list_datasets",
    "register_dataset",
]
