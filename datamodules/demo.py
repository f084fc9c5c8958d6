"""The embedded demonstration: photographs against images of two small neural generators that ship with the suite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.base import DetectionData
from datamodules.demo_images import build_demo_images, load_manifest
from datamodules.items import Item

PHOTOGRAPHS = "photographs"


class DemoData(DetectionData):
    """Crops of the photographs in the scikit-image and scikit-learn wheels, and what two generators make of them.

    A demonstration that needs no download, not evidence about modern generators. All crops of a photograph and all
    images made from them are one group.
    """

    name = "demo"
    licence = "see the image packages of scikit-image and scikit-learn"
    citations = (
        {
            "key": "vanderwalt2014scikit",
            "author": r"van der Walt, St{\'e}fan and Sch{\"o}nberger, Johannes L. and Nunez-Iglesias, Juan and "
            r"Boulogne, Fran{\c{c}}ois and Warner, Joshua D. and Yager, Neil and Gouillart, Emmanuelle and Yu, Tony",
            "title": "scikit-image: image processing in Python",
            "journal": "PeerJ",
            "volume": "2",
            "pages": "e453",
            "year": "2014",
        },
        {
            "key": "pedregosa2011scikit",
            "author": "Pedregosa, F. and Varoquaux, G. and Gramfort, A. and Michel, V. and Thirion, B. and Grisel, O. "
            "and Blondel, M. and Prettenhofer, P. and Weiss, R. and Dubourg, V. and Vanderplas, J. and Passos, A. and "
            "Cournapeau, D. and Brucher, M. and Perrot, M. and Duchesnay, E.",
            "title": "Scikit-learn: Machine Learning in Python",
            "journal": "Journal of Machine Learning Research",
            "volume": "12",
            "pages": "2825--2830",
            "year": "2011",
        },
    )

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
