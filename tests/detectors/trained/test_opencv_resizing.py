import zlib

import numpy as np
import pytest
import torch
from released_files_two import pictures

from detectors.trained.opencv_resizing import opencv_resized

RECORDED = {
    (300, 421): 1813072384,
    (64, 64): 2367893746,
    (448, 448): 3061961650,
    (17, 31): 2764505760,
    (223, 500): 3923932160,
    (1, 3): 3807447443,
}
"""CRC-32 of what ``cv2.resize(image, (224, 224), interpolation=cv2.INTER_LINEAR)`` of OpenCV 5.0.0 gives."""


def pattern(height, width):
    """Makes a picture of 8 bits that every machine makes alike, ``(H, W, 3)``."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(x * 37 + y * 101) % 256, (x * x + y * 7) % 256, (x * y * 13 + 5) % 256], axis=-1).astype(np.uint8)


def resized(image, side):
    pixels = opencv_resized(torch.from_numpy(image).permute(2, 0, 1) / 255, side) * 255
    assert (pixels - pixels.round()).abs().max() < 1e-4  # of 8 bits again
    return np.ascontiguousarray(pixels.round().to(torch.uint8).permute(1, 2, 0).numpy())


@pytest.mark.parametrize(("size", "checksum"), RECORDED.items())
def test_it_is_opencv_to_the_bit(size, checksum):
    assert zlib.crc32(resized(pattern(*size), 224).tobytes()) == checksum


@pytest.mark.parametrize("size", [(300, 421), (90, 61), (224, 5)])
def test_it_is_the_bilinear_mean_of_four_pixels_but_for_rounding(size):
    image = pattern(*size)
    rows, columns = (
        np.clip((np.arange(32) + 0.5) * length / 32 - 0.5, 0, length - 1).reshape(shape)
        for length, shape in zip(size, ((32, 1), (1, 32)), strict=True)
    )
    top, left = (np.floor(places).astype(int) for places in (rows, columns))
    bottom, right = np.minimum(top + 1, size[0] - 1), np.minimum(left + 1, size[1] - 1)
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    assert np.abs(resized(image, 32) - (upper * (1 - down) + lower * down)).max() <= 1


def test_an_image_of_the_size_stays_as_it_is():
    image = (pictures(1, 32)[0] * 255).round() / 255
    torch.testing.assert_close(opencv_resized(image, 32), image, rtol=0, atol=1e-7)
