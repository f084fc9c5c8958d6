"""Writes checkpoints as they are released: the published architecture, seeded random weights, the released layout."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import open_clip
import pytest
import released_cnn
import released_files_two
import released_fitted
import released_paper
import released_rine
import released_vit
import timm
import tiny_diffusion
import torch
from filelock import FileLock
from released_files_two import pictures, random_resnet50, spread_out
from safetensors.torch import save_file
from torch import nn

from detectors import Backbone, Detector, create_detector, list_detectors
from detectors.backbones import clip_backbone
from detectors.trained.fitted_file import FACTS
from detectors.trained.linear_probe import LinearProbe
from detectors.trained.npr import NprNetwork
from detectors.trained.on_clip import ClipDetector
from detectors.trained.pixels import imagenet_normalised

MADE: dict[str, Path] = {}
"""Under ``folder``, where checkpoints are made; ``conftest.py`` says where."""
HEAD_OF_CLIP = 768
CLIP_SIDE = 56


def write_cnnspot(folder: Path) -> Path:
    """Writes CNNspot: under ``model``, the optimiser's state and the number of steps beside it."""
    network = random_resnet50(11, imagenet_normalised(pictures(4, 96)))
    optimiser = torch.optim.Adam([torch.zeros(1)]).state_dict()
    return _saved(
        {"model": network.state_dict(), "optimizer": optimiser, "total_steps": 7}, folder / "blur_jpg_prob0.5.pth"
    )


def write_univfd(folder: Path) -> Path:
    """Writes UnivFD's head, without ``fc.`` before the names."""
    draws = torch.Generator().manual_seed(12)
    state = {"weight": torch.randn(1, HEAD_OF_CLIP, generator=draws) * 0.2, "bias": torch.tensor([0.25])}
    return _saved(state, folder / "fc_weights.pth")


def write_npr(folder: Path) -> Path:
    """Writes NPR as ``NPR.pth``: under ``model``, from several devices."""
    torch.manual_seed(13)
    network = NprNetwork()
    spread_out(network, network.fc1, imagenet_normalised(pictures(4, 96)))
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    return _saved(
        {"model": state, "optimizer": {"state": {}, "param_groups": []}, "total_steps": 7}, folder / "NPR.pth"
    )


def write_timm(folder: Path) -> Path:
    """Writes a ResNet-50 of timm with two logits: a bare state dict."""
    torch.manual_seed(14)
    network, inputs = timm.create_model("resnet50", num_classes=2), imagenet_normalised(pictures(4, 96))
    spread_out(network, network.fc, inputs)
    network.fc.bias -= network(inputs).mean(dim=0)
    return _saved(network.state_dict(), folder / "resnet50.pth")


def write_probe(folder: Path, backbone: Backbone, width: int) -> Path:
    """Writes a linear probe on a backbone's features as ``fit`` does."""
    weight = torch.randn(width, generator=torch.Generator().manual_seed(15), dtype=torch.float64)
    facts = {
        "detector": LinearProbe.name,
        "backbone": {"name": backbone.name, "weights": backbone.fingerprint},
        "view": asdict(LinearProbe.view),
        "trained_on": ["sd14"],
    }
    file = folder / "probe.safetensors"
    save_file({"weight": weight, "bias": torch.tensor(0.5, dtype=torch.float64)}, file, {FACTS: json.dumps(facts)})
    return file


WRITERS: dict[str, Callable[[Path], Path]] = {
    "cnnspot": write_cnnspot,
    "univfd": write_univfd,
    "npr": write_npr,
    "timm": write_timm,
    **released_files_two.WRITERS,
    **released_cnn.WRITERS,
    **released_fitted.WRITERS,
    **released_paper.WRITERS,
    **released_rine.WRITERS,
    **released_vit.WRITERS,
}
"""By the detector's name; a linear probe needs its backbone, too."""
ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    **released_cnn.ARCHITECTURES,
    **released_fitted.ARCHITECTURES,
    **released_paper.ARCHITECTURES,
    **released_rine.ARCHITECTURES,
    **released_vit.ARCHITECTURES,
}
"""Small sizes of networks, for which the checkpoints are written."""


