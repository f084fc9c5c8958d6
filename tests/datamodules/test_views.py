import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as old_transforms
from torchvision.transforms.v2 import functional as transforms

from datamodules import UnreadableImageError
from datamodules.view_spec import resize_short_side
from datamodules.views import cut_view
from detectors import View


@pytest.fixture
def gradient() -> Image.Image:
    """Red is the column, green the row."""
    rows, columns = np.mgrid[0:60, 0:100].astype(np.uint8)
    return Image.fromarray(np.stack([columns, rows, np.zeros_like(rows)], axis=-1))


def test_random_crop_is_a_piece_of_the_image(gradient):
    view = cut_view(gradient, View(32, "random-crop"), key=5)
    left, top = int(view[0, 0, 0]), int(view[1, 0, 0])
    assert torch.equal(view, torch.from_numpy(np.array(gradient)).permute(2, 0, 1)[:, top : top + 32, left : left + 32])


def test_random_crop_depends_on_key_and_crop_seed_alone(gradient):
    view = View(32, "random-crop")
    again = [cut_view(gradient, view, key=5) for _ in range(2)]
    assert torch.equal(*again)
    assert not torch.equal(again[0], cut_view(gradient, view, key=6))
    assert not torch.equal(again[0], cut_view(gradient, view, key=5, crop_seed=1))


def test_random_crops_reach_every_position(gradient):
    corners = {tuple(cut_view(gradient, View(58, "random-crop"), key)[:2, 0, 0].tolist()) for key in range(3000)}
    assert corners == {(x, y) for x in range(43) for y in range(3)}


def test_centre_crop_is_central(gradient):
    assert cut_view(gradient, View(32, "centre-crop"), key=0)[:2, 0, 0].tolist() == [34, 14]


@pytest.mark.parametrize("side", [1, 31, 32, 33, 57, 58, 59, 60, 61, 97, 98, 99, 101])
def test_centre_crop_is_torchvisions_at_odd_margins_too(gradient, side):
    expected = transforms.center_crop(torch.from_numpy(np.array(gradient)).permute(2, 0, 1), [side, side])
    assert torch.equal(cut_view(gradient, View(side, "centre-crop"), key=0), expected)


FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("interpolation", FILTERS)
def test_resize_does_not_keep_the_aspect(photograph, interpolation):
    expected = np.array(photograph(1).resize((24, 24), FILTERS[interpolation]))
    view = View(24, "resize", interpolation=interpolation)
    assert np.array_equal(cut_view(photograph(1), view, key=0).permute(1, 2, 0), expected)


@pytest.mark.parametrize("size", [(80, 64), (64, 80), (24, 24), (25, 71), (10, 13), (50, 50)])
@pytest.mark.parametrize("interpolation", FILTERS)
def test_short_side_is_torchvisions_resize_and_centre_crop(photograph, size, interpolation):
    image = photograph(1, size)
    mode = old_transforms.InterpolationMode(interpolation)
    expected = old_transforms.Compose([old_transforms.Resize(24, mode), old_transforms.CenterCrop(24)])(image)
    view = View(24, "short-side", interpolation=interpolation)
    assert np.array_equal(cut_view(image, view, key=0).permute(1, 2, 0), np.asarray(expected))


@pytest.mark.parametrize("size", [(80, 64), (64, 80), (27, 27), (25, 71), (10, 13)])
def test_short_side_may_be_longer_than_the_square_that_is_taken(photograph, size):
    image = photograph(1, size)
    expected = old_transforms.Compose([old_transforms.Resize(27), old_transforms.CenterCrop(24)])(image)
    cut = cut_view(image, View(24, "short-side", scaled=27), key=0)
    assert np.array_equal(cut.permute(1, 2, 0), np.asarray(expected))


@pytest.mark.parametrize("size", [(80, 64), (64, 81), (10, 13)])
def test_square_scales_the_largest_centred_square(photograph, size):
    image = photograph(1, size)
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    expected = image.crop((left, top, left + side, top + side)).resize((32, 32), Image.Resampling.BICUBIC)
    cut = cut_view(image, View(32, "square", interpolation="bicubic"), key=0)
    assert np.array_equal(cut.permute(1, 2, 0), np.asarray(expected))


