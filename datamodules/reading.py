"""From bytes to an RGB picture, or a named reason why not."""

import io
import logging
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from datamodules.image_formats import HEIC_REFUSED, formats_of, has_heic, refusal

if TYPE_CHECKING:
    import polars as pl

logging.getLogger("PIL").addHandler(logging.NullHandler())  # it tells of a damaged TIFF on stderr otherwise

MAX_PIXELS = 120_000_000
"""Of an image, by default: above the 101 megapixels of the largest cameras, a third of a GiB of RGB."""

MAX_SIDE = 100_000
"""In pixels, of any image: more than JPEG, WebP and AVIF can have. A decoder spends memory and time on each row."""

MAX_BYTES = 2**30
"""A larger file is not read: three times the largest picture that is decoded by default, as RGB."""

_LIMITED = "declares more than"


class UnreadableImageError(Exception):
    """An image that cannot be decoded whole; the message is the reason, in a few words."""


class UnreadableHereError(UnreadableImageError):
    """An image that another run may read: one of more pixels than ``--max-pixels``, or in HEIC without its library."""


def read_file(file: Path) -> bytes:
    """Reads an image file.

    Raises:
        UnreadableImageError: It is a pipe or a device, which might never end, or far too large for an image.
        OSError: It cannot be read.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file")
    if status.st_size > MAX_BYTES:
        raise UnreadableImageError(f"larger than {MAX_BYTES:,} bytes")
    return file.read_bytes()


def lapsed(reason: "pl.Expr", max_pixels: int) -> "pl.Expr":
    """Says which reasons of an earlier run need not hold in this one; see `UnreadableHereError`."""
    words = reason.fill_null("")
    limited = words.str.starts_with(_LIMITED) & (words != _over_limit(max_pixels))
    return limited | (words == HEIC_REFUSED) if has_heic() else limited


def _over_limit(max_pixels: int) -> str:
    return f"{_LIMITED} {max_pixels:,} pixels"


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuses a picture before any of it is decoded.

    Raises:
        UnreadableImageError: It has too many pixels, or too long a side.
    """
    if width * height > max_pixels:
        raise UnreadableHereError(_over_limit(max_pixels))
    if max(width, height) > MAX_SIDE:
        raise UnreadableImageError(f"declares a side of more than {MAX_SIDE:,} pixels")


class Sized(Protocol):
    """What has a width and a height in pixels."""

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102


def may_become(width: int, height: int, image: Sized) -> bool:
    """Says whether a picture may be scaled or padded to a size: one that an image may have, or no larger than it is."""
    return width * height <= max(MAX_PIXELS, image.width * image.height)


@contextmanager
def guarded(kind: str = "broken") -> Iterator[None]:
    """Makes an unreadable image of whatever a decoder raises; nothing else may run inside.

    Args:
        kind: What the reason begins with.

    Raises:
        UnreadableImageError: Anything was raised but what ends a program.
    """
    try:
        with pillow_unlimited(), warnings.catch_warnings():
            # Pillow's plugins warn, in two dozen wordings, about odd metadata, on which no pixel depends.
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\.", category=UserWarning)
            yield
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(_reason(error, kind)) from error


@contextmanager
def pillow_unlimited() -> Iterator[None]:
    """Lifts Pillow's own limit, which also crops and frames of what was read would meet: `check_size` is asked instead.

    What another library may have switched on is off as well: half an image is no image.
    """
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes an image whole.

    The picture is upright (EXIF orientation applied) and 8-bit RGB: grey is repeated, transparency is dropped as
    published detection code does (``convert("RGB")``), 16-bit values keep their upper byte, an animation gives its
    first frame. ``draft`` mode is never used: it changes pixels.

    Args:
        data: The bytes of the file.
        max_pixels: An image that declares more is refused before any of it is decoded.

    Returns:
        An RGB picture.

    Raises:
        UnreadableImageError: The data are empty, truncated, no image, too large, or of a mode without a picture.
    """
    with guarded(), open_image(data) as image:
        check_size(*image.size, max_pixels)
        with _quiet() if image.format == "TIFF" else nullcontext():
            image.load()
        ImageOps.exif_transpose(image, in_place=True)  # else it copies what is upright, which most are
        return to_rgb(image)


def open_image(data: bytes) -> Image.Image:
    """Opens an image in Pillow, of the formats that are read, without decoding it.

    Raises:
        UnreadableImageError: The data are empty or no image; inside of `guarded`, also whatever a decoder raises.
    """
    if not data:
        raise UnreadableImageError("empty file")
    try:
        return Image.open(io.BytesIO(data), formats=formats_of(data))
    except UnidentifiedImageError as error:
        reason = refusal(data)
        raise (UnreadableHereError if reason == HEIC_REFUSED else UnreadableImageError)(reason) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps from stderr what libtiff writes there of a damaged file, a line for each of its rows."""
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


def to_rgb(image: Image.Image) -> Image.Image:
    """Converts a decoded picture of any mode to 8-bit RGB.

    Raises:
        UnreadableImageError: The mode holds no picture (floats, 32-bit integers).
    """
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16) >> 8  # Pillow's own conversion clips at 255
        return Image.fromarray(values.astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise UnreadableImageError(f"unsupported mode {image.mode}")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _reason(error: Exception, kind: str) -> str:
    """Shortens a decoder's message to one line that is the same on every machine and in every run."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # of the file, not of what is in it
    words = str(error).strip() or type(error).__name__
    if "truncated" in words.lower() or isinstance(error, EOFError):
        return "truncated"
    line = re.sub(r"( at)? 0x[0-9a-f]+|(/[\w.~-]+){2,}", "", words.splitlines()[0])
    return f"{kind}: {''.join(letter if letter.isprintable() else '?' for letter in line)[:100]}"
