"""Trivial facts about an image, by which a detector could tell the classes apart without seeing what they differ in.

Container cues come from how a picture was stored: the file's ending and format, its JPEG quality, its size, its bytes
per pixel, and the 8 x 8 grid that a JPEG leaves in the pixels of whatever file it is saved to next. Content cues come
from what the picture shows: brightness, contrast, saturation, Laplacian energy.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from datamodules.reading import MAX_PIXELS, decode_image, guarded, open_image

CONTAINER_CUES = (
    "ending",
    "format",
    "jpeg_quality",
    "blockiness",
    "width",
    "height",
    "aspect",
    "bytes_per_pixel",
)
CONTENT_CUES = ("brightness", "contrast", "saturation", "laplacian")
CATEGORICAL_CUES = ("ending", "format")
PIXEL_CUES = ("blockiness", *CONTENT_CUES)
"""The cues that need no file, only a picture."""

Grey = NDArray[np.uint8]

# Luminance table of the JPEG standard (ITU-T T.81, table K.1), row by row.
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
_QUALITIES = np.arange(1, 101)
_SCALES = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
_TABLES = np.clip((_LUMINANCE * _SCALES[:, None] + 50) // 100, 1, 255)


@dataclass(frozen=True)
class Cues:
    """The cues of one image.

    Args:
        ending: Of the file's name, as it is written: ``.PNG`` and ``.png`` are two. Empty without one.
        format: What the bytes are, in Pillow's words.
        jpeg_quality: 1..100, of the standard table nearest to the file's; None where the file is no JPEG.
        blockiness: See `blockiness`.
        width: Of the upright picture.
        height: Of the upright picture.
        aspect: Width over height.
        bytes_per_pixel: Of the whole file, metadata included.
        brightness: Mean luma (ITU-R 601), in [0, 1].
        contrast: Standard deviation of the luma.
        saturation: Mean over pixels of 1 - min / max of the channels (HSV), in [0, 1]; 0 for black.
        laplacian: Mean square of the luma's 4-neighbour Laplacian, inside the border.
    """

    ending: str
    format: str
    jpeg_quality: int | None
    blockiness: float
    width: int
    height: int
    aspect: float
    bytes_per_pixel: float
    brightness: float
    contrast: float
    saturation: float
    laplacian: float


def measure_cues(data: bytes, path: str, max_pixels: int = MAX_PIXELS) -> Cues:
    """Measures the cues of an image file.

    Args:
        data: The bytes of the file.
        path: Its name, for the ending.
        max_pixels: See `decode_image`.

    Raises:
        UnreadableImageError: The image cannot be decoded whole; the message is the reason.
    """
    image = decode_image(data, max_pixels)
    form, quality = stored_as(data)
    return Cues(
        ending=os.path.splitext(path)[1],  # noqa: PTH122 - a name is no path of this machine
        format=form,
        jpeg_quality=quality,
        width=image.width,
        height=image.height,
        aspect=image.width / image.height,
        bytes_per_pixel=len(data) / (image.width * image.height),
        **_pixel_cues(image),
    )


def pixel_cues(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Measures the `PIXEL_CUES` of a picture, for instance of the one that a detector is shown.

    Args:
        pixels: ``(H, W, 3)`` RGB.
    """
    return _pixel_cues(Image.fromarray(pixels))


def jpeg_quality(table: list[int]) -> int:
    """Estimates the quality that libjpeg was given.

    Args:
        table: The 64 entries of the luminance quantisation table, row by row.

    Returns:
        The quality, 1..100, whose standard table is nearest in mean square; of equally near ones the highest.

    Examples:
        >>> jpeg_quality([1] * 64)
        100
    """
    distances = ((_TABLES - np.array(table)) ** 2).sum(axis=1)
    return int(_QUALITIES[::-1][distances[::-1].argmin()])


