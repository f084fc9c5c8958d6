"""A dataset of your own, in one file: where its images lie and what they are.

    python -m bench compare --plugin examples/own_dataset.py --dataset my-data --data-root DIR --detectors rigid

``DIR`` holds folders of images: ``camera`` and ``scanner`` with photographs, all others named after a generator.
"""

from collections.abc import Iterator

from datamodules import GENERATED, REAL, DatasetNotFoundError, DetectionDataModule, Item, register_dataset
from datamodules.listing import list_files

REAL_FOLDERS = ("camera", "scanner")


@register_dataset
class MyData(DetectionDataModule):
    """Photographs of two devices, and generated images."""

    name = "my-data"
    licence = "ours"

    def list_items(self) -> Iterator[Item]:
        """Yields the images, in the order of their names."""
        if not self.root.is_dir():
            raise DatasetNotFoundError(f"There is no folder {self.root}. Give the folder with --data-root DIR.")
        for path, size, changed in list_files(self.root, self.ignored):
            source = path.split("/")[0]
            label = REAL if source in REAL_FOLDERS else GENERATED
            group = path.rsplit("/", 1)[-1].split("_")[0]  # 0007_a.png and 0007_b.png share a prompt
            yield Item(path, label, source, group, size, changed)
