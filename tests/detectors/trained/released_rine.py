"""Writes checkpoints of RINE and B-Free.

Random weights at a small size, in the released layout.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from released_files_two import SPREAD, pictures
from torch import Tensor, nn

from detectors.trained.pixels import imagenet_normalised

ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    "b-free": {"img_size": 28, "depth": 2, "embed_dim": 48, "num_heads": 4},
    "rine": {"blocks": 2, "width": 64},
}
"""Small sizes of the network, by the detector's name."""


def rine_state(blocks: int, width: int, projections: int, dimension: int, seed: int = 21) -> dict[str, Tensor]:
    """Makes the trained part of RINE with the released names: a dropout comes first in both projections."""
    draws = torch.Generator().manual_seed(seed)
    state = {"alpha": torch.randn(1, blocks, dimension, generator=draws)}
    layers = {
        **{f"proj1.{1 + 3 * i}": (dimension, width if i == 0 else dimension) for i in range(projections)},
        **{f"proj2.{1 + 3 * i}": (dimension, dimension) for i in range(projections)},
        **{f"head.{i}": (dimension, dimension) for i in (0, 3)},
        "head.6": (1, dimension),
    }
    for name, shape in layers.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=draws) * (2 / shape[1]) ** 0.5
        state[f"{name}.bias"] = torch.randn(shape[:1], generator=draws) * 0.1
    return state


def write_rine(folder: Path) -> Path:
    """Writes RINE's trained part with four classes' depth: a bare state dict."""
    file = folder / "model_4class_trainable.pth"
    torch.save(rine_state(**ARCHITECTURES["rine"], projections=2, dimension=32), file)
    return file


def random_bfree(seed: int = 22) -> nn.Module:
    """Makes a small transformer of B-Free's class whose logits of random pictures spread."""
    torch.manual_seed(seed)
    network = timm.create_model("vit_base_patch14_reg4_dinov2", num_classes=1, **ARCHITECTURES["b-free"]).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gamma"):
                nn.init.ones_(parameter)
            elif not name.startswith("norm"):
                nn.init.normal_(parameter, 0, 0.1)
        logits = network(imagenet_normalised(pictures(16, 28)))
        network.head.weight *= SPREAD / logits.std()
        network.head.bias -= network(imagenet_normalised(pictures(16, 28))).mean()
    return network


def write_bfree(folder: Path) -> Path:
    """Writes B-Free: timm's names under ``model``."""
    file = folder / "model_epoch_best.pth"
    torch.save({"model": random_bfree().state_dict()}, file)
    return file


WRITERS: dict[str, Callable[[Path], Path]] = {"b-free": write_bfree, "rine": write_rine}
"""Writes checkpoints as they are released: the published architecture, seeded random weights, the released layout."""
