"""Takes away what separates real from generated images without a look at the picture: format, quality and size.

``none`` changes nothing. ``reencode:Q`` gives every image the same size and one last codec: short side to the
protocol's size, centre square, JPEG at quality Q. ``unbiased`` is the recipe published for GenImage: for each
generator, real images of JPEG quality near 96 whose sides lie within 10 % of the generator's size; generated images
are compressed as JPEG 96 with Pillow; both are cropped to the lower bound of those sizes; equal numbers of both.

What either leaves: traces of an earlier codec or of an earlier size that survive in the pixels.

Where the recipe is silent:

- "Near" quality 96 is 96 give or take `QUALITY_TOLERANCE`. The public code asks for 96 exactly.
- The bounds of a side of 512 are 461 and 563; the paper's example, 450 and 550, is 10 % about 500.
- The generator's size is the most frequent size among its images; its images of other sizes are left out.
- Generated images that are JPEGs already stay as they are if their quality is near 96, and are left out if not: a
  second compression would not hide the first.
- Numbers are equal within each ``content_class`` where the facts have that column (the public code does so by
  ImageNet class), else over all; those with the smallest hashes of their paths are kept.
- The crop is the centre, after the compression as in the public code, so the 8 x 8 grids of the two classes lie
  differently in it.

References:
    Grommelt, Weiss, Pfreundt, Keuper, "Fake or JPEG? Revealing Common Biases in Generated Image Detection Datasets",
    arXiv 2403.17608; public code at d187972, get_data.py and get_transform.py.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from PIL import Image

from datamodules.degradations import Compression, encoded
from datamodules.errors import DataOptionError
from datamodules.reading import decode_image
from datamodules.view_spec import resize_short_side

UNBIASED_QUALITY = 96
QUALITY_TOLERANCE = 1
SIZE_TOLERANCE_PERCENT = 10


@dataclass(frozen=True)
class NoMatch:
    """Images as they are."""

    name: str = "none"


@dataclass(frozen=True)
class Reencode:
    """Gives every image the same size and codec.

    Args:
        quality: Of the JPEG.
        side: Of the square in pixels.
    """

    quality: int
    side: int = 256

    @property
    def name(self) -> str:
        """The text that the option is given by."""
        return f"reencode:{self.quality}"

    def encode(self, image: Image.Image) -> bytes:
        """Makes the file that an RGB picture is turned into: what a container can still tell is measured on it.

        Raises:
            UnreadableImageError: The picture is too narrow to be scaled.
        """
        return encoded(_centre(resize_short_side(image, self.side), self.side, self.side), "JPEG", self.quality)

    def apply(self, image: Image.Image) -> Image.Image:
        """Resizes, crops and compresses an RGB picture: the picture that `encode`'s file holds."""
        return decode_image(self.encode(image))


@dataclass(frozen=True)
class Unify:
    """What ``unbiased`` does to one chosen image.

    Args:
        width: Of the centre that is kept.
        height: Of the centre that is kept.
        compress: Whether the image is compressed first.
    """

    width: int
    height: int
    compress: bool

    def apply(self, image: Image.Image) -> Image.Image:
        """Compresses, where it is asked for, and crops an RGB picture that is at least as large."""
        if self.compress:
            image = Compression("JPEG", UNBIASED_QUALITY).apply(image, 0, 0)
        return _centre(image, self.width, self.height)


@dataclass(frozen=True)
class Selection:
    """What ``unbiased`` keeps and why it drops the rest.

    Args:
        chosen: A row for each generator and image kept: the facts, and ``contrast`` (the generator), ``crop_width``,
            ``crop_height``, ``compress``. A real image may face several generators.
        dropped: ``contrast, label, reason, images``.
    """

    chosen: pl.DataFrame
    dropped: pl.DataFrame


@dataclass(frozen=True)
class Unbiased:
    """The published recipe."""

    name: str = "unbiased"

    def select(self, facts: pl.DataFrame, contrasts: Mapping[str, Sequence[str]]) -> Selection:
        """Chooses the images of every contrast.

        Args:
            facts: ``path, label, generator, width, height, jpeg_quality`` (null: no JPEG) of each readable image,
                and where known ``content_class``.
            contrasts: Which sources of real images face each generator.

        Returns:
            The choice. A generator without a match is missing from ``chosen``; ``dropped`` says why.
        """
        judged = pl.concat([_balanced(_judged(facts, name, reals)) for name, reals in contrasts.items()])
        kept = judged["reason"].is_null()
        dropped = judged.filter(~kept).group_by("contrast", "label", "reason").agg(pl.len().alias("images"))
        return Selection(judged.filter(kept).drop("reason"), dropped.sort("contrast", "label", "reason"))


