"""The view of a tensor is the view of the picture, but for rounding."""

import numpy as np
import pytest
import torch
from PIL import Image

from datamodules.tensor_pictures import TensorPicture
from datamodules.views import cut_view, fitted
from detectors import View

VIEWS = [
    View(32, "resize"),
    View(100, "resize"),
    View(32, "resize", interpolation="bicubic"),
    View(32, "short-side"),
    View(32, "short-side", scaled=48),
    View(32, "square"),
    View(32, "centre-crop"),
    View(32, "random-crop"),
    View(200, "random-crop"),
    View(200, "centre-crop", pad="tile"),
    View(fit="native"),
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("size", [(80, 64), (61, 97)])
def test_a_tensor_is_cut_as_the_picture_is(photograph, view, size):
    picture = photograph(3, size)
    cut = cut_view(picture, view, key=7, crop_seed=1).float()
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()
    tensor = fitted(TensorPicture(pixels), view, 7, 1).pixels
    assert tensor.shape == cut.shape
    scaled = view.fit in ("resize", "short-side", "square")
    # Pillow scales one axis after the other and rounds after each; a cubic filter reaches beyond 0 and 255, too.
    assert (tensor.clamp(0, 255) - cut).abs().max() <= (1.01 if scaled else 0)


def test_what_lies_beyond_a_tensor_is_black():
    cut = TensorPicture(torch.ones(3, 2, 2)).crop((-1, 0, 3, 1)).pixels
    assert cut[0].tolist() == [[0, 1, 1, 0]]


def test_a_crop_has_the_gradient_of_its_own_pixels():
    pixels = torch.zeros(3, 4, 5, requires_grad=True)
    TensorPicture(pixels).crop((1, 2, 4, 3)).pixels.sum().backward()
    assert pixels.grad is not None
    assert pixels.grad[0].nonzero().tolist() == [[2, 1], [2, 2], [2, 3]]


def test_black_borders_are_those_of_pillow():
    picture = Image.new("RGB", (3, 2), (9, 8, 7))
    view = cut_view(picture, View(5, "centre-crop"), key=0)
    assert view[0].tolist() == [[0] * 5, [0, 9, 9, 9, 0], [0, 9, 9, 9, 0], [0] * 5, [0] * 5]
