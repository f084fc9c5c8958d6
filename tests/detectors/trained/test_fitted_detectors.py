"""Durall, Frank and Spec: what they judge, which way their scores go, and which files they take."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from released_fitted import SMALL_MODEL, write_fitted
from safetensors.torch import load_file
from test_spectra import eight_bit, plain_cosines, plain_profile

from detectors import WeightsError, WeightsNotFoundError, create_detector, find_detector
from detectors.trained.spectra import colour_spectrum

LINEAR = ("durall", "frank")


@pytest.fixture
def checkpoint(tmp_path):
    return lambda name: str(write_checkpoint(name, tmp_path))


@torch.inference_mode()
def test_durall_is_a_linear_function_of_each_images_profile(checkpoint):
    file = checkpoint("durall")
    images, state = [eight_bit(61, 88), eight_bit(40, 40, 1)], load_file(file)
    expected = [plain_profile(image, 300) @ state["weight"].numpy() + float(state["bias"]) for image in images]
    np.testing.assert_allclose(create_detector("durall", checkpoint=file).logits(images).numpy(), expected, rtol=1e-9)


@torch.inference_mode()
def test_frank_is_a_linear_function_of_each_images_central_square(checkpoint):
    file = checkpoint("frank")
    noise = torch.randint(256, (3, 140, 200), generator=torch.Generator().manual_seed(0)) / 255
    images, state = [eight_bit(88, 61), noise], load_file(file)
    expected = [plain_cosines(image, 128) @ state["weight"].numpy() + float(state["bias"]) for image in images]
    np.testing.assert_allclose(create_detector("frank", checkpoint=file).logits(images).numpy(), expected, rtol=1e-5)


@torch.inference_mode()
def test_a_weight_on_one_frequency_takes_an_image_with_that_grid_for_generated(tmp_path):
    weight = torch.zeros(3, 128, 128, dtype=torch.float64)
    weight[:, 0, 64] = 0.1
    state = {"weight": weight.flatten(), "bias": torch.tensor(0.0, dtype=torch.float64)}
    plain = torch.full((3, 128, 128), 0.5) + 0.02 * torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0))
    grid = plain + 0.05 * torch.cos(torch.pi * 64 * (torch.arange(128) + 0.5) / 128)
    detector = create_detector("frank", checkpoint=str(write_fitted("frank", state, tmp_path)))
    low, high = detector([plain, grid], torch.arange(2)).tolist()
    assert high > max(low, 0.5) + 0.1


@torch.inference_mode()
def test_spec_judges_the_spectra_of_the_central_224_px_blue_first(checkpoint):
    file = checkpoint("spec")
    with small_network("spec"):
        detector = create_detector("spec", checkpoint=file)
    network = timm.create_model(SMALL_MODEL, num_classes=1).eval()
    network.load_state_dict(load_file(file))
    images = pictures(3, 256)
    expected = network(colour_spectrum(images[:, [2, 1, 0], 16:240, 16:240]))[:, 0]
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.01


def test_spec_is_shown_another_place_at_every_step_of_training(checkpoint):
    with small_network("spec"):
        detector = create_detector("spec", checkpoint=checkpoint("spec"))
    images = pictures(2, 256)
    torch.nn.Module.train(detector)
    torch.manual_seed(0)
    first, second = detector.prepared(images), detector.prepared(images)
    assert first.shape == (2, 3, 224, 224)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(detector.prepared(images), first)


def test_the_full_network_of_spec_is_a_resnet_34_with_one_logit():
    with torch.device("meta"):
        network = find_detector("spec").build(find_detector("spec").__new__(find_detector("spec")))
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert sum(value.numel() for value in network.parameters()) == 21_284_672 + 512 + 1
    assert shapes["fc.weight"] == (1, 512)
    assert shapes["layer3.5.conv2.weight"] == (256, 256, 3, 3)
    assert len(shapes) == 218


@pytest.mark.parametrize("name", LINEAR)
def test_a_bias_decides_which_way_the_score_goes(name, tmp_path):
    images, width = pictures(2, 56), {"durall": 300, "frank": 3 * 128 * 128}[name]
    for bias in (-3.0, 3.0):
        state = {"weight": torch.zeros(width, dtype=torch.float64), "bias": torch.tensor(bias, dtype=torch.float64)}
        scores = create_detector(name, checkpoint=str(write_fitted(name, state, tmp_path)))(images, torch.arange(2))
        assert ((scores > 0.5) == (bias > 0)).all()


def test_the_logit_of_spec_counts_for_generated(tmp_path):
    network = timm.create_model(SMALL_MODEL, num_classes=1)
    torch.nn.init.zeros_(network.get_classifier().weight)
    for bias in (-3.0, 3.0):
        torch.nn.init.constant_(network.get_classifier().bias, bias)
        with small_network("spec"):
            detector = create_detector("spec", checkpoint=str(write_fitted("spec", network.state_dict(), tmp_path)))
        scores = detector(pictures(2, 64), torch.arange(2))
        assert ((scores > 0.5) == (bias > 0)).all()


@pytest.mark.parametrize("name", LINEAR)
def test_without_a_file_one_line_says_how_to_train_one(name):
    with pytest.raises(WeightsNotFoundError, match=rf"^{name} needs a file .* fit --detector {name} --save .*$"):
        create_detector(name)


def test_without_a_file_spec_says_that_none_was_released():
    with pytest.raises(WeightsNotFoundError, match=r"No classifier was ever released; .*--checkpoint spec=FILE\.$"):
        create_detector("spec")


@pytest.mark.parametrize(("name", "other"), [("durall", "frank"), ("frank", "durall"), ("spec", "timm")])
def test_a_file_of_another_detector_is_refused_in_one_line(name, other, tmp_path, checkpoint):
    state = load_file(checkpoint(name))
    foreign = write_fitted(other, state, tmp_path)
    with small_network(name), pytest.raises(WeightsError, match=r"^[^\n]*$"):
        create_detector(name, checkpoint=str(foreign))


@pytest.mark.parametrize("name", [*LINEAR, "spec"])
@pytest.mark.parametrize("kind", ["truncated", "without a record"])
def test_a_damaged_or_foreign_file_is_refused_in_one_line(name, kind, tmp_path, checkpoint):
    file = tmp_path / "file.safetensors"
    whole = Path(checkpoint(name)).read_bytes()
    if kind == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    else:
        torch.save({"weight": torch.zeros(3)}, file.with_suffix(".pth"))
        file = file.with_suffix(".pth")
    with small_network(name), pytest.raises(WeightsError, match=r"^[^\n]*$"):
        create_detector(name, checkpoint=str(file))


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"view": None}, "does not say how it was trained: fit it again"),
        ({"view": {"fit": "squash"}}, "does not say how it was trained: fit it again"),
        ({"trained_on": 3}, "does not say how it was trained: fit it again"),
        ({}, "has a weight or a bias of another shape"),
    ],
)
def test_a_damaged_record_and_other_shapes_are_refused_in_one_line(name, facts, message, tmp_path):
    state = {"weight": torch.zeros(3, 3 - 2 * bool(facts)), "bias": torch.zeros(())}
    with pytest.raises(WeightsError, match=message) as caught:
        create_detector(name, checkpoint=str(write_fitted(name, state, tmp_path, **facts)))
    assert "\n" not in str(caught.value)
