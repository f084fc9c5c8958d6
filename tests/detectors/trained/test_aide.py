import argparse

import numpy as np
import pytest
import torch
from PIL import Image
from plain_networks import part_of, plain_convnext, plain_resnet
from released_cnn import ARCHITECTURES, aide_shapes, spoil
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from scipy.fft import dctn
from torch.nn import functional as F
from torchvision import transforms

from datamodules.views import cut_view
from detectors import View, WeightsError, create_detector
from detectors.trained import aide
from detectors.trained.aide import UNUSED, Aide, detail, extreme_patches

SIZES = ARCHITECTURES["aide"]
SHAPES = [(99, 131), (64, 64), (200, 47), (33, 90)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("aide", tmp_path_factory.mktemp("aide"))


@pytest.fixture(scope="module")
def state(checkpoint):
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(checkpoint, weights_only=True)["model"]


def create(file):
    with small_network("aide"):
        return create_detector("aide", checkpoint=str(file))


def published_patches(image):
    """Takes the least, the most, the second least and the second most detailed of all patches, one by one."""
    pixels, grades, patches = image.numpy(), [], []
    for top in range(0, pixels.shape[1] - 31, 16):
        for left in range(0, pixels.shape[2] - 31, 16):
            patch = pixels[:, top : top + 32, left : left + 32]
            logarithms = np.log(np.abs(dctn(patch.astype(np.float64), axes=(1, 2), norm="ortho")) + 1)
            grade = 0.0
            for band in range(6):
                start, end = 32 * 2.0 / 6 * band, 32 * 2.0 / 6 * (band + 1)
                inside = np.array([[float(start <= i + j <= end) for j in range(32)] for i in range(32)])
                grade += 2**band * (logarithms * inside / inside.sum()).sum()
            grades.append(grade)
            patches.append(torch.from_numpy(patch.copy()))
    order = np.argsort(grades)
    return [patches[order[place]] for place in (0, -1, 1, -2)], grades


def plain_logits(state, image):
    """Computes the two logits from the stored tensors, with the published preprocessing."""
    resize = transforms.Resize([SIZES["side"]] * 2, antialias=False)
    normalise = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    patches = [normalise(resize(patch)) for patch in published_patches(image)[0]]
    noise = []
    for patch, which in zip(patches, ("min", "max", "min", "max"), strict=True):
        filtered = F.conv2d(patch[None], state["hpf.hpf.weight"], padding=2)
        resnet = part_of(state, f"model_{which}.")
        noise.append(plain_resnet(resnet, filtered, SIZES["blocks"], stride=2).mean(dim=(2, 3)))
    whole = normalise(resize(image))[None]
    clip_mean, clip_std, mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (
            (0.48145466, 0.4578275, 0.40821073),
            (0.26862954, 0.26130258, 0.27577711),
            (0.485, 0.456, 0.406),
            (0.229, 0.224, 0.225),
        )
    )
    whole = whole * (std / clip_std) + (mean - clip_mean) / clip_std
    convnext = part_of(state, "openclip_convnext_xxl.")
    places = plain_convnext(convnext, whole, SIZES["depths"], 1e-5).movedim(1, -1)
    places = F.layer_norm(places, places.shape[-1:], convnext["head.norm.weight"], convnext["head.norm.bias"], 1e-5)
    content = F.linear(places.mean(dim=(1, 2)), state["convnext_proj.0.weight"], state["convnext_proj.0.bias"])
    features = torch.cat([content, sum(noise) / 4], dim=1)
    hidden = F.gelu(F.linear(features, state["fc.fc1.weight"], state["fc.fc1.bias"]))
    return F.linear(hidden, state["fc.fc2.weight"], state["fc.fc2.bias"])[0]


@pytest.fixture(scope="module")
def images():
    drawn = pictures(len(SHAPES), 200, seed=1)
    drawn = [image[:, :height, :width] for image, (height, width) in zip(drawn, SHAPES, strict=True)]
    return [Image.fromarray((image * 255).byte().permute(1, 2, 0).numpy()) for image in drawn]


@pytest.mark.heavy
@torch.inference_mode()
def test_logits_are_those_of_the_published_forward_at_odd_sizes(checkpoint, state, images):
    expected = torch.stack([plain_logits(state, transforms.ToTensor()(image)) for image in images])
    detector = create(checkpoint)
    views = [cut_view(image, detector.view, key=1) / 255 for image in images]
    torch.testing.assert_close(detector.logits(views), expected[:, 1] - expected[:, 0], rtol=1e-5, atol=1e-5)
    scores = detector(views, torch.arange(len(views)))
    torch.testing.assert_close(scores, expected.double().softmax(dim=1)[:, 1], rtol=1e-5, atol=1e-5)
    assert (expected[:, 1] - expected[:, 0]).std() > 0.02
    assert (detector.view, detector.unscaled) == (View(fit="native"), True)


