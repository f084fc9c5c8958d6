"""Writes checkpoints of the paper's rivals: GANDetection, SBI and LaRE.

Random weights at a small size, in the released layout.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from plain_efficientnet import PlainEfficientNet
from plain_lare import PlainLare
from released_files_two import pictures, spread_out
from safetensors.torch import save_file

from detectors.trained.pixels import imagenet_normalised

SMALL = {"width": 0.25, "depth": 0.1}
ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    "gandetection": {**SMALL, "side": 32},
    "selfblend": {**SMALL, "side": 75},
    "lare": {"width": 8, "layers": (1, 1, 2, 1), "features": 32, "heads": 2, "head_width": 8, "side": 64},
}
"""Small sizes of the network, by the detector's name."""


def plain_networks() -> list[PlainEfficientNet]:
    """Makes the five networks of GANDetection."""
    networks = []
    for seed in range(5):
        torch.manual_seed(seed)
        network = PlainEfficientNet(**SMALL)
        spread_out(network, network._fc, imagenet_normalised(pictures(8, 32, seed)))
        networks.append(network)
    return networks


def write_gandetection(folder: Path) -> Path:
    """Writes GANDetection: five files, under ``net``, the last one bare."""
    for letter, network in zip("ABCDE", plain_networks(), strict=True):
        state = {
            name.replace("_fc.", "classifier.") if name.startswith("_fc.") else f"efficientnet.{name}": tensor
            for name, tensor in network.state_dict().items()
        }
        torch.save(state if letter == "E" else {"net": state, "epoch": 7}, folder / f"method_{letter}.pth")
    return folder / "method_A.pth"


def write_selfblend(folder: Path) -> Path:
    """Writes SBI: under ``model``, the optimiser's state and the epoch beside it."""
    torch.manual_seed(7)
    network = PlainEfficientNet(**SMALL)
    spread_out(network, network._fc, pictures(8, 75))
    optimiser = torch.optim.SGD([torch.zeros(1)], momentum=0.9).state_dict()
    state = {f"net.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"model": state, "optimizer": optimiser, "epoch": 99}, folder / "FFraw.tar")
    return folder / "FFraw.tar"


def random_maps(count: int, seed: int = 0) -> torch.Tensor:
    """Makes maps of losses, ``(count, 4, 32, 32)``."""
    return torch.rand(count, 4, 32, 32, generator=torch.Generator().manual_seed(seed)).square() * 2


def write_lare(folder: Path) -> Path:
    """Writes a classifier as LaRE's training does, from several devices."""
    torch.manual_seed(8)
    network = PlainLare(**ARCHITECTURES["lare"])
    spread_out(network, network.fc, (imagenet_normalised(pictures(8, 64)), random_maps(8)))
    torch.save({f"module.{name}": tensor for name, tensor in network.state_dict().items()}, folder / "Val_best.pth")
    return folder / "Val_best.pth"


def write_maps(file: Path, keys: Iterable[int]) -> Path:
    """Writes maps of the images of some keys, under a sha256 of each key."""
    keys = list(keys)
    names = [f"{key << 1:016x}{'0' * 48}" for key in keys]
    save_file({name: loss_map.clone() for name, loss_map in zip(names, random_maps(len(keys)), strict=True)}, file)
    return file


WRITERS: dict[str, Callable[[Path], Path]] = {
    "gandetection": write_gandetection,
    "selfblend": write_selfblend,
    "lare": write_lare,
}
"""Writes checkpoints as they are released: the published architecture, seeded random weights, the released layout."""