def blockiness(grey: Grey) -> float:
    """Measures the 8 x 8 grid that a JPEG compression leaves.

    Cross differences ``|p(y, x) + p(y+1, x+1) - p(y+1, x) - p(y, x+1)|`` are zero on gradients and straight edges, but
    not where two blocks meet. They are averaged by column modulo 8; the strongest of the eight over the mean of the
    seven others, and the same by row, are averaged. The grid may begin anywhere, so a crop keeps it.

    Args:
        grey: ``(H, W)`` luma.

    Returns:
        About 1.02 to 1.06 without a grid; above 1.2 after JPEG 90. 1 where the picture is flat or under 17 pixels.
    """
    down = np.zeros(grey.shape[1] - 1)
    across = []
    for rows in _strips(grey[1:]):
        values = grey[rows.start : rows.stop + 1].astype(np.int16)
        steps = values[:, 1:] - values[:, :-1]
        crossed = np.abs(steps[1:] - steps[:-1])
        down += crossed.sum(axis=0)
        across.append(crossed.sum(axis=1))
    ratios = [_strongest(profile) for profile in (down, np.concatenate([np.zeros(0), *across]))]
    found = [ratio for ratio in ratios if ratio is not None]
    return float(np.mean(found)) if found else 1.0


def _strongest(profile: NDArray[np.float64]) -> float | None:
    periods = len(profile) // 8
    if periods < 2:
        return None
    phases = profile[: periods * 8].reshape(periods, 8).mean(axis=0)
    strongest = phases.max()
    others = (phases.sum() - strongest) / 7
    return float(strongest / others) if others > 0 else None


def stored_as(data: bytes) -> tuple[str, int | None]:
    """Returns what the bytes are, in Pillow's words, and their JPEG quality, None where they are no JPEG.

    Raises:
        UnreadableImageError: They are no image.
    """
    with guarded(), open_image(data) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
        form = image.format or ""
    known = form in ("JPEG", "MPO") and tables
    return form, jpeg_quality(tables[min(tables)]) if known else None


def _pixel_cues(image: Image.Image) -> dict[str, Any]:
    luma = image.convert("L")
    grey = np.asarray(luma)
    brightness, contrast = _moments(luma)
    return {
        "blockiness": blockiness(grey),
        "brightness": brightness,
        "contrast": contrast,
        "saturation": _saturation(image),
        "laplacian": _laplacian(grey),
    }


def _moments(luma: Image.Image) -> tuple[float, float]:
    """Returns mean and standard deviation, from a histogram: quick and exact."""
    counts, levels = np.array(luma.histogram()) / (luma.width * luma.height), np.arange(256) / 255
    mean = float(counts @ levels)
    return mean, float(np.sqrt(counts @ (levels - mean) ** 2))


def _saturation(image: Image.Image) -> float:
    red, green, blue = image.split()
    high = np.asarray(ImageChops.lighter(ImageChops.lighter(red, green), blue))
    low = np.asarray(ImageChops.darker(ImageChops.darker(red, green), blue))
    # Black, where min / max is 0 / 0, counts as grey.
    ratios = (low[rows] / np.maximum(high[rows], 1).astype(np.float32) for rows in _strips(high))
    return float((np.count_nonzero(high) - sum(ratio.sum(dtype=np.float64) for ratio in ratios)) / high.size)


def _laplacian(grey: Grey) -> float:
    if min(grey.shape) < 3:
        return 0.0
    energy = math.fsum(_curvature(grey[rows.start : rows.stop + 2]) for rows in _strips(grey[2:]))
    return energy / (255**2 * float((grey.shape[0] - 2) * (grey.shape[1] - 2)))


def _curvature(grey: Grey) -> float:
    values = grey.astype(np.int16)
    across = values[1:-1, :-2] + values[1:-1, 2:]
    down = values[:-2, 1:-1] + values[2:, 1:-1]
    curved = (across + down - 4 * values[1:-1, 1:-1]).astype(np.float32).ravel()
    return float(curved @ curved)


def _strips(grey: Grey) -> Iterator[slice]:
    """Cuts a picture in strips of rows that fit the processor's cache, which is several times faster than whole."""
    rows = max(1, 2**16 // grey.shape[1])
    for start in range(0, len(grey), rows):
        yield slice(start, min(start + rows, len(grey)))
