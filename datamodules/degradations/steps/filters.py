"""Changes of the values of pixels: blur, noise, and the loss of colours."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from datamodules.degradations.steps.base import Axis, Degradation, stream

# Standard deviations of ImageNet's channels, by which normalised pixels were divided.
NOISE_SPACES = {"pixel": (1.0, 1.0, 1.0), "normalised": (0.229, 0.224, 0.225)}


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

    @property
    def draws(self) -> int:  # noqa: D102
        return 1

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        draws = stream("noise", key, draw)
        pixels = np.asarray(image, dtype=np.float32) / 255
        std = self.std * np.array(NOISE_SPACES[self.space], dtype=np.float32)
        noisy = pixels + std * draws.standard_normal(pixels.shape, dtype=np.float32)
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

    @property
    def draws(self) -> int:  # noqa: D102
        return 1

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        waves = np.fft.fft2(np.asarray(image, dtype=np.float64))
        waves *= np.exp(1j * self.std * stream("phase-noise", key, draw).standard_normal(waves.shape))
        return Image.fromarray(np.abs(np.fft.ifft2(waves)).clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Greyscale(Degradation):
    """The luminance in all three channels: Pillow's mode ``L``, which weighs them as ITU-R BT.601 does."""

    name = "greyscale"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        return image.convert("L").convert("RGB")


def kernel_of(sigma: float) -> int:
    """Returns the width of a kernel that reaches 3 sigma on either side."""
    return 2 * math.ceil(3 * sigma) + 1