def write_checkpoint(name: str, folder: Path) -> Path:
    """Writes the checkpoint of a detector into a folder of its own; it is made once for a run of the tests."""
    made = _made(name)
    return shutil.copytree(made.parent, folder / name) / made.name


def _made(name: str) -> Path:
    home = MADE["folder"] / name
    with FileLock(MADE["folder"] / f"{name}.lock"):
        if not home.is_dir():
            home.mkdir()
            file = WRITERS[name](home)
            (MADE["folder"] / f"{name}.txt").write_text(file.name, encoding="utf-8")
    return home / (MADE["folder"] / f"{name}.txt").read_text(encoding="utf-8")


@contextmanager
def small_network(name: str) -> Iterator[None]:
    """Makes the network of a detector small while it is built, where there is a small size for it."""
    cls = list_detectors()[name]
    with pytest.MonkeyPatch.context() as patch:
        if name in ARCHITECTURES:
            patch.setattr(cls, "architecture", ARCHITECTURES[name])
        yield


def small_diffusion() -> dict[str, str]:
    """Returns the options that name a small Stable Diffusion and a small CLIP, made once for a run of the tests."""
    home = MADE["folder"] / "manifold-bias"
    with FileLock(MADE["folder"] / "manifold-bias.lock"):
        if not home.is_dir():
            tiny_diffusion.write_models(home)
    return {"model": str(home / "pipeline"), "clip_model": str(home / "clip")}


def is_trained(name: str) -> bool:
    """Says whether a detector needs a checkpoint."""
    return hasattr(list_detectors()[name], "trained_on")


def small_clip(folder: Path, side: int = CLIP_SIDE) -> Backbone:
    """Makes a narrow CLIP of random weights with the features' length and the name of the real one."""
    torch.manual_seed(16)
    vision: dict[str, Any] = {"layers": 2, "width": 64, "head_width": 32, "patch_size": 14, "image_size": side}
    text = {"context_length": 8, "vocab_size": 16, "width": 32, "heads": 2, "layers": 1}
    clip = open_clip.CLIP(HEAD_OF_CLIP, vision, text, quick_gelu=True)
    for name, parameter in clip.visual.named_parameters():
        if name.endswith("weight") and "ln" not in name:
            nn.init.normal_(parameter, 0, 0.1)
    file = folder / "clip.safetensors"
    save_file({f"visual.{key}": value.contiguous() for key, value in clip.visual.state_dict().items()}, file)
    return clip_backbone("clip-vitl14", clip, file, "projected")


def create_with_checkpoint(name: str, backbone: Backbone, folder: Path, **more: Any) -> Detector:
    """Builds any registered detector, one that is trained with a checkpoint that is written into the folder once.

    Args:
        name: The detector's name.
        backbone: Taken by methods on backbones; those on CLIP get a small one instead.
        folder: Keeps the checkpoints.
        **more: Options of the detector, ``seed`` and ``view``.
    """
    if name == "manifold-bias":
        return create_detector(name, **small_diffusion(), **{"side": tiny_diffusion.SIDE, "draws": 2, **more})
    if not is_trained(name):
        return create_detector(name, backbone, **more)
    if name == "linear-probe":
        file = folder / "probe.safetensors"
        width = backbone(torch.zeros(1, 3, CLIP_SIDE, CLIP_SIDE)).shape[1]
        file = file if file.is_file() else write_probe(folder, backbone, width)
        return create_detector(name, backbone, checkpoint=str(file), **more)
    home = folder / name
    if not home.is_dir():
        write_checkpoint(name, folder)
    file = next(one for one in sorted(home.iterdir()) if one.name != released_files_two.DISCRIMINATOR)
    if name == "lare":
        keys = [number * 1_000_003 for number in range(8)]  # of the images of the contract
        more = {"maps": str(released_paper.write_maps(folder / "maps.safetensors", keys)), **more}
    with small_network(name):
        backbone = small_clip(folder) if issubclass(list_detectors()[name], ClipDetector) else backbone
        return create_detector(name, backbone, checkpoint=str(file), **more)


def _saved(content: object, file: Path) -> Path:
    torch.save(content, file)
    return file
