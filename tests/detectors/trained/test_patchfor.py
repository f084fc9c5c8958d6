import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from PIL import Image
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from released_fitted import ARCHITECTURES, SEPARABLE, patchfor_shapes, random_patchfor, save_patchfor
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision import transforms
from torchvision.models import resnet18

from datamodules.views import cut_view
from detectors import OptionError, View, WeightsError, create_detector
from detectors.trained.fitted_file import FACTS
from detectors.trained.networks.xception import initial_state
from detectors.trained.patchfor import PatchFor

PUBLISHED = transforms.Compose(
    [
        transforms.Resize(299, transforms.InterpolationMode.LANCZOS),
        transforms.CenterCrop(299),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ]
)
FAKE = 0
"""The published class of generated images."""


def load(file, **options):
    with small_network("patchfor"):
        return create_detector("patchfor", checkpoint=str(file), **options)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("patchfor", tmp_path_factory.mktemp("patchfor"))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return load(checkpoint)


@pytest.fixture
def biased(tmp_path):
    """Writes a network that is sure of a class, in the released layout or as a fitting does."""

    def write(bias, detector=None):
        state = random_patchfor(1) | {"convout.bias": torch.tensor(bias)}
        if detector is None:
            return save_patchfor(state, tmp_path / "latest_net_D.pth")
        file = tmp_path / "fitted.safetensors"
        record = {"detector": detector, "trained_on": ["sd14"]}
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, file, {FACTS: json.dumps(record)})
        return file

    return write


