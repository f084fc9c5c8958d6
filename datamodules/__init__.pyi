from .base import DetectionDataModule
from .batch import Batch, Sample
from .benchmark import BenchmarkDataModule, Count, Generator, Source
from .demo import DemoDataModule
from .errors import DataOptionError, DatasetNotFoundError, ReaderLostError, UnknownDataNameError
from .files import FilesDataModule, find_files
from .folder import FolderDataModule
from .genimage import GenImageDataModule
from .imagenet import ImageNetDataModule
from .items import GENERATED, REAL, Item
from .lsun_bedroom import LSUNBedroomDataModule
from .reading import UnreadableImageError, decode_image
from .registry import dataset_names, find_dataset, list_datasets, register_dataset
from .shards import ShardsDataModule
from .tables.manifest import ManifestDataModule
from .tables.parquet import ParquetDataModule

__all__ = [
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
