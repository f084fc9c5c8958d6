"""Small real things that many tests share: a backbone, and folders of images."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import released_files
import timm
import torch
from PIL import Image
from torch import nn

import datamodules.registry
import detectors.registry
from bench.scoring import build
from bench.scoring.foreign_code import FILES
from detectors import (
    Backbone,
    ContrastiveBlur,
    ConV,
    GradientCuff,
    LinearProbe,
    McDropout,
    Minder,
    Rigid,
    WaRPAD,
    WePe,
    WepeGradientCuff,
    create_backbone,
)
from detectors.backbones import timm_backbone
from detectors.trained import npr

SMALL = 64
SMALLER = (ConV, ContrastiveBlur, GradientCuff, LinearProbe, McDropout, Minder, Rigid, WaRPAD, WePe, WepeGradientCuff)
collect_ignore = ["bench/light_detectors.py"]  # a plugin: it registers its detectors where it is loaded


@pytest.hookimpl(trylast=True)  # when the reporter is there
def pytest_configure(config: pytest.Config) -> None:
    """Lets no line be folded where a test looks for a sentence; tests of widths set their own, and pytest keeps its."""
    if config.pluginmanager.has_plugin("terminalreporter"):
        writer = config.get_terminal_writer()
        writer.fullwidth = writer.fullwidth
    os.environ["COLUMNS"] = "1000"


@pytest.fixture(scope="session", autouse=True)
def _made_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Has the processes of one run of the tests share what takes seconds to make."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    (folder / "released").mkdir(exist_ok=True)
    released_files.MADE["folder"] = folder / "released"


@pytest.fixture(scope="module", autouse=True)
def _plugins_are_forgotten() -> Iterator[None]:
    """Takes back what the tests of a file registered, and forgets the plugins that they loaded."""
    registries = (detectors.registry._registered, datamodules.registry._registered)
    before = [dict(registry) for registry in registries]
    files = dict(FILES)
    yield
    for registry, kept in zip(registries, before, strict=True):
        registry.clear()
        registry.update(kept)
    for file in FILES.keys() - files.keys():
        sys.modules.pop(Path(file).stem, None)
        del FILES[file]


@pytest.fixture(autouse=True)
def _garbage_is_searched_as_before() -> Iterator[None]:
    """Undoes what the command line changes for its own process, when a test calls it in this one."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.fixture(scope="module")  # what one file of tests looks into, or hooks into, is not met by the next
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


@pytest.fixture(scope="module")
def vit() -> Backbone:
    """A small transformer of DINOv2's class; it takes images of 56 px."""
    return timm_backbone("small-dinov2", small_dinov2())


@pytest.fixture
def own_vit() -> Backbone:
    """The same network, of which nobody else has made copies or looked into blocks."""
    return timm_backbone("small-dinov2", small_dinov2())


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hugging Face hub, and no network."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return folder


@pytest.fixture(scope="module")
def small_views() -> Iterator[None]:
    """Has the detectors look at 64 x 64 pixels: the same network and weights, at a twelfth of the time.

    For tests of what is done with scores, whatever they are; processes that a test starts look at 224 x 224.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ConV.__init__.__kwdefaults__, "crop", SMALL)
        for detector in SMALLER:
            patch.setattr(detector, "view", replace(detector.view, size=SMALL))
        for views in (build.VIEWS, npr.VIEWS):
            for name, view in views.items():
                patch.setitem(views, name, replace(view, size=SMALL) if view else None)
        yield


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


@pytest.fixture(scope="session")
def photographs() -> torch.Tensor:
    """Three pictures of 56 px, ``(3, 3, 56, 56)`` in [0, 1]."""
    pictures = [np.asarray(make_photograph(seed, (56, 56))) for seed in range(3)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous() / 255


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Twelve real and two times twelve generated images, as ``--dataset folder`` wants them."""
    root = tmp_path / "images"
    for seed, source in enumerate(("real/camera", "generated/blurry", "generated/sharp")):
        (root / source).mkdir(parents=True)
        for number in range(12):
            make_photograph(100 * seed + number).save(root / source / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def offline_wandb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder, and W&B offline, without a key."""
    import wandb

    folder = tmp_path_factory.mktemp("home")
    wandb.teardown()  # or the address of a service that is gone would be put back at the end
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("HOME", str(folder))
        patch.setenv("WANDB_DIR", str(folder / "not-here"))
        wandb.teardown()  # it reads the environment once
        yield folder
        wandb.teardown()


@pytest.fixture
def permissions_hold() -> Iterator[None]:
    """Takes from root, for a test, what lets it read everything; for others permissions hold anyway.

    The two capabilities are taken from the calling thread alone (capset(2), version 3), and given back.
    """
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same of the capabilities from 32 on
    assert libc.capget(header, held) == 0, os.strerror(ctypes.get_errno())
    dac_override, dac_read_search = 1 << 1, 1 << 2
    fewer = (ctypes.c_uint32 * 6)(held[0] & ~(dac_override | dac_read_search), *held[1:])
    assert libc.capset(header, fewer) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0, os.strerror(ctypes.get_errno())
