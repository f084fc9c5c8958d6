"""Every image of the demo data set as a recipe: which crop of which photograph, and which generator, if any."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

from datamodules.demo_images.manifest import ManifestEntry
from datamodules.demo_images.photographs import PHOTOGRAPHS, RGB, Photograph, load_crops


@dataclass(frozen=True)
class Recipe:
    """How one image is made.

    Args:
        photograph: The photograph.
        crop: Number of the crop.
        generator: Name of the generator, None for the crop itself.
    """

    photograph: Photograph
    crop: int
    generator: str | None

    @property
    def path(self) -> str:
        """Path of the image inside the built folder."""
        folder = f"generated/{self.generator}" if self.generator else f"real/{self.photograph.name}"
        return f"{folder}/{self.photograph.name}-{self.crop:02d}.png"


def list_recipes() -> list[Recipe]:
    """Return the recipes of all images, photograph by photograph."""
    from datamodules.demo_images.generators import GENERATORS  # imports torch, which making images alone needs

    return [
        Recipe(photograph, crop, generator)
        for photograph in PHOTOGRAPHS
        for crop in range(len(_crops(photograph)))
        for generator in (None, *GENERATORS)
    ]


def make_image(recipe: Recipe) -> RGB:
    """Return the image ``(256, 256, 3)``, the same bytes on every machine.

    Args:
        recipe: How it is made.

    Raises:
        PhotographMissingError: If the photograph is not installed.
    """
    from datamodules.demo_images.generators import generate

    crop = _crops(recipe.photograph)[recipe.crop]
    return generate(recipe.generator, recipe.photograph, crop) if recipe.generator else crop


def describe_image(recipe: Recipe, image: RGB) -> ManifestEntry:
    """Return what the manifest says about an image.

    Args:
        recipe: How it was made.
        image: The image ``(256, 256, 3)``.
    """
    return ManifestEntry(
        path=recipe.path,
        label=int(recipe.generator is not None),
        generator=recipe.generator,
        group=recipe.photograph.name,
        sha256=pixel_digest(image),
    )


def pixel_digest(image: RGB) -> str:
    """Return the sha256 of an image's RGB bytes, row by row.

    Args:
        image: The image ``(H, W, 3)``.
    """
    return hashlib.sha256(image.tobytes()).hexdigest()


@functools.lru_cache(maxsize=2)  # images are made photograph by photograph
def _crops(photograph: Photograph) -> list[RGB]:
    return load_crops(photograph)
