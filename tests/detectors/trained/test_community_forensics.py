import numpy as np
import pytest
import torch
from PIL import Image
from released_files import ARCHITECTURES, create_with_checkpoint
from released_files_two import pictures
from released_vit import IMAGENET_NORMALISE, commfor_layout, commfor_logits, commfor_state, random_state
from safetensors.torch import load_file, save_file
from torchvision import transforms

from datamodules.views import cut_view
from detectors import View, WeightsError

NAME = "community-forensics"
SIZES = [(300, 421), (421, 300), (100, 80), (257, 256), (225, 999)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp(NAME)


@pytest.fixture(scope="module")
def detector(folder, vit):
    return create_with_checkpoint(NAME, vit, folder)


def of_side(side, patch_size, folder):
    """Writes a network for images of another size; ``folder`` is the one of the checkpoints."""
    (folder / NAME).mkdir()
    state = random_state(commfor_layout(side, patch_size, 32, 2, 2), 25)
    save_file(state, folder / NAME / "model.safetensors")
    return state


def photographs():
    images = [pictures(1, max(size), seed=n)[0, :, : size[0], : size[1]] for n, size in enumerate(SIZES)]
    return [Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy()) for image in images]


def published(images, short, crop):
    cut = transforms.Compose([transforms.Resize(short), transforms.CenterCrop(crop), transforms.ToTensor()])
    return torch.stack([IMAGENET_NORMALISE(cut(image)) for image in images])


def viewed(detector, images):
    return torch.stack([cut_view(image, detector.view, key=0) for image in images]) / 255


@torch.inference_mode()
def test_logits_are_the_published_ones_from_the_picture_on(detector):
    images = photographs()
    expected = commfor_logits(commfor_state(), published(images, 256, 224))
    torch.testing.assert_close(detector.logits(viewed(detector, images)), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.3


@torch.inference_mode()
def test_the_file_tells_the_size_of_the_images(vit, tmp_path, detector, monkeypatch):
    state = of_side(384, 96, tmp_path)
    monkeypatch.setitem(ARCHITECTURES, NAME, ARCHITECTURES[NAME] | {"patch_size": 96})
    large = create_with_checkpoint(NAME, vit, tmp_path)
    assert (detector.view, large.view) == (View(224, "short-side", scaled=256), View(384, "short-side", scaled=440))
    images = photographs()[:2]
    expected = commfor_logits(state, published(images, 440, 384))
    torch.testing.assert_close(large.logits(viewed(large, images)), expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_view_of_another_size_is_scaled(detector):
    images = pictures(2, 224, seed=5)
    halved = images[:, :, ::2, ::2]
    scaled = transforms.functional.resize(halved, [224, 224], antialias=True)
    torch.testing.assert_close(detector.logits(halved), detector.logits(scaled))


def test_the_authors_archive_holds_the_same_network(folder, detector, vit, tmp_path):
    (tmp_path / NAME).mkdir()
    training = {"optimizer": {"state": {}}, "scheduler": {"last_epoch": 3}, "epoch": 5, "itr": np.float64(52085)}
    torch.save({"model": commfor_state(), **training}, tmp_path / NAME / "model_v11_ViT_224_base_ckpt.pt")
    other = create_with_checkpoint(NAME, vit, tmp_path)
    assert other.fingerprint() == detector.fingerprint()
    assert load_file(folder / NAME / "model.safetensors").keys() == commfor_state().keys()


def test_a_network_for_images_of_an_unknown_size_is_refused_in_one_line(vit, tmp_path):
    of_side(280, 56, tmp_path)
    with pytest.raises(WeightsError, match=r"is a network for images of 280 px; expected 224 or 384\.$") as caught:
        create_with_checkpoint(NAME, vit, tmp_path)
    assert "\n" not in str(caught.value)
