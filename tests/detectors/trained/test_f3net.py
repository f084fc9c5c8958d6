import numpy as np
import pytest
import timm
import torch
from released_files import write_checkpoint
from released_files_two import pictures
from test_f3net_network import plain_decomposition
from torch.nn import functional as F

from datamodules.views import cut_view
from detectors import View, WeightsError, create_detector

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("f3net", tmp_path_factory.mktemp("f3net"))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("f3net", checkpoint=str(checkpoint))


def plain_logits(checkpoint, images):
    """Computes from the stored tensors: scipy's transform and timm's Xception without its classifier."""
    stored = torch.load(checkpoint, weights_only=True)
    state = {name.removeprefix("module."): value for name, value in stored.items()}
    body = timm.create_model("legacy_xception", num_classes=0, in_chans=12).eval()
    own = {name.removeprefix("FAD_xcep."): value for name, value in state.items() if name.startswith("FAD_xcep.")}
    body.load_state_dict({name: value for name, value in own.items() if not name.startswith("fc.")})
    return F.linear(body(plain_decomposition(state, 2 * images - 1)), state["fc.weight"], state["fc.bias"]).flatten()


@torch.inference_mode()
def test_logits_are_those_of_the_stored_network(detector, checkpoint):
    images = pictures(2, 299, seed=1)
    expected = plain_logits(checkpoint, images)
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(detector(images, torch.arange(2)), torch.sigmoid(expected.double()), rtol=0, atol=1e-3)
    assert (expected[0] - expected[1]).abs() > 0.1


@torch.inference_mode()
def test_images_of_other_sizes_are_scaled(detector):
    images = pictures(1, 320, seed=2)
    scaled = F.interpolate(images, size=(299, 299), mode="bicubic", antialias=True).clamp(0, 1)
    torch.testing.assert_close(detector.logits(images), detector.logits(scaled), rtol=0, atol=1e-3)


@torch.inference_mode()
def test_the_view_is_the_published_one(detector, checkpoint, photograph):
    image = photograph(1, (320, 240))
    published = torch.from_numpy(np.array(image.resize((299, 299)))).permute(2, 0, 1)  # bicubic by Pillow's default
    view = cut_view(image, detector.view, key=0)
    assert torch.equal(view, published)
    expected = plain_logits(checkpoint, published[None] / 255)
    torch.testing.assert_close(detector.logits(view[None] / 255), expected, rtol=1e-3, atol=1e-3)
    bilinear = cut_view(image, View(299, "resize"), key=0)
    assert (detector.logits(bilinear[None] / 255) - expected).abs() > 5e-3


def test_what_it_was_trained_on_is_not_known_unless_it_is_said(detector, checkpoint):
    assert detector.trained_on == ()
    told = create_detector("f3net", checkpoint=str(checkpoint), trained_on="sd14+adm")
    assert told.trained_on == ("sd14", "adm")


def test_a_file_of_the_whole_network_is_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    state["module.LFS_head._DCT_patch"] = torch.eye(10)
    torch.save(state, tmp_path / "both.pth")
    with pytest.raises(WeightsError, match=r"LFS_head\._DCT_patch"):
        create_detector("f3net", checkpoint=str(tmp_path / "both.pth"))
