"""The single degradations that conditions are made of; ``datamodules.degradations`` has their language.

Each takes and gives 8-bit RGB and is checked against the library it wraps.
"""

import hashlib
import io
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from datamodules.reading import UnreadableImageError, may_become

# Standard deviations of ImageNet's channels, by which normalised pixels were divided.
NOISE_SPACES = {"pixel": (1.0, 1.0, 1.0), "normalised": (0.229, 0.224, 0.225)}
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
    """

    name: str
    axis: Axis | None = None

    @property
    def level(self) -> float | None:
        """Where it is on its axis."""
        return None

    @property
    def amount(self) -> str:
        """The canonical text behind the colon; empty for a step without an amount."""
        return "" if self.level is None else _digits(self.level)

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

    @abstractmethod
    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:
        """Degrades an RGB picture; ``key`` and ``draw`` seed what is random."""


@dataclass(frozen=True)
class Compression(Degradation):
    """A round trip through Pillow's lossy ``JPEG`` or ``WEBP`` encoder."""

    form: str
    quality: int
    axis = Axis("quality", falling=True)

    @property
    def name(self) -> str:  # type: ignore[override] # noqa: D102 - the base documents it, here and below
        return self.form.lower()

    @property
    def level(self) -> float:  # noqa: D102
        return float(self.quality)

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        return Image.open(io.BytesIO(encoded(image, self.form, self.quality))).convert("RGB")


@dataclass(frozen=True)
class Blur(Degradation):
    """A Gaussian filter: ``scipy.ndimage.gaussian_filter`` on float32, which no thread or instruction set changes."""

    sigma: float
    kernel: int
    name = "blur"
    axis = Axis("sigma in pixels", untouched=0.0)

    @property
    def level(self) -> float:  # noqa: D102
        return self.sigma

    @property
    def options(self) -> str:  # noqa: D102
        return "" if self.kernel == kernel_of(self.sigma) else f",kernel={self.kernel}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        pixels = np.asarray(image, dtype=np.float32)
        blurred = ndimage.gaussian_filter(pixels, self.sigma, radius=self.kernel // 2, axes=(0, 1), mode="mirror")
        return Image.fromarray(np.rint(blurred).astype(np.uint8))


@dataclass(frozen=True)
class Noise(Degradation):
    """Gaussian noise, independent for each pixel and channel."""

    std: float
    space: str
    name = "noise"
    axis = Axis("standard deviation", untouched=0.0)

    @property
    def level(self) -> float:  # noqa: D102
        return self.std

    @property
    def options(self) -> str:  # noqa: D102
        return "" if self.space == "pixel" else f",space={self.space}"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        stream = _stream("noise", key, draw)
        pixels = np.asarray(image, dtype=np.float32) / 255
        std = self.std * np.array(NOISE_SPACES[self.space], dtype=np.float32)
        noisy = pixels + std * stream.standard_normal(pixels.shape, dtype=np.float32)
        return Image.fromarray(np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8))


@dataclass(frozen=True)
class PhaseNoise(Degradation):
    """Gaussian noise on the phases of a Fourier transform over width and channels, as WePe's authors' code has it.

    That code (junz-debug/WePe at c27e361) gives numpy's ``fft2`` pixels ``(H, W, C)``, whose last two axes it
    transforms: each row is one transform of its width and its colours. Its result is cut off to 8 bits, so that even a
    noise near 0 darkens many pixels by a level. The transform is of float64 here, of float32 there.
    """

    std: float
    name = "phase-noise"
    axis = Axis("standard deviation in radians", untouched=0.0)

    @property
    def level(self) -> float:  # noqa: D102
        return self.std

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        waves = np.fft.fft2(np.asarray(image, dtype=np.float64))
        waves *= np.exp(1j * self.std * _stream("phase-noise", key, draw).standard_normal(waves.shape))
        return Image.fromarray(np.abs(np.fft.ifft2(waves)).clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Resize(Degradation):
    """A change of size by a factor, or to a short side in pixels; one of the two is None."""

    factor: float | None
    side: int | None
    back: bool
    name = "resize"

    @property
    def axis(self) -> Axis:  # type: ignore[override] # noqa: D102
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
        factor = self.factor or (self.side or 1) / min(image.size)
        width, height = (max(1, round(length * factor)) for length in image.size)
        if not may_become(width, height, image):
            raise UnreadableImageError(f"{image.width} x {image.height} is too large for {self.text}")
        resized = image.resize((width, height), BILINEAR)
        return resized.resize(image.size, BILINEAR) if self.back else resized


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


def _stream(name: str, key: int, draw: int) -> np.random.Generator:
    """Returns the random numbers of a noise: of an image, and of its number among the noises of a chain."""
    digest = hashlib.blake2b(f"{name}\x1f{draw}\x1f{key}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest))


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
