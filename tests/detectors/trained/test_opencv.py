import hashlib

import numpy as np
import pytest
import torch

from detectors.trained.opencv import resize_linear


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


def test_values_by_hand():
    picture = np.array([[0, 50, 100], [150, 200, 250]], dtype=np.uint8)[..., None].repeat(3, axis=2)
    # Columns lie at -0.125, 0.625, 1.375 and 2.125, rows at -0.17, 0.5 and 1.17: 31.25, 68.75; the rows' mean.
    expected = [[0, 31, 69, 100], [75, 106, 144, 175], [150, 181, 219, 250]]
    assert resized(picture, 3, 4)[..., 0].tolist() == expected


def test_a_picture_of_the_size_wanted_stays():
    assert np.array_equal(resized(made(9, 12), 9, 12), made(9, 12))


def test_a_single_pixel_fills_the_picture():
    assert np.array_equal(resized(made(1, 1) + 77, 4, 3), np.full((4, 3, 3), made(1, 1)[0, 0] + 77))