def test_patches_and_their_grades_are_the_published_ones(images):
    for image in map(transforms.ToTensor(), images):
        patches, grades = published_patches(image)
        assert torch.equal(extreme_patches(image), torch.stack(patches))
        steps = image.unfold(1, 32, 16).unfold(2, 32, 16).flatten(1, 2).transpose(0, 1)
        torch.testing.assert_close(detail(steps), torch.tensor(grades), rtol=1e-9, atol=1e-9)


def test_patches_are_the_same_however_many_are_graded_at_once(images, monkeypatch):
    image = transforms.ToTensor()(images[0])
    expected = extreme_patches(image)
    monkeypatch.setattr(aide, "PATCHES_AT_ONCE", 4)
    assert torch.equal(extreme_patches(image), expected)


def test_of_a_flat_and_a_noisy_half_each_gives_two_patches():
    image = torch.full((3, 64, 160), 0.5)
    image[:, :, 96:] = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    least, most, second_least, second_most = extreme_patches(image)
    assert torch.equal(least, second_least)
    assert least.std() == 0
    assert min(most.std(), second_most.std()) > 0.25
    assert not torch.equal(most, second_most)


def test_a_single_patch_is_all_four_and_a_smaller_image_is_continued():
    image = pictures(1, 32)[0]
    assert torch.equal(extreme_patches(image), image.expand(4, 3, 32, 32))
    (small,) = {tuple(patch.flatten().tolist()) for patch in extreme_patches(image[:, :20, :31])}
    small = torch.tensor(small).reshape(3, 32, 32)
    assert torch.equal(small[:, :20, :31], image[:, :20, :31])
    assert torch.equal(small[:, 20:, :31], image[:, 19:20, :31].expand(3, 12, 31))
    assert torch.equal(small[:, :20, 31], image[:, :20, 30])


def released_network():
    detector = Aide.__new__(Aide)
    torch.nn.Module.__init__(detector)
    return detector.build()


def test_the_released_network_has_the_published_names_and_shapes(monkeypatch):
    monkeypatch.setattr("torch.nn.Module.to_empty", lambda network, device: network)  # stays without memory
    network = released_network()
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    stated = aide_shapes(**Aide.architecture)
    unused = {f"model_{which}.fc.{leaf}" for which in ("min", "max") for leaf in ("weight", "bias")}
    assert {name for name in stated if name.startswith(UNUSED)} == unused
    assert own == {name: stated[name] for name in stated.keys() - unused}
    convnext = sum(parameter.numel() for parameter in network.openclip_convnext_xxl.parameters())
    trained = sum(parameter.numel() for parameter in network.parameters()) - convnext - 30 * 75
    assert convnext == 843_398_016
    assert trained + 2 * (2048 * 1000 + 1000) == 54_432_466  # what a log of the authors' script says


@pytest.mark.slow
@torch.inference_mode()
def test_a_pass_of_the_released_size():
    """3.58 GB of weights; loading a checkpoint takes twice as much."""
    network = released_network().eval()
    for tensor in network.state_dict().values():
        tensor.fill_(1 if tensor.ndim < 2 else 1e-3)
    logits = network(torch.rand(1, 5, 3, 256, 256))
    assert logits.shape == (1, 2)
    assert logits.isfinite().all()
    assert sum(parameter.nbytes for parameter in network.parameters()) < 3.6e9


@pytest.mark.heavy
@torch.inference_mode()
@pytest.mark.parametrize(("bias", "generated"), [((-90.0, 90.0), True), ((90.0, -90.0), False)])
def test_the_second_logit_is_that_of_generated_images(state, tmp_path, bias, generated):
    torch.save({**state, "fc.fc2.bias": torch.tensor(bias)}, tmp_path / "sure.pth")
    scores = create(tmp_path / "sure.pth")(pictures(2, 64), torch.arange(2))
    assert ((scores > 0.5) == generated).all()


def test_a_network_without_clip_is_refused(state, tmp_path):
    partial = {name: value for name, value in state.items() if not name.startswith("openclip")}
    torch.save(partial, tmp_path / "partial.pth")
    with pytest.raises(WeightsError, match=r"does not fit AideNetwork: \d+ missing \(such as openclip[^\n]*\)\.$"):
        create(tmp_path / "partial.pth")


@pytest.mark.parametrize("how", ["truncated", "code"])
def test_a_spoilt_file_is_refused_in_one_line(checkpoint, tmp_path, how):
    message = spoil(checkpoint, tmp_path / "spoilt.pth", how)
    with pytest.raises(WeightsError, match=message):
        create(tmp_path / "spoilt.pth")


def test_the_files_of_the_release_say_what_they_were_trained_on(checkpoint):
    assert create(checkpoint).trained_on == ("sd14",)
    assert [one.licence for one in Aide.released] == ["MIT", "MIT"]