Match = NoMatch | Reencode | Unbiased


def parse_match(text: str, side: int | None = 256) -> Match:
    """Reads the option of matching.

    Args:
        text: ``none``, ``reencode:Q`` with a JPEG quality of 1 to 100, or ``unbiased``.
        side: What the protocol scales the short side to; 256 where it keeps the native scale.

    Raises:
        DataOptionError: The text is none of these.

    Examples:
        >>> parse_match("reencode:75")
        Reencode(quality=75, side=256)
    """
    if text in ("none", "unbiased"):
        return NoMatch() if text == "none" else Unbiased()
    quality = re.fullmatch(r"reencode:([0-9]{1,3})", text)
    if quality and 1 <= int(quality[1]) <= 100:
        return Reencode(int(quality[1]), side or 256)
    raise DataOptionError(
        f"--match must be none, reencode:Q with a JPEG quality Q from 1 to 100, or unbiased; got {text!r}."
    )


def _centre(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _judged(facts: pl.DataFrame, name: str, reals: Sequence[str]) -> pl.DataFrame:
    """Takes the images of one contrast and says of each why it cannot be matched."""
    generated, source = pl.col("label") == 1, pl.col("generator")
    images = facts.filter((generated & (source == name)) | (~generated & source.is_in(list(reals))))
    width, height = _size_of(images.filter(generated))
    quality = pl.col("jpeg_quality").cast(pl.Int64)
    other_quality = (quality - UNBIASED_QUALITY).abs() > QUALITY_TOLERANCE
    near = _near("width", width) & _near("height", height)
    reason = (
        pl.when(generated & ((pl.col("width") != width) | (pl.col("height") != height)))
        .then(pl.lit("not of the generator's usual size"))
        .when(~generated & quality.is_null())
        .then(pl.lit("not a JPEG"))
        .when(other_quality.fill_null(False))
        .then(pl.lit("JPEG of another quality"))
        .when(~generated & ~near)
        .then(pl.lit("not near the generator's size"))
    )
    return images.with_columns(
        contrast=pl.lit(name),
        crop_width=pl.lit(_lower(width), pl.Int64),
        crop_height=pl.lit(_lower(height), pl.Int64),
        compress=generated & quality.is_null(),
        reason=reason,
    )


def _balanced(images: pl.DataFrame) -> pl.DataFrame:
    """Says of the surplus of either class that it is surplus; which images these are depends on their paths alone."""
    strata = pl.col("content_class") if "content_class" in images.columns else pl.lit(0)
    hashes = [hashlib.blake2b(path.encode(), digest_size=8).digest() for path in images["path"]]
    fits = images.with_columns(pl.Series("order", hashes, pl.Binary)).filter(pl.col("reason").is_null()).sort("order")
    counts = [pl.col("label").eq(label).sum().over(strata) for label in (0, 1)]
    place = pl.int_range(pl.len()).over(strata, "label")
    surplus = fits.filter(place >= pl.min_horizontal(counts)).select("path", surplus=pl.lit("surplus of its class"))
    judged = images.join(surplus, on="path", how="left", maintain_order="left")
    return judged.with_columns(pl.coalesce("reason", "surplus").alias("reason")).drop("surplus")


def _size_of(generated: pl.DataFrame) -> tuple[int, int]:
    """Returns the most frequent size, of equally frequent ones the largest; 0 x 0 where there is no image."""
    sizes = generated.group_by("width", "height").len().sort("len", "width", "height", descending=True)
    return sizes.select("width", "height").row(0) if len(sizes) else (0, 0)


def _lower(side: int) -> int:
    return -(-side * (100 - SIZE_TOLERANCE_PERCENT) // 100)


def _near(column: str, side: int) -> pl.Expr:
    return pl.col(column).is_between(_lower(side), side * (100 + SIZE_TOLERANCE_PERCENT) // 100)
