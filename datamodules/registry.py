"""The datasets by name; nothing heavy is imported before a class is asked for."""

import importlib
from typing import TYPE_CHECKING, TypeVar, cast

from datamodules.errors import UnknownDataNameError

if TYPE_CHECKING:
    from datamodules.base import DetectionData
    from datamodules.modules import DetectionDataModule

DATASETS = {
    "demo": "datamodules.demo:DemoData",
    "folder": "datamodules.folder:FolderData",
    "imagenet": "datamodules.imagenet:ImageNetData",
    "lsun-bedroom": "datamodules.lsun_bedroom:LSUNBedroomData",
    "genimage": "datamodules.genimage:GenImageData",
    "shards": "datamodules.shards:ShardsData",
    "manifest": "datamodules.tables.manifest:ManifestData",
    "parquet": "datamodules.tables.parquet:ParquetData",
    "hf": "datamodules.hub:HubData",
}
"""The module and the class of each dataset of this package."""
DatasetT = TypeVar("DatasetT", bound="type[DetectionData]")
_registered: dict[str, "type[DetectionData]"] = {}


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


def find_data(name: str) -> "type[DetectionData]":
    """Returns a dataset's class by its name, of those of this package the one without Lightning.

    Raises:
        UnknownDataNameError: There is none of that name.
    """
    if name in _registered:
        return _registered[name]
    if name not in DATASETS:
        raise UnknownDataNameError("data set", name, dataset_names())
    module, _, attribute = DATASETS[name].partition(":")
    cls: type[DetectionData] = getattr(importlib.import_module(module), attribute)
    return cls


def find_dataset(name: str) -> "type[DetectionDataModule]":
    """Returns a dataset's class by its name, as a LightningDataModule.

    Raises:
        UnknownDataNameError: There is none of that name.
    """
    if name in _registered:
        return cast("type[DetectionDataModule]", _registered[name])
    cls = find_data(name)
    module: type[DetectionDataModule] = getattr(importlib.import_module("datamodules.modules"), f"{cls.__name__}Module")
    return module


def list_datasets() -> dict[str, "type[DetectionDataModule]"]:
    """Returns all datasets' classes by name."""
    return {name: find_dataset(name) for name in dataset_names()}
