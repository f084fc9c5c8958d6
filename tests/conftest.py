"""Small real things that many tests share: a backbone, and folders of images."""

from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn

from detectors import Backbone, create_backbone
from detectors.backbones import timm_backbone


@pytest.fixture(scope="session")
def cnn() -> Backbone:
    """The embedded backbone."""
    return create_backbone("efficientnet-lite0")


def small_dinov2(image_size: int = 56) -> nn.Module:
    """A randomly initialised transformer of DINOv2's class, shallow and narrow.

    timm starts LayerScale at 1e-5, where the blocks do nothing, every image gets the same score, and no test can
    fail; trained networks have gammas near 1.
    """
    torch.manual_seed(0)
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=image_size, patch_size=14, embed_dim=48, depth=6, num_heads=4, num_classes=0, init_values=1e-5
    )
    for name, parameter in model.named_parameters():
        if name.endswith("gamma"):
            nn.init.ones_(parameter)
    return model.eval()


@pytest.fixture(scope="session")
def vit() -> Backbone:
    """A small transformer of DINOv2's class; it takes images of 56 px."""
    return timm_backbone("small-dinov2", small_dinov2())


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hugging Face hub, and no network."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return folder


def make_photograph(seed: int, size: tuple[int, int] = (80, 64)) -> Image.Image:
    """A picture with structure at several scales, different for each seed."""
    generator = np.random.default_rng(seed)
    layers = [
        Image.fromarray(generator.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for n in (3, 9, 27)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.25)


@pytest.fixture(scope="session")
def photograph() -> Callable[..., Image.Image]:
    """Makes a picture from a seed."""
    return make_photograph


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Twelve real and two times twelve generated images, as ``--dataset folder`` wants them."""
    root = tmp_path / "images"
    for seed, source in enumerate(("real/camera", "generated/blurry", "generated/sharp")):
        (root / source).mkdir(parents=True)
        for number in range(12):
            make_photograph(100 * seed + number).save(root / source / f"{number:02d}.png")
    return root
