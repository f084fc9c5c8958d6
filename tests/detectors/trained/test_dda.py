import copy

import pytest
import torch
from PIL import Image
from released_files import create_with_checkpoint
from released_files_two import pictures
from released_vit import CLIP_NORMALISE, dda_logits, dda_state
from torchvision import transforms

from datamodules.views import cut_view
from detectors import View
from detectors.trained.dda import Dda

SIZES = [(500, 421), (337, 999), (336, 336), (200, 150), (301, 640)]
CUT = transforms.Compose([transforms.CenterCrop(336), transforms.ToTensor(), CLIP_NORMALISE])


@pytest.fixture(scope="module")
def detector(tmp_path_factory, vit):
    return create_with_checkpoint("dda", vit, tmp_path_factory.mktemp("dda"))


def photographs():
    images = [pictures(1, max(size), seed=n)[0, :, : size[0], : size[1]] for n, size in enumerate(SIZES)]
    return [Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy()) for image in images]


@torch.inference_mode()
def test_logits_are_those_of_the_weights_and_the_lora_apart_from_the_picture_on(detector):
    images = photographs()
    expected = dda_logits(dda_state(), torch.stack([CUT(image) for image in images]))
    views = torch.stack([cut_view(image, detector.view, key=0) for image in images]) / 255
    assert detector.view == View(336, "centre-crop")
    torch.testing.assert_close(detector.logits(views), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.3


@torch.inference_mode()
def test_the_lora_counts_and_so_does_how_positions_are_scaled(detector):
    state, inputs = dda_state(), torch.stack([CUT(image) for image in photographs()])
    whole = dda_logits(state, inputs)
    without_lora = {name: value * 0 if name.endswith("lora_B") else value for name, value in state.items()}
    assert (dda_logits(without_lora, inputs) - whole).abs().max() > 0.1
    timms = copy.deepcopy(detector.network)
    timms.pos_embed = torch.nn.Parameter(state["base_model.model.pos_embed"])
    timms.patch_embed.set_input_size((392, 392))
    timms.set_input_size((336, 336))  # antialiased, and without DINOv2's offset
    assert (timms(inputs).flatten() - whole).abs().max() > 0.01


@torch.inference_mode()
def test_other_views_lose_their_border_or_get_a_black_one(detector):
    large, small = pictures(2, 400, seed=7), pictures(2, 224, seed=7)
    torch.testing.assert_close(detector.logits(large), detector.logits(large[:, :, 32:-32, 32:-32]))
    padded = torch.nn.functional.pad(small, (56, 56, 56, 56))
    torch.testing.assert_close(detector.logits(small), detector.logits(padded))


def test_the_released_files_generator_is_known():
    (released,) = Dda.released
    assert released.trained_on == ("sd21",)
