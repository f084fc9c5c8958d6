"""Reads every image of a dataset once and writes down what the doctor needs of it, which is little."""

from itertools import islice

import polars as pl
from PIL import Image

from datamodules.archives import split_item
from datamodules.base import DetectionData
from datamodules.cues import stored_as
from datamodules.fingerprints import perceptual_hash
from datamodules.keys import sha256_of
from datamodules.raw_files import measured_files
from datamodules.reading import MAX_BYTES, UnreadableImageError

FACTS = {
    **{"sha256": pl.String, "hash": pl.UInt64, "format": pl.String},
    **{"width": pl.UInt32, "height": pl.UInt32, "jpeg_quality": pl.UInt8, "reason": pl.String},
}
"""``reason`` says why an image cannot be read; all others are then null, but for the ``sha256`` of bytes that are no
image. ``hash`` is null for a flat picture, ``format`` for bytes that only the data set can decode."""
RAW = "raw pixels"
FEWEST_BITS = 24
"""A perceptual hash has 32 bits set; fewer where the picture is so flat that its frequencies tie."""

Facts = tuple[str | None, int | None, str | None, int | None, int | None, int | None, str | None]
_CHUNK = 1 << 14


def examine(datamodule: DetectionData) -> pl.DataFrame:
    """Reads every image once, in ``num_workers`` processes.

    A process holds one picture at a time, and what is kept of an image is some 150 bytes.

    Args:
        datamodule: The dataset, set up.

    Returns:
        The `FACTS`, a row for each item.

    Raises:
        ReaderLostError: A process was killed.
    """
    facts, frames = measured_files(datamodule, datamodule.items, _Examine(datamodule)), [pl.DataFrame(schema=FACTS)]
    while chunk := list(islice(facts, _CHUNK)):
        frames.append(pl.DataFrame(chunk, FACTS, orient="row"))
    return pl.concat(frames)


class _Examine:
    """Takes the facts of a file."""

    def __init__(self, datamodule: DetectionData) -> None:
        self.read_bytes, self.picture = datamodule.read_bytes, datamodule.picture

    def __call__(self, path: str, label: int, size: int | None) -> Facts:
        sha256 = None
        try:
            data = self._read(path, size)
            sha256 = sha256_of(data)
            image = self.picture(data, path)
            form, quality = (RAW, None) if split_item(path) else _stored_as(data)
            return sha256, hash_of(image), form, image.width, image.height, quality, None
        except UnreadableImageError as error:
            reason = str(error)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        return sha256, None, None, None, None, None, reason

    def _read(self, path: str, size: int | None) -> bytes:
        if size is not None and size > MAX_BYTES:
            raise UnreadableImageError(f"larger than {MAX_BYTES:,} bytes")
        return self.read_bytes(path)


def _stored_as(data: bytes) -> tuple[str | None, int | None]:
    try:
        return stored_as(data)
    except UnreadableImageError:  # a plugin may decode what Pillow cannot
        return None, None


def hash_of(image: Image.Image) -> int | None:
    """Returns a picture's perceptual hash; none of one that is nearly flat."""
    value = perceptual_hash(image)
    return value if value.bit_count() >= FEWEST_BITS else None
