"""What every degradation is: a step from 8-bit RGB to 8-bit RGB, with a text that it is written as."""

import hashlib
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from PIL import Image

from datamodules.reading import UnreadableImageError, may_become

BOTH = frozenset({0, 1})
"""The labels of real and of generated images."""
BILINEAR = Image.Resampling.BILINEAR


class Axis(NamedTuple):
    """What the level of a degradation measures.

    Args:
        title: In words, with its unit.
        untouched: The level that leaves an image as it is; None where there is none.
        falling: Whether a lower level is a stronger degradation.
    """

    title: str
    untouched: float | None = None
    falling: bool = False


class Degradation(ABC):
    """One step of a chain, with one amount by which its levels are compared.

    Attributes:
        name: As it is written before the colon.
        axis: What its level measures; None where it has no level, so that it is no point of a curve.
        classes: The labels of the images that it is for, whatever the chain says.
    """

    name: str
    axis: Axis | None = None
    classes: frozenset[int] = BOTH

    @property
    def level(self) -> float | None:
        """Where it is on its axis."""
        return None

    @property
    def amount(self) -> str:
        """The canonical text behind the colon; empty for a step without an amount."""
        return "" if self.level is None else repr(self.level).removesuffix(".0")

    @property
    def options(self) -> str:
        """The canonical text of what is not default, each option after a comma."""
        return ""

    @property
    def text(self) -> str:
        """The canonical text."""
        return f"{self.name}:{self.amount}{self.options}" if self.amount else f"{self.name}{self.options}"

    @property
    def kind(self) -> str:
        """What its levels share: the text without the amount."""
        return f"{self.name}{self.options}"

    @property
    def draws(self) -> int:
        """How many times it draws at random, so that the draws of one chain differ."""
        return 0

    def prepare(self) -> None:  # noqa: B027 - most steps need nothing
        """Looks, before any image is read, whether what it needs is there.

        Raises:
            DataOptionError: A library is missing.
        """

    @abstractmethod
    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:
        """Degrades an RGB picture; ``key`` and ``draw`` seed what is random."""


def stream(name: str, key: int, draw: int) -> np.random.Generator:
    """Returns the random numbers of a step: of an image, and of its number among the draws of a chain."""
    digest = hashlib.blake2b(f"{name}\x1f{draw}\x1f{key}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest))


def resized(image: Image.Image, width: int, height: int, text: str) -> Image.Image:
    """Scales a picture (bilinear, antialiased); one that has the size already stays as it is.

    Raises:
        UnreadableImageError: The result would be too large for a picture; the step's text is named.
    """
    check_room(image, width, height, text)
    return image if (width, height) == image.size else image.resize((width, height), BILINEAR)


def check_room(image: Image.Image, width: int, height: int, text: str) -> None:
    """Refuses a size that a picture may not become.

    Raises:
        UnreadableImageError: It would be too large; the step's text is named.
    """
    if not may_become(width, height, image):
        raise UnreadableImageError(f"{image.width} x {image.height} is too large for {text}")
