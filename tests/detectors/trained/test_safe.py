import argparse
import math

import numpy as np
import pytest
import torch
from PIL import Image
from plain_networks import plain_bottleneck, plain_norm
from released_cnn import spoil
from released_files import write_checkpoint
from released_files_two import pictures
from torch.nn import functional as F
from torchvision import transforms

from datamodules.views import cut_view
from detectors import View, WeightsError, create_detector
from detectors.trained.safe import Safe, SafeNetwork, diagonal_details

HIGH_PASS = [0.0, 0.0, -math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0]
"""The filter of bior1.3 that takes details, as PyWavelets lists it (``dec_hi``)."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("safe", tmp_path_factory.mktemp("safe"))


@pytest.fixture(scope="module")
def state(checkpoint):
    with torch.serialization.safe_globals([argparse.Namespace]):
        stored = torch.load(checkpoint, weights_only=True)
    assert {*stored} == {"model", "optimizer", "epoch", "scaler", "args"}
    return stored["model"]


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("safe", checkpoint=str(checkpoint))


def details_along(values, axis):
    """Convolves an array by the definition: the signal mirrored at its ends, every second value of the convolution."""
    values = np.moveaxis(values, axis, -1)
    mirrored = np.concatenate([values, values[..., ::-1]], axis=-1)  # periodic
    outputs = np.arange((values.shape[-1] + len(HIGH_PASS) - 1) // 2)
    places = [(2 * outputs + 1 - tap) % mirrored.shape[-1] for tap in range(len(HIGH_PASS))]
    return np.moveaxis(sum(w * mirrored[..., place] for w, place in zip(HIGH_PASS, places, strict=True)), -1, axis)


def plain_logits(state, images):
    """Computes the two logits from the stored tensors."""
    details = torch.from_numpy(details_along(details_along(images.double().numpy(), 2), 3)).float()
    x = transforms.Resize(list(images.shape[2:]))(details)
    x = F.relu(plain_norm(state, "bn1", F.conv2d(x, state["conv1.weight"], stride=2, padding=1)))
    x = F.max_pool2d(x, 3, 2, 1)
    for layer, blocks in ((1, 3), (2, 4)):
        for block in range(blocks):
            x = plain_bottleneck(state, f"layer{layer}.{block}", x, 2 if (layer, block) == (2, 0) else 1)
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), state["fc1.weight"], state["fc1.bias"])


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (6, 5), (2, 3), (1, 4)])
def test_details_are_those_of_the_convolution_at_odd_sizes_and_at_the_borders(size):
    images = torch.rand(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = details_along(details_along(images.numpy(), 2), 3)
    torch.testing.assert_close(diagonal_details(images), torch.from_numpy(expected), rtol=1e-12, atol=1e-12)


@torch.inference_mode()
@pytest.mark.parametrize("size", [(256, 256), (101, 67)])
def test_logits_are_those_of_the_published_forward(detector, state, size):
    images = pictures(3, 256, seed=1)[:, :, : size[0], : size[1]]
    logits = plain_logits(state, images)
    expected = logits[:, 1] - logits[:, 0]
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-5, atol=1e-5)
    probabilities = logits.double().softmax(dim=1)[:, 1]
    torch.testing.assert_close(detector(images, torch.arange(3)), probabilities, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.02


@torch.inference_mode()
@pytest.mark.parametrize("size", [(301, 278), (100, 333)])
def test_a_picture_is_cropped_as_published_and_never_scaled(detector, state, size):
    pixels = (pictures(1, 333, seed=2)[0, :, : size[0], : size[1]] * 255).byte()
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    published = transforms.Compose([transforms.CenterCrop([256, 256]), transforms.ToTensor()])(picture)
    shown = cut_view(picture, detector.view, key=1)[None] / 255
    expected = plain_logits(state, published[None])
    torch.testing.assert_close(detector.logits(shown), expected[:, 1] - expected[:, 0], rtol=1e-5, atol=1e-5)
    assert detector.view == View(256, "centre-crop", "zeros")
    assert detector.unscaled


@torch.inference_mode()
@pytest.mark.parametrize(("bias", "generated"), [((-30.0, 30.0), True), ((30.0, -30.0), False)])
def test_the_second_logit_is_that_of_generated_images(state, tmp_path, bias, generated):
    torch.save({**state, "fc1.bias": torch.tensor(bias)}, tmp_path / "sure.pth")
    scores = create_detector("safe", checkpoint=str(tmp_path / "sure.pth"))(pictures(2, 64), torch.arange(2))
    assert ((scores > 0.5) == generated).all()


def test_the_network_has_the_published_size():
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in SafeNetwork().state_dict().items()}
    assert len(shapes) == 146
    assert shapes["conv1.weight"] == (64, 3, 3, 3)
    assert shapes["layer1.2.conv3.weight"] == (256, 64, 1, 1)
    assert shapes["layer2.3.conv2.weight"] == (128, 128, 3, 3)
    assert (shapes["fc1.weight"], shapes["fc1.bias"]) == ((2, 512), (2,))
    assert sum(math.prod(shape) for shape in shapes.values()) == 1_447_897 + 513  # that of NPR, and one logit more


def test_a_network_of_npr_is_refused(tmp_path):
    file = write_checkpoint("npr", tmp_path)
    with pytest.raises(WeightsError, match=r"does not fit SafeNetwork: 2 of another shape \(such as fc1\.bias\)\.$"):
        create_detector("safe", checkpoint=str(file))


@pytest.mark.parametrize("how", ["truncated", "code"])
def test_a_spoilt_file_is_refused_in_one_line(checkpoint, tmp_path, how):
    message = spoil(checkpoint, tmp_path / "spoilt.pth", how)
    with pytest.raises(WeightsError, match=message):
        create_detector("safe", checkpoint=str(tmp_path / "spoilt.pth"))


def test_the_released_file_was_trained_on_progan(detector):
    assert detector.trained_on == ("progan",)
    assert [one.licence for one in Safe.released] == ["Apache-2.0"]
