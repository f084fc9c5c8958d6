"""The embedded demonstration: photographs against images of two small neural generators that ship with the suite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.base import DetectionDataModule
from datamodules.demo_images import build_demo_images, load_manifest
from datamodules.items import Item

PHOTOGRAPHS = "photographs"


class DemoDataModule(DetectionDataModule):
    """Crops of the photographs in the scikit-image and scikit-learn wheels, and what two generators make of them.

    A demonstration that needs no download, not evidence about modern generators. All crops of a photograph and all
    images made from them are one group.
    """

    name = "demo"
    licence = "see the image packages of scikit-image and scikit-learn"

    def __init__(self, root: str | Path | None = None, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(root or Path(), **options)
        self.cache = Path(root) if root else None

    def prepare_data(self) -> None:
        """Builds the images, once for each user."""
        self.root = build_demo_images(self.cache)

    def list_items(self) -> Iterator[Item]:
        """Yields the images of the manifest."""
        self.prepare_data()
        for entry in load_manifest():
            status = (self.root / entry.path).stat()
            source = entry.generator or PHOTOGRAPHS
            yield Item(entry.path, entry.label, source, entry.group, status.st_size, status.st_mtime_ns)
