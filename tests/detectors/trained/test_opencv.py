import hashlib
import zlib

import numpy as np
import pytest
import torch

from detectors.trained.opencv import resize_linear

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


def made(height, width):
    values = np.arange(height * width * 3) * 7919 % 10007 % 256
    return values.astype(np.uint8).reshape(height, width, 3)


def resized(picture, height, width):
    tensor = resize_linear(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255, height, width)
    return (tensor[0] * 255).round().byte().permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("old", "new", "sha256"),
    [
        ((31, 23), (44, 57), "db3eacf8dfabccf3668ffc1fcde3bce105003af21045c504844150d284e35aa0"),
        ((64, 90), (38, 38), "46410a3b71dc9183930a25a09a67321d8849c8e9d572f8444301c66b51876f74"),
        ((3, 5), (8, 4), "68c6993a991298ccc2404ef97c4db5537833e39e5380df85f368dcd7c5aed87e"),
    ],
)
def test_pictures_are_those_that_opencv_gave(old, new, sha256):
    """The checksums are those of cv2.resize of opencv-python-headless 4.14.0 and of 5.0.0."""
    assert hashlib.sha256(resized(made(*old), *new).tobytes()).hexdigest() == sha256


@pytest.mark.parametrize(("size", "checksum"), RECORDED.items())
def test_squares_are_those_that_opencv_gave(size, checksum):
    assert zlib.crc32(np.ascontiguousarray(resized(pattern(*size), 224, 224)).tobytes()) == checksum


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
    assert np.abs(resized(image, 32, 32) - (upper * (1 - down) + lower * down)).max() <= 1


def test_values_by_hand():
    picture = np.array([[0, 50, 100], [150, 200, 250]], dtype=np.uint8)[..., None].repeat(3, axis=2)
    # Columns lie at -0.125, 0.625, 1.375 and 2.125, rows at -0.17, 0.5 and 1.17: 31.25, 68.75; the rows' mean.
    expected = [[0, 31, 69, 100], [75, 106, 144, 175], [150, 181, 219, 250]]
    assert resized(picture, 3, 4)[..., 0].tolist() == expected


def test_a_picture_of_the_size_wanted_stays():
    assert np.array_equal(resized(made(9, 12), 9, 12), made(9, 12))


def test_a_single_pixel_fills_the_picture():
    assert np.array_equal(resized(made(1, 1) + 77, 4, 3), np.full((4, 3, 3), made(1, 1)[0, 0] + 77))
