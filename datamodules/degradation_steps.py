"""The single degradations that conditions are made of; ``datamodules.degradations`` has their language.

Each takes and gives 8-bit RGB and is checked against the library it wraps.
"""

import hashlib
import io
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image
from scipy import ndimage

from datamodules.reading import MAX_PIXELS, UnreadableImageError

# Standard deviations of ImageNet's channels, by which normalised pixels were divided.
NOISE_SPACES = {"pixel": (1.0, 1.0, 1.0), "normalised": (0.229, 0.224, 0.225)}
BILINEAR = Image.Resampling.BILINEAR


class Degradation(Protocol):
    """One step of a chain."""

    @property
    def text(self) -> str:
        """The canonical text."""

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:
        """Degrades an RGB picture; ``key`` and ``draw`` seed what is random."""


@dataclass(frozen=True)
class Compression:
    """A round trip through Pillow's lossy ``JPEG`` or ``WEBP`` encoder."""

    form: str
    quality: int

    @property
    def text(self) -> str:  # noqa: D102 - the protocol documents it, here and below
        return f"{self.form.lower()}:{self.quality}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        return Image.open(io.BytesIO(encoded(image, self.form, self.quality))).convert("RGB")


@dataclass(frozen=True)
class Blur:
    """A Gaussian filter: ``scipy.ndimage.gaussian_filter`` on float32, which no thread or instruction set changes."""

    sigma: float
    kernel: int

    @property
    def text(self) -> str:  # noqa: D102
        option = "" if self.kernel == kernel_of(self.sigma) else f",kernel={self.kernel}"
        return f"blur:{_digits(self.sigma)}{option}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        pixels = np.asarray(image, dtype=np.float32)
        blurred = ndimage.gaussian_filter(pixels, self.sigma, radius=self.kernel // 2, axes=(0, 1), mode="mirror")
        return Image.fromarray(np.rint(blurred).astype(np.uint8))


@dataclass(frozen=True)
class Noise:
    """Gaussian noise, independent for each pixel and channel."""

    std: float
    space: str

    @property
    def text(self) -> str:  # noqa: D102
        return f"noise:{_digits(self.std)}" + ("" if self.space == "pixel" else f",space={self.space}")

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        digest = hashlib.blake2b(f"noise\x1f{draw}\x1f{key}".encode(), digest_size=16).digest()
        stream = np.random.default_rng(int.from_bytes(digest))
        pixels = np.asarray(image, dtype=np.float32) / 255
        std = self.std * np.array(NOISE_SPACES[self.space], dtype=np.float32)
        noisy = pixels + std * stream.standard_normal(pixels.shape, dtype=np.float32)
        return Image.fromarray(np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8))


@dataclass(frozen=True)
class Resize:
    """A change of size by a factor, or to a short side in pixels; one of the two is None."""

    factor: float | None
    side: int | None
    back: bool

    @property
    def text(self) -> str:  # noqa: D102
        amount = f"{self.side}px" if self.factor is None else _digits(self.factor)
        return f"resize:{amount}" + (",back=yes" if self.back else "")

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        factor = self.factor or (self.side or 1) / min(image.size)
        width, height = (max(1, round(length * factor)) for length in image.size)
        if width * height > MAX_PIXELS:
            raise UnreadableImageError(f"{image.width} x {image.height} is too large for {self.text}")
        resized = image.resize((width, height), BILINEAR)
        return resized.resize(image.size, BILINEAR) if self.back else resized


@dataclass(frozen=True)
class Crop:
    """The centre, scaled back to the size of the whole."""

    factor: float

    @property
    def text(self) -> str:  # noqa: D102
        return f"crop:{_digits(self.factor)}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        width, height = (max(1, round(length * self.factor)) for length in image.size)
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height)).resize(image.size, BILINEAR)


def encoded(image: Image.Image, form: str, quality: int) -> bytes:
    """Encodes a picture with Pillow's defaults, without the comments and profiles of the file it came from.

    Raises:
        UnreadableImageError: The format cannot hold a picture of this size.
    """
    bare, buffer = image.copy(), io.BytesIO()
    bare.info = {}
    try:
        bare.save(buffer, form, quality=quality)
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"{image.width} x {image.height} cannot be written as {form}") from error
    return buffer.getvalue()


def kernel_of(sigma: float) -> int:
    """Returns the width of a kernel that reaches 3 sigma on either side."""
    return 2 * math.ceil(3 * sigma) + 1


def _digits(value: float) -> str:
    return repr(value).removesuffix(".0")
