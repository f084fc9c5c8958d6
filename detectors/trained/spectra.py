"""Spectra of images that detectors judge: a radial profile, a cosine transform, a Fourier transform of colours."""

import functools
import math

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

GREY = (0.299, 0.587, 0.114)
"""ITU-R 601's weights of red, green and blue, which OpenCV takes, too."""
LEVELS = 255
LEAST_SIDE = 9
"""A square of so many pixels has as many rings as a cubic spline goes through points."""
ROUNDING = 1e-6
"""A whole number that rounding put a little below itself stays what it is."""


def radial_profile(image: Tensor, length: int) -> Tensor:
    """Computes how the spectrum of an image falls off with frequency.

    The image in grey levels of 8 bits is transformed; ``20 ln |F + 1e-8|`` is averaged over rings one pixel wide, of
    which the innermost and the outermost are left out, interpolated by a cubic spline, and divided by its first value.
    An image below 9 px is repeated.

    Args:
        image: ``(3, H, W)`` in [0, 1].
        length: Number of points to interpolate at.

    Returns:
        ``(length,)``, float64.
    """
    shares = torch.tensor(GREY, dtype=torch.float64, device=image.device)
    grey = (image.double() * LEVELS).round().mul(shares[:, None, None]).sum(dim=0).round()
    grey = grey.repeat([-(-LEAST_SIDE // min(side, LEAST_SIDE)) for side in grey.shape])
    spectrum = torch.fft.fftshift(torch.fft.fft2(grey)) + 1e-8
    power = 20 * spectrum.abs().clamp_min(1e-300).log()
    height, width = grey.shape
    rows = torch.arange(height, device=grey.device).double() - (height - 1) / 2
    columns = torch.arange(width, device=grey.device).double() - (width - 1) / 2
    radius = torch.hypot(columns[None, :], rows[:, None]).floor().long().flatten()
    sums, counts = torch.bincount(radius, power.flatten()), torch.bincount(radius)
    rings = (sums[1:-1] / counts[1:-1]).cpu()
    profile = (spline(len(rings), length) @ rings).to(image.device)
    return profile / profile[0]


@functools.lru_cache(maxsize=256)
def spline(points: int, length: int) -> Tensor:
    """Returns the matrix ``(length, points)`` that interpolates evenly spaced points by a cubic spline."""
    matrix = CubicSpline(np.linspace(0, 1, points), np.eye(points))(np.linspace(0, 1, length))
    return torch.from_numpy(matrix)


def cosine_matrix(side: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns the orthonormal matrix of the discrete cosine transform II, ``(side, side)``, a frequency a row.

    Examples:
        >>> cosine_matrix(2)
        tensor([[ 0.7071,  0.7071],
                [ 0.7071, -0.7071]])
    """
    frequency, pixel = torch.arange(side).double()[:, None], torch.arange(side).double()
    matrix = torch.cos((pixel + 0.5) * math.pi * frequency / side) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix.to(dtype)


def cosine_spectrum(image: Tensor, side: int) -> Tensor:
    """Computes the logarithm of the absolute values of an orthonormal cosine transform of each colour.

    The central square of the image is scaled to ``side`` as scikit-image's ``resize`` does, in 8 bits.

    Args:
        image: ``(3, H, W)`` in [0, 1].
        side: In pixels.

    Returns:
        ``(3 * side * side,)``, float64, with 1e-12 added before the logarithm.
    """
    length = min(image.shape[1:])
    top, left = ((whole - length) // 2 for whole in image.shape[1:])
    square = (image[:, top : top + length, left : left + length].double() * LEVELS).round()
    if length != side:
        scale = scaling(length, side).to(image.device)
        square = (scale @ square @ scale.T + ROUNDING).clamp(0, LEVELS).floor()
    matrix = cosine_matrix(side, torch.float64).to(image.device)
    return ((matrix @ square @ matrix.T).abs() + 1e-12).log().flatten()


@functools.lru_cache(maxsize=256)
def scaling(before: int, after: int) -> Tensor:
    """Returns the matrix ``(after, before)`` that scales an axis: a Gaussian where it shrinks, then linearly."""
    factor = before / after
    where = np.abs((np.arange(after) + 0.5) * factor - 0.5)  # mirrored at the outermost pixels
    where = np.minimum(where, 2 * (before - 1) - where).clip(min=0)
    matrix = (1 - np.abs(where[:, None] - np.arange(before))).clip(min=0)
    if factor > 1:
        matrix = matrix @ gaussian_filter1d(np.eye(before), (factor - 1) / 2, axis=0, mode="mirror")
    return torch.from_numpy(matrix)


def colour_spectrum(images: Tensor) -> Tensor:
    """Computes the logarithm of each colour's Fourier spectrum, its percentiles 5 and 95 scaled to -1 and 1.

    Args:
        images: ``(B, 3, H, W)`` in [0, 1].

    Returns:
        Of the same shape, the zero frequency in the corner, clipped to [-1, 1].
    """
    power = (torch.fft.fft2(images.double()).abs() + 1e-3).log()
    low, high = power.flatten(2).quantile(power.new_tensor([0.05, 0.95]), dim=2)[..., None, None]
    scaled: Tensor = 2 * (power - low) / (high - low).clamp_min(1e-12) - 1
    return scaled.clamp(-1, 1).float()
