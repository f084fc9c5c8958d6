"""The datasets by name; nothing heavy is imported before a class is asked for."""

import importlib
from typing import TYPE_CHECKING, TypeVar

from datamodules.errors import UnknownDataNameError

if TYPE_CHECKING:
    from datamodules.base import DetectionDataModule

DATASETS = {
    "demo": "datamodules.demo:DemoDataModule",
    "folder": "datamodules.folder:FolderDataModule",
    "imagenet": "datamodules.imagenet:ImageNetDataModule",
    "lsun-bedroom": "datamodules.lsun_bedroom:LSUNBedroomDataModule",
    "genimage": "datamodules.genimage:GenImageDataModule",
    "shards": "datamodules.shards:ShardsDataModule",
    "manifest": "datamodules.tables.manifest:ManifestDataModule",
    "parquet": "datamodules.tables.parquet:ParquetDataModule",
    "hf": "datamodules.hub:HubDataModule",
}
"""The module and the class of each dataset of this package."""
DatasetT = TypeVar("DatasetT", bound="type[DetectionDataModule]")
_registered: dict[str, "type[DetectionDataModule]"] = {}


def register_dataset(cls: DatasetT) -> DatasetT:
    """Adds a dataset class under its ``name``, so that ``--dataset`` finds it.

    Args:
        cls: The class; usable as a decorator.

    Returns:
        The class itself.

    Raises:
        ValueError: It has no name, or the name is taken by another class.
    """
    if not cls.name:
        raise ValueError(f"The data set class {cls.__qualname__} states no name.")
    if cls.name in dataset_names():
        raise ValueError(f"The data set name {cls.name!r} is taken by {find_dataset(cls.name).__qualname__}.")
    _registered[cls.name] = cls
    return cls


def dataset_names() -> tuple[str, ...]:
    """Returns the names of all datasets, those of this package first."""
    return (*DATASETS, *_registered)


def find_dataset(name: str) -> "type[DetectionDataModule]":
    """Returns a dataset's class by its name.

    Raises:
        UnknownDataNameError: There is none of that name.
    """
    if name in _registered:
        return _registered[name]
    if name not in DATASETS:
        raise UnknownDataNameError("data set", name, dataset_names())
    module, _, attribute = DATASETS[name].partition(":")
    cls: type[DetectionDataModule] = getattr(importlib.import_module(module), attribute)
    return cls


def list_datasets() -> dict[str, "type[DetectionDataModule]"]:
    """Returns all datasets' classes by name."""
    return {name: find_dataset(name) for name in dataset_names()}