def plain_norm(state, name, x):
    mean, variance, weight, bias = (
        state[f"{name}.{part}"].reshape(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def plain_logits(state, x):
    """Computes the two logits of every patch from the stored tensors, of inputs that are normalised."""
    x = F.relu(plain_norm(state, "bn1", F.conv2d(x, state["conv1.weight"], stride=2)))
    x = F.relu(plain_norm(state, "bn2", F.conv2d(x, state["conv2.weight"])))
    for number in sorted({int(name[5]) for name in state if name.startswith("block")}):
        name, strided, start = f"block{number}", number <= 3, int(number > 1)
        inner = x
        for at in range(SEPARABLE[number]):
            place = 3 * at + start
            inner = F.relu(inner) if place else inner
            depthwise = state[f"{name}.rep.{place}.conv1.weight"]
            inner = F.conv2d(inner, depthwise, padding=1, groups=len(depthwise))
            inner = F.conv2d(inner, state[f"{name}.rep.{place}.pointwise.weight"])
            inner = plain_norm(state, f"{name}.rep.{place + 1}", inner)
        if strided:
            inner = F.max_pool2d(inner, 3, stride=2, padding=1)
            x = plain_norm(state, f"{name}.skipbn", F.conv2d(x, state[f"{name}.skip.weight"], stride=2))
        x = inner + x
    return F.conv2d(x, state["convout.weight"], state["convout.bias"])


@torch.inference_mode()
@pytest.mark.parametrize("size", [(401, 333), (213, 500), (128, 128), (299, 299)])
def test_an_image_is_prepared_and_scored_as_published(detector, checkpoint, size):
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    pixels = (pictures(1, 500, seed=1)[0, :, : size[1], : size[0]] * 255).byte()
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    patches = plain_logits(state, PUBLISHED(image)[None])
    after_softmax = patches.double().softmax(dim=1).mean(dim=(2, 3))[:, FAKE]
    shown = cut_view(image, detector.view, key=1)[None] / 255
    torch.testing.assert_close(detector(shown, torch.arange(1)), after_softmax, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(detector.logits(shown), torch.logit(after_softmax), rtol=1e-5, atol=1e-5)
    before_softmax = patches.double().mean(dim=(2, 3)).softmax(dim=1)[:, FAKE]
    assert (before_softmax - after_softmax).abs() > 1e-3  # the other average of the published code
    bilinear = cut_view(image, View(299, "short-side"), key=1)[None] / 255
    assert min(size) == 299 or (detector.logits(bilinear) - detector.logits(shown)).abs() > 1e-3


@torch.inference_mode()
@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_the_network_is_cut_where_the_file_ends(block, tmp_path):
    state = random_patchfor(block)
    detector = load(save_patchfor(state, tmp_path / f"{block}_net_D.pth"))
    images = [pictures(1, 67, seed=2)[0, :, :59], pictures(1, 45, seed=3)[0], pictures(1, 90, seed=4)[0, :, :, :31]]
    patches = [plain_logits(state, 2 * image[None] - 1)[0].flatten(1).double() for image in images]
    expected = torch.stack([logits.softmax(dim=0)[FAKE].mean() for logits in patches])
    torch.testing.assert_close(torch.sigmoid(detector.logits(images)), expected, rtol=1e-5, atol=1e-6)
    towards_fake = (patches[0][0] - patches[0][1])[None].float()
    torch.testing.assert_close(detector.training_logits(images[0][None]), towards_fake, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.02
    assert towards_fake.shape[1] > 1
    assert detector.block == block


def test_the_release_has_the_training_around_the_network(checkpoint):
    stored = torch.load(checkpoint, weights_only=True)
    assert {*stored} == {"state_dict", "optimizer", "scheduler", "epoch", "best_val_metric", "best_val_ep"}
    assert {*stored["state_dict"]} == {*patchfor_shapes(2, **ARCHITECTURES["patchfor"])}


@torch.inference_mode()
def test_the_first_logit_is_that_of_generated_images_where_nothing_says_otherwise(biased):
    images = pictures(2, 56)
    for bias, sign in (([30.0, -30.0], 1), ([-30.0, 30.0], -1)):
        detector = load(biased(bias))
        assert (sign * (detector(images, torch.arange(2)) - 0.5) > 0.49).all()
        assert (sign * detector.logits(images) > 10).all()
        assert (sign * detector.training_logits(images) > 10).all()
        assert detector.generated == 0


@torch.inference_mode()
def test_in_a_fitted_file_it_is_the_second(biased):
    images = pictures(2, 56)
    for bias, sign in (([-30.0, 30.0], 1), ([30.0, -30.0], -1)):
        fitted = load(biased(bias, "patchfor"))
        assert (sign * (fitted(images, torch.arange(2)) - 0.5) > 0.49).all()
        assert (sign * fitted.training_logits(images) > 10).all()
        assert (fitted.generated, fitted.trained_on) == (1, ("sd14",))
    with pytest.raises(WeightsError, match=r"was fitted for the detector timm, not for patchfor\.$"):
        load(biased([0.0, 0.0], "timm"))


@torch.inference_mode()
def test_the_option_comes_before_the_record_and_is_in_the_fingerprint(biased):
    images, file = pictures(2, 56), biased([-30.0, 30.0])
    assert (load(file, generated=1)(images, torch.arange(2)) > 0.99).all()
    assert load(file, generated=1).fingerprint() != load(file).fingerprint() == load(file, generated=0).fingerprint()
    assert load(biased([30.0, -30.0], "patchfor"), generated=0)(images, torch.arange(2)).min() > 0.99


def test_another_class_is_an_error(checkpoint):
    with pytest.raises(OptionError, match=r"^generated must be 0 or 1, got 2\.$"):
        load(checkpoint, generated=2)


def test_large_logits_stay_apart_and_one_patch_is_its_own_logit(detector):
    logits = torch.tensor([-200.0, -60.0, -59.0, 0.0, 20.0, 21.0])
    outputs = torch.stack([logits, torch.zeros(6)], dim=1)[:, :, None, None]
    torch.testing.assert_close(detector.towards_generated(outputs), logits.double(), rtol=1e-12, atol=1e-12)
    scores = torch.sigmoid(detector.towards_generated(outputs))
    assert scores.tolist() == sorted(scores.tolist())
    assert len(scores.unique()) == 6
    pair = torch.tensor([[[[-60.0, -59.0]], [[0.0, 0.0]]]])
    expected = (np.exp(-60) + np.exp(-59)) / 2  # both far from rounding to 0
    assert torch.sigmoid(detector.towards_generated(pair)).item() == pytest.approx(expected, rel=1e-9)


def test_cross_entropy_of_the_training_logits_is_the_published_one(detector):
    images, labels = pictures(4, 56), torch.tensor([0, 1, 1, 0])
    logits = detector.training_logits(images)
    loss = F.binary_cross_entropy_with_logits(logits, labels[:, None].expand_as(logits).float())
    outputs = detector.network(2 * images - 1)
    classes = torch.where(labels == 1, FAKE, 1 - FAKE)[:, None, None].expand(-1, *outputs.shape[2:])
    torch.testing.assert_close(loss, F.cross_entropy(outputs, classes))


def test_a_training_starts_from_first_weights_and_has_gradients(tmp_path):
    save_file(initial_state(0, 2, **ARCHITECTURES["patchfor"]), tmp_path / "start.safetensors")
    detector = load(tmp_path / "start.safetensors", generated=1)
    detector.network.requires_grad_(True).train()
    detector.training_logits(pictures(2, 56)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in detector.network.parameters())


def test_the_folder_of_the_release_says_what_the_file_was_trained_on(checkpoint, tmp_path, monkeypatch):
    (release,) = PatchFor.released
    file = tmp_path / release.name
    file.parent.mkdir()
    file.write_bytes(checkpoint.read_bytes())
    assert load(file).trained_on == ("progan",)
    monkeypatch.chdir(file.parent)
    assert load("bestval_net_D.pth").release == release
    assert load(checkpoint).trained_on == ()  # the name alone is that of every training


def truncated(checkpoint, file):
    file.write_bytes(checkpoint.read_bytes()[:-5000])


def foreign(checkpoint, file):
    torch.save({"state_dict": resnet18().state_dict()}, file)


def too_deep(checkpoint, file):
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    save_patchfor(state | {"block6.rep.1.conv1.weight": torch.zeros(28, 1, 3, 3)}, file)


def with_code(checkpoint, file):
    torch.save({"state_dict": OrderedDict(), "hook": print}, file)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (truncated, "is not a readable weights file: "),
        (foreign, r"does not fit PatchXception: .*missing \(such as block1\..*unexpected"),
        (too_deep, r"does not fit PatchXception: .*1 unexpected \(such as block6\.rep\.1\.conv1\.weight"),
        (with_code, r"is not a readable weights file: it holds print, and code in a file is never run"),
    ],
)
def test_a_spoilt_file_is_refused_in_one_line(checkpoint, tmp_path, spoil, reason):
    spoil(checkpoint, tmp_path / "spoilt.pth")
    with pytest.raises(WeightsError, match=rf"^[^\n]*spoilt\.pth {reason}[^\n]*$"):
        load(tmp_path / "spoilt.pth")


@pytest.mark.slow  # the published size
@torch.inference_mode()
def test_the_network_of_the_published_size_runs(tmp_path):
    """The deepest one: 17 MB of weights, and about 0.3 GB for one image."""
    state = initial_state(0, 5)
    assert sum(tensor.nbytes for tensor in state.values()) < 18e6
    detector = create_detector("patchfor", checkpoint=str(save_patchfor(state, tmp_path / "5_net_D.pth")))
    images = pictures(1, 299)
    assert detector.training_logits(images).shape == (1, 19 * 19)
    expected = plain_logits(state, 2 * images - 1).double().softmax(dim=1)[:, FAKE].mean(dim=(1, 2))
    torch.testing.assert_close(detector(images, torch.arange(1)), expected, rtol=1e-5, atol=1e-6)
