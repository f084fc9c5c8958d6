"""What may happen to the images before they are scored, beside the dataset's own protocol."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from PIL import Image

from datamodules.degradations import CLEAN, DegradationChain
from datamodules.matching import Reencode, Unify
from datamodules.view_spec import ViewSpec


class Condition(Protocol):
    """A degradation, or one side of a matching; see ``datamodules.degradations.DegradationChain``."""

    @property
    def name(self) -> str:
        """What results are filed under."""
        ...

    @property
    def where(self) -> str:
        """``original``: on the file's own pixels; ``protocol``: after the dataset's resize."""
        ...

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Treats an RGB picture."""
        ...


class Picture(NamedTuple):
    """A view of the images under a condition: what one detector is shown.

    Args:
        condition: What was done to the images.
        view: What is cut.
        crop: Which of several random crops; 0 where there is one, and for every other fit.
    """

    condition: str
    view: ViewSpec
    crop: int = 0


@dataclass(frozen=True)
class Reencoded:
    """All images with the same size and codec.

    Args:
        recipe: The size and the codec.
    """

    recipe: Reencode
    where: str = "original"

    @property
    def name(self) -> str:
        """What results are filed under."""
        return f"{self.recipe.name},{self.recipe.side}px"

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Scales, crops and compresses, whatever the class."""
        return self.recipe.apply(image)


@dataclass(frozen=True)
class Unified:
    """The images that the unbiased recipe chose, at one common size.

    Args:
        width: Of the centre that is kept, in pixels.
        height: Of the centre that is kept, in pixels.
        compressed: Keys of the images that are compressed first.
    """

    width: int
    height: int
    compressed: frozenset[int]
    where: str = "original"

    @property
    def name(self) -> str:
        """What results are filed under."""
        return f"unbiased:{self.width}x{self.height}"

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Compresses where the recipe says so, and crops."""
        return Unify(self.width, self.height, key in self.compressed).apply(image)


class HandedOnWhole(ABC):
    """Images whose picture is handed on whole, after the dataset's resize, for a later stage to change and to cut."""

    where: ClassVar[str] = "protocol"

    @property
    @abstractmethod
    def name(self) -> str:
        """What results are filed under."""

    def apply(self, image: Image.Image, key: int, label: int) -> Image.Image:
        """Leaves it as it is."""
        return image


@dataclass(frozen=True)
class WholePicture:
    """The view of a picture that is not cut."""

    size: int = 1
    fit: str = "native"
    pad: str = "zeros"
    interpolation: str = "bilinear"
    scaled: int | None = None
    ragged: bool = True


WHOLE = WholePicture()
CLEAN_IMAGES = DegradationChain()

__all__ = ["CLEAN", "CLEAN_IMAGES", "WHOLE", "Condition", "HandedOnWhole", "Picture", "Reencoded", "Unified"]
