"""Spectra against plain scripts in numpy and scipy, which say the published formulas again."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from released_files_two import pictures
from scipy.fft import dctn
from scipy.interpolate import griddata
from skimage.transform import resize

from detectors.trained.spectra import colour_spectrum, cosine_spectrum, radial_profile, scaling

ODD = (61, 88)


def eight_bit(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A picture of grey levels, so that both ways round the same numbers."""
    return (pictures(1, 96, seed)[0, :, :height, :width] * 255).round() / 255


def plain_profile(image: torch.Tensor, length: int) -> np.ndarray:
    red, green, blue = (image * 255).round().double().numpy()
    grey = np.rint(0.299 * red + 0.587 * green + 0.114 * blue)
    power = 20 * np.log(np.abs(np.fft.fftshift(np.fft.fft2(grey)) + 1e-8))
    rows, columns = np.indices(grey.shape)
    radius = np.hypot(columns - (grey.shape[1] - 1) / 2, rows - (grey.shape[0] - 1) / 2).astype(int)
    rings = np.array([power[radius == ring].mean() for ring in range(1, radius.max())])
    profile = griddata(np.linspace(0, length, len(rings)), rings, np.linspace(0, length, length), method="cubic")
    return profile / profile[0]


@pytest.mark.parametrize("size", [(64, 64), ODD, (30, 77), (9, 9)])
def test_the_radial_profile_is_that_of_the_published_script(size):
    image = eight_bit(*size)
    assert_allclose(radial_profile(image, 80).numpy(), plain_profile(image, 80), rtol=1e-9)


def test_a_square_of_1024_px_has_the_722_rings_of_the_published_features():
    draws = torch.Generator().manual_seed(0)
    image = torch.randint(256, (3, 1024, 1024), generator=draws) / 255
    assert_allclose(radial_profile(image, 722).numpy(), plain_profile(image, 722), rtol=1e-9)


def test_the_profile_of_one_bright_pixel_is_flat():
    image = torch.zeros(3, 20, 20)
    image[:, 3, 5] = 1
    assert_allclose(radial_profile(image, 50).numpy(), np.ones(50), rtol=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (2, 50)])
def test_an_image_of_too_few_rings_is_repeated(size):
    image = eight_bit(*size)
    whole = image.repeat(1, -(-9 // min(size[0], 9)), -(-9 // min(size[1], 9)))
    assert torch.equal(radial_profile(image, 80), radial_profile(whole, 80))
    assert radial_profile(image, 80).isfinite().all()


def test_a_constant_image_has_a_profile_of_finite_numbers():
    assert radial_profile(torch.full((3, 30, 30), 0.5), 80).isfinite().all()


def plain_cosines(image: torch.Tensor, side: int) -> np.ndarray:
    pixels = (image * 255).round().double().numpy().transpose(1, 2, 0)
    length = min(pixels.shape[:2])
    top, left = ((whole - length) // 2 for whole in pixels.shape[:2])
    square = pixels[top : top + length, left : left + length]
    if length != side:
        square = np.clip(resize(square, (side, side), order=1, mode="reflect", anti_aliasing=True), 0, 255)
    spectrum = dctn(square.astype(np.uint8).astype(float), axes=(0, 1), norm="ortho")
    return np.log(np.abs(spectrum) + 1e-12).transpose(2, 0, 1).ravel()


@pytest.mark.parametrize("size", [(128, 128), (200, 257), (131, 300), (512, 341), (90, 70)])
def test_the_cosine_spectrum_is_that_of_the_published_script(size):
    draws = torch.Generator().manual_seed(sum(size))
    image = torch.randint(256, (3, *size), generator=draws) / 255
    assert_allclose(cosine_spectrum(image, 128).numpy(), plain_cosines(image, 128), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("before", [1, 2, 127, 129, 640])
def test_scaling_keeps_one_grey(before):
    assert_allclose(scaling(before, 128).sum(dim=1).numpy(), 1, atol=1e-12)
    spectrum = cosine_spectrum(torch.full((3, before, before), 200 / 255), 128)
    assert spectrum[0].item() == pytest.approx(math.log(25_600))


def test_the_cosine_spectrum_of_a_constant_is_its_mean_alone():
    spectrum = cosine_spectrum(torch.full((3, 8, 8), 100 / 255), 8).reshape(3, 64)
    assert_allclose(spectrum[:, 0].numpy(), math.log(800), rtol=1e-6)
    assert spectrum[:, 1:].max() < math.log(1e-3)


@pytest.mark.parametrize("size", [(64, 64), ODD])
def test_the_spectrum_of_colours_is_that_of_the_published_script(size):
    image = eight_bit(*size)
    plain = []
    for colour in image.numpy():
        power = np.log(np.abs(np.fft.fft2(colour.astype(float))) + 1e-3)
        low, high = np.percentile(power, 5), np.percentile(power, 95)
        plain.append(np.clip(((power - low) / (high - low) - 0.5) * 2, -1, 1))
    assert_allclose(colour_spectrum(image[None])[0].numpy(), np.stack(plain), atol=1e-5)


def test_a_spectrum_of_colours_by_hand():
    """The transform of (4, 2, 0, 2) / 4 is (2, 1, 0, 1)."""
    power = np.log(np.array([2, 1, 0, 1]) + 1e-3)
    low, high = np.percentile(power, [5, 95])
    spectrum = colour_spectrum(torch.tensor([1.0, 0.5, 0.0, 0.5]).reshape(1, 1, 1, 4)).flatten()
    assert_allclose(spectrum.numpy(), np.clip(2 * (power - low) / (high - low) - 1, -1, 1), atol=1e-5)


def test_a_constant_colour_has_a_spectrum_of_finite_numbers():
    assert colour_spectrum(torch.full((1, 3, 16, 16), 0.5)).isfinite().all()
