"""From bytes to an RGB picture, or a named reason why not."""

import io
import stat
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

MAX_PIXELS = 89_478_485
"""Pillow's own limit (0.25 GiB of RGB); a file that declares more is refused before any of it is decoded."""

MAX_BYTES = 2**30
"""A larger file is not read: the largest picture that is decoded has a quarter of that as RGB."""

IMAGE_ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pnm")
) | {".avif", ".jp2", ".tga"}
"""Endings, in lower case, of the files that count as images."""

# What Pillow's plugins raise on broken files, beside OSError.
_BROKEN = (OSError, SyntaxError, ValueError, IndexError, KeyError, EOFError, struct.error, zlib.error, OverflowError)


class UnreadableImageError(Exception):
    """An image that cannot be decoded whole; the message is the reason, in a few words."""


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


def decode_image(data: bytes) -> Image.Image:
    """Decodes an image whole.

    The picture is upright (EXIF orientation applied) and 8-bit RGB: grey is repeated, transparency is dropped as
    published detection code does (``convert("RGB")``), 16-bit values keep their upper byte, an animation gives its
    first frame. ``draft`` mode is never used: it changes pixels.

    Args:
        data: The bytes of the file.

    Returns:
        An RGB picture.

    Raises:
        UnreadableImageError: The data are empty, truncated, no image, too large, or of a mode without a picture.
    """
    if not data:
        raise UnreadableImageError("empty file")
    try:
        with warnings.catch_warnings():
            # Pillow's plugins warn, in two dozen wordings, about odd metadata, on which no pixel depends.
            warnings.filterwarnings("ignore", module=r"PIL\.", category=UserWarning)
            warnings.filterwarnings("error", module=r"PIL\.", category=Image.DecompressionBombWarning)
            return _decode(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImageError(f"declares more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image") from error
    except _BROKEN as error:
        raise UnreadableImageError(_reason(error)) from error


def _decode(data: bytes) -> Image.Image:
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have switched it on: half an image is no image
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return to_rgb(ImageOps.exif_transpose(image))


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


def _reason(error: BaseException) -> str:
    """Shortens a plugin's message to one line that is the same on every machine."""
    words = str(error) or type(error).__name__
    if "truncated" in words.lower() or isinstance(error, EOFError):
        return "truncated"
    return f"broken: {words.splitlines()[0][:100]}"
