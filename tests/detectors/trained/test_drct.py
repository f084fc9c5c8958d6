import numpy as np
import pytest
import torch
from PIL import Image
from plain_networks import part_of, plain_clip, plain_convnext, text_shapes
from released_cnn import ARCHITECTURES, drct_shapes, spoil, write_drct
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from torch.nn import functional as F

from datamodules.views import cut_view
from detectors import View, WeightsError, create_detector
from detectors.trained.drct import TEXT, Drct

SIZES = ARCHITECTURES["drct"]
SHAPES = [(224, 224), (227, 301), (101, 223), (300, 57), (225, 226)]
KINDS = pytest.mark.parametrize("on_clip", [False, True], ids=["convnext", "clip"])


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drct")
    return {on_clip: write_drct(folder, on_clip) for on_clip in (False, True)}


def create(file):
    with small_network("drct"):
        return create_detector("drct", checkpoint=str(file))


def published_crop(picture):
    """Computes what albumentations does: black around a smaller image, the centre, and the normalisation of bytes."""
    pixels = np.asarray(picture)
    missing = [max(0, 224 - length) for length in pixels.shape[:2]]
    pixels = np.pad(pixels, [(int(rows / 2.0), rows - int(rows / 2.0)) for rows in missing] + [(0, 0)])
    top, left = ((length - 224) // 2 for length in pixels.shape[:2])
    pixels = pixels[top : top + 224, left : left + 224].astype(np.float32)
    mean, std = (np.array(values, np.float32) * 255 for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return torch.from_numpy((pixels - mean) / std).permute(2, 0, 1)


def plain_logits(state, inputs):
    """Computes the two logits from the stored tensors."""
    if "model.fc.weight" in state:
        clip = SIZES["clip"]
        visual = part_of(state, "model.model.visual.")
        features = plain_clip(visual, inputs, clip["layers"], heads=clip["width"] // 64)
        embedding = F.linear(features, state["model.fc.weight"], state["model.fc.bias"])
    else:
        own = part_of(state, "model.")
        features = plain_convnext(own, inputs, SIZES["convnext"]["depths"], 1e-6).mean(dim=(2, 3))
        features = F.layer_norm(features, features.shape[1:], own["head.norm.weight"], own["head.norm.bias"], 1e-6)
        embedding = F.linear(features, own["head.fc.weight"], own["head.fc.bias"])
    return F.linear(embedding, state["fc.weight"], state["fc.bias"])


@torch.inference_mode()
@KINDS
def test_logits_are_those_of_the_published_forward_and_crop_at_odd_sizes(checkpoints, on_clip):
    state = torch.load(checkpoints[on_clip], weights_only=True)
    drawn = pictures(len(SHAPES), 301, seed=1)
    shown = [(image[:, :height, :width] * 255).byte() for image, (height, width) in zip(drawn, SHAPES, strict=True)]
    images = [Image.fromarray(pixels.permute(1, 2, 0).numpy()) for pixels in shown]
    expected = plain_logits(state, torch.stack([published_crop(image) for image in images]))
    difference = expected[:, 1] - expected[:, 0]
    detector = create(checkpoints[on_clip])
    views = [cut_view(image, detector.view, key=1) / 255 for image in images]
    torch.testing.assert_close(detector.logits(views), difference, rtol=1e-5, atol=1e-5)
    scores = detector(views, torch.arange(len(views)))
    torch.testing.assert_close(scores, expected.double().softmax(dim=1)[:, 1], rtol=1e-5, atol=1e-5)
    assert difference.std() > 0.05
    assert (detector.view, detector.unscaled) == (View(fit="native"), True)


def released_network(on_clip, monkeypatch):
    detector = Drct.__new__(Drct)
    torch.nn.Module.__init__(detector)
    detector.on_clip = on_clip
    monkeypatch.setattr("torch.nn.Module.to_empty", lambda network, device: network)  # stays without memory
    return detector.build()


@KINDS
def test_the_released_networks_have_the_published_names_and_shapes(on_clip, monkeypatch):
    own = {name: tuple(value.shape) for name, value in released_network(on_clip, monkeypatch).state_dict().items()}
    text = text_shapes(12, 768, words=49_408, length=77, features=768)
    stated = drct_shapes(Drct.architecture, text if on_clip else None)
    known = {name for name in stated if name.startswith(TEXT)}
    assert known == ({f"model.model.{name}" for name in text} if on_clip else set())
    assert own == {name.replace("model.model.", "model."): stated[name] for name in stated.keys() - known}
    assert sum(torch.Size(shape).numel() for shape in own.values()) == (304_755_714 if on_clip else 88_618_114)


@pytest.mark.slow
@KINDS
@torch.inference_mode()
def test_a_pass_of_the_released_size(on_clip):
    """355 MB of weights for ConvNeXt-B, 1.22 GB for CLIP ViT-L/14."""
    detector = Drct.__new__(Drct)
    torch.nn.Module.__init__(detector)
    detector.on_clip = on_clip
    network = detector.build()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.02)
    assert network.eval()(pictures(1, 224) - 0.5).shape == (1, 2)
    assert sum(parameter.nbytes for parameter in network.parameters()) < (1.23e9 if on_clip else 0.36e9)


@torch.inference_mode()
@KINDS
@pytest.mark.parametrize(("bias", "generated"), [((-90.0, 90.0), True), ((90.0, -90.0), False)])
def test_the_second_logit_is_that_of_generated_images(checkpoints, tmp_path, on_clip, bias, generated):
    state = torch.load(checkpoints[on_clip], weights_only=True)
    torch.save({**state, "fc.bias": torch.tensor(bias)}, tmp_path / "sure.pth")
    scores = create(tmp_path / "sure.pth")(pictures(2, 64), torch.arange(2))
    assert ((scores > 0.5) == generated).all()


@KINDS
def test_the_files_of_the_release_say_what_they_were_trained_on(checkpoints, on_clip):
    assert create(checkpoints[on_clip]).trained_on == ("sd14", "stable-diffusion-inpainting")


@KINDS
def test_another_head_or_another_network_is_refused(checkpoints, tmp_path, on_clip):
    state = torch.load(checkpoints[on_clip], weights_only=True)
    torch.save({**state, "model.extra.weight": torch.zeros(1)}, tmp_path / "more.pth")
    with pytest.raises(WeightsError, match=r"DrctNetwork: 1 unexpected \(such as model\.extra\.weight\)\.$"):
        create(tmp_path / "more.pth")
    with pytest.raises(WeightsError, match=r"^[^\n]*does not fit DrctNetwork: \d+ missing [^\n]*$"):
        create(write_checkpoint("safe", tmp_path))


@pytest.mark.parametrize("how", ["truncated", "code"])
def test_a_spoilt_file_is_refused_in_one_line(checkpoints, tmp_path, how):
    message = spoil(checkpoints[False], tmp_path / "spoilt.pth", how)
    with pytest.raises(WeightsError, match=message):
        create(tmp_path / "spoilt.pth")