def test_square_keeps_a_square_image_as_it_is(photograph):
    image = photograph(1, (50, 50))
    assert np.array_equal(cut_view(image, View(32, "square"), key=0).permute(1, 2, 0), np.asarray(image))


def test_native_keeps_the_whole_image(gradient):
    assert cut_view(gradient, View(fit="native"), key=0).shape == (3, 60, 100)


def test_small_image_is_padded_with_zeros_around_its_centre():
    view = cut_view(Image.new("RGB", (2, 4), (9, 9, 9)), View(6, "random-crop"), key=0)
    assert view[0].tolist() == [[0] * 6] + [[0, 0, 9, 9, 0, 0]] * 4 + [[0] * 6]


def translate_duplicate(image: Image.Image, side: int) -> Image.Image:
    """As the README of chuangchuangtan/NPR-DeepfakeDetection has it."""
    if min(image.size) >= side:
        return image
    width, height = image.size
    whole = Image.new("RGB", (width * math.ceil(side / width), height * math.ceil(side / height)))
    for left in range(0, whole.width, width):
        for top in range(0, whole.height, height):
            whole.paste(image, (left, top))
    return whole


SIZES = [(128, 128), (150, 150), (200, 200), (151, 117), (112, 112), (224, 224), (300, 300), (300, 100)]


@pytest.mark.parametrize("size", SIZES)
def test_a_tiled_centre_crop_is_that_of_whole_copies(photograph, size):
    image = photograph(1, size)
    expected = np.asarray(old_transforms.CenterCrop(224)(translate_duplicate(image, 224)))
    cut = cut_view(image, View(224, "centre-crop", pad="tile"), key=0).permute(1, 2, 0)
    assert np.array_equal(cut, expected)


def test_a_tiled_random_crop_reaches_every_position_of_whole_copies(gradient):
    small = gradient.crop((0, 0, 4, 3))
    whole = np.asarray(translate_duplicate(small, 5))
    assert whole.shape == (6, 8, 3)
    found = {
        tuple(cut_view(small, View(5, "random-crop", pad="tile"), key).permute(1, 2, 0).flatten().tolist())
        for key in range(300)
    }
    windows = [whole[top : top + 5, left : left + 5] for top in range(2) for left in range(4)]
    assert found == {tuple(window.flatten().tolist()) for window in windows}


def test_image_that_is_small_on_one_side_is_padded_there_only(gradient):
    view = cut_view(gradient, View(80, "centre-crop"), key=0)
    assert view.shape == (3, 80, 80)
    assert view[:, :10].sum() == 0
    assert view[0, 40].tolist() == list(range(10, 90))


def test_short_side_is_scaled_and_the_aspect_kept(gradient):
    assert resize_short_side(gradient, 30).size == (50, 30)
    assert resize_short_side(gradient, 60) is gradient
    assert resize_short_side(Image.new("RGB", (3, 5)), 256).size == (256, 427)


def test_a_strip_that_would_become_enormous_is_unreadable():
    with pytest.raises(UnreadableImageError, match="1 x 2000 is too narrow"):
        resize_short_side(Image.new("RGB", (1, 2000)), 256)


def test_a_strip_is_not_padded_to_more_pixels_than_any_image_has():
    strip = Image.new("RGB", (1, 100_000))
    with pytest.raises(UnreadableImageError, match=r"^1 x 100000 is too narrow to be padded to 2000 pixels$"):
        cut_view(strip, View(2000, "centre-crop"), 0)


def test_a_strip_is_not_scaled_to_more_pixels_than_any_image_has():
    with pytest.raises(UnreadableImageError, match=r"^1 x 100000 is too narrow to be scaled to a short side of 224$"):
        cut_view(Image.new("RGB", (1, 100_000)), View(224, "short-side"), 0)
