"""Changes of size: scaling, cutting, and bars."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from datamodules.degradations.steps.base import BILINEAR, Axis, Degradation, check_room, resized, stream

COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255)}
"""Of bars; the first is the default."""
SCREEN_SCALES = (0.8, 1.25)
"""Between which a screenshot's scale is drawn, evenly."""
SCREEN_CUT = 0.02
"""The largest share of a side that a screenshot loses at each end."""


@dataclass(frozen=True)
class Resize(Degradation):
    """A change of size by a factor, or to a short side in pixels; one of the two is None."""

    factor: float | None
    side: int | None
    back: bool
    name = "resize"

    @property
    def axis(self) -> Axis:  # type: ignore[override] # noqa: D102 - the base documents it, here and below
        in_pixels = self.factor is None
        return Axis("short side in pixels", falling=True) if in_pixels else Axis("factor", untouched=1.0, falling=True)

    @property
    def level(self) -> float:  # noqa: D102
        return self.factor if self.factor is not None else float(self.side or 1)

    @property
    def amount(self) -> str:  # noqa: D102
        return super().amount + ("px" if self.factor is None else "")

    @property
    def options(self) -> str:  # noqa: D102
        return ",back=yes" if self.back else ""

    @property
    def kind(self) -> str:  # noqa: D102
        return f"{self.name}{' px' if self.factor is None else ''}{self.options}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        scaled = _scaled(image, self.factor or (self.side or 1) / min(image.size), self.text)
        return scaled.resize(image.size, BILINEAR) if self.back else scaled


@dataclass(frozen=True)
class Longest(Degradation):
    """A limit to the longest side, as sites set it: a larger picture is scaled down, a smaller one stays as it is."""

    side: int
    name = "longest"
    axis = Axis("longest side in pixels", falling=True)

    @property
    def level(self) -> float:  # noqa: D102
        return float(self.side)

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        return image if max(image.size) <= self.side else _scaled(image, self.side / max(image.size), self.text)


@dataclass(frozen=True)
class Thumbnail(Longest):
    """A small copy, scaled up to where it was: what is left of a picture that somebody took from a preview."""

    name = "thumbnail"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        return resized(super().apply(image, key, draw), *image.size, self.text)


@dataclass(frozen=True)
class Crop(Degradation):
    """The centre, scaled back to the size of the whole."""

    factor: float
    name = "crop"
    axis = Axis("share of each side", untouched=1.0, falling=True)

    @property
    def level(self) -> float:  # noqa: D102
        return self.factor

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        width, height = (max(1, round(length * self.factor)) for length in image.size)
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height)).resize(image.size, BILINEAR)


@dataclass(frozen=True)
class Trim(Degradation):
    """Columns cut off at the left and rows at the top: the blocks of a later JPEG lie otherwise on the picture."""

    pixels: int
    name = "trim"
    axis = Axis("pixels cut off", untouched=0.0)

    @property
    def level(self) -> float:  # noqa: D102
        return float(self.pixels)

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        left, top = (min(self.pixels, length - 1) for length in image.size)
        return image.crop((left, top, *image.size))


@dataclass(frozen=True)
class Letterbox(Degradation):
    """Bars on two sides that make a picture square; of an odd number of pixels the right or lower bar has one more."""

    colour: str = "black"
    name = "letterbox"

    @property
    def options(self) -> str:  # noqa: D102
        return "" if self.colour == "black" else f",colour={self.colour}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        side = max(image.size)
        check_room(image, side, side, self.text)
        square = Image.new("RGB", (side, side), COLOURS[self.colour])
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return square


@dataclass(frozen=True)
class Screenshot(Degradation):
    """A picture as a viewer showed it: scaled by some fraction, a little cut off at each side, kept as PNG.

    The scale (`SCREEN_SCALES`) and the four cuts (up to `SCREEN_CUT` of a side) are drawn from the image's key, since
    no two windows are alike. PNG loses nothing, so it changes no pixel. All numbers are assumed.
    """

    name = "screenshot"

    @property
    def draws(self) -> int:  # noqa: D102
        return 1

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        draws = stream("screenshot", key, draw)
        shown = _scaled(image, draws.uniform(*SCREEN_SCALES), self.text)
        left, top, right, bottom = np.floor(draws.uniform(0, SCREEN_CUT, 4) * [*shown.size, *shown.size]).astype(int)
        return shown.crop((int(left), int(top), shown.width - int(right), shown.height - int(bottom)))


def _scaled(image: Image.Image, factor: float, text: str) -> Image.Image:
    width, height = (max(1, round(length * factor)) for length in image.size)
    return resized(image, width, height, text)
