"""What a view must say, and the scaling before one is cut."""

from typing import Protocol

from PIL import Image

from datamodules.reading import UnreadableImageError, may_become


class ViewSpec(Protocol):
    """What a view must say: see ``detectors.View``."""

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def fit(self) -> str: ...  # noqa: D102
    @property
    def pad(self) -> str: ...  # noqa: D102
    @property
    def interpolation(self) -> str: ...  # noqa: D102
    @property
    def scaled(self) -> int | None: ...  # noqa: D102
    @property
    def ragged(self) -> bool: ...  # noqa: D102


def resize_short_side(image: Image.Image, side: int) -> Image.Image:
    """Scales an image so that its short side has the given length, keeping the aspect (bilinear, antialiased).

    Raises:
        UnreadableImageError: The result would be larger than any image that is read, as for a strip of 1 x 100,000.
    """
    width, height = image.size
    factor = side / min(width, height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if not may_become(*size, image):
        raise UnreadableImageError(f"{width} x {height} is too narrow to be scaled to a short side of {side}")
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
