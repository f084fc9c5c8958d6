"""The datasets by name."""

from typing import TypeVar

from datamodules.base import DetectionDataModule
from datamodules.demo import DemoDataModule
from datamodules.folder import FolderDataModule
from datamodules.genimage import GenImageDataModule
from datamodules.imagenet import ImageNetDataModule
from datamodules.lsun_bedroom import LSUNBedroomDataModule
from datamodules.shards import ShardsDataModule

DATASETS: dict[str, type[DetectionDataModule]] = {
    cls.name: cls
    for cls in (
        DemoDataModule,
        FolderDataModule,
        ImageNetDataModule,
        LSUNBedroomDataModule,
        GenImageDataModule,
        ShardsDataModule,
    )
}
DatasetT = TypeVar("DatasetT", bound=type[DetectionDataModule])


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
        raise ValueError(f"The dataset class {cls.__qualname__} states no name.")
    if cls.name in DATASETS:
        raise ValueError(f"The dataset name {cls.name!r} is taken by {DATASETS[cls.name].__qualname__}.")
    DATASETS[cls.name] = cls
    return cls
