"""Writes checkpoints of convolutional detectors.

Random weights at a small size, in the released layout.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from plain_networks import Shapes, clip_shapes, convnext_shapes, drawn, resnet_shapes, text_shapes
from released_files_two import pictures, spread_out
from torch import Tensor, nn

from detectors.trained.networks.resnet import resnet50_without_first_strides
from detectors.trained.pixels import imagenet_normalised
from detectors.trained.safe import SafeNetwork

ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    "aide": {
        "blocks": (1, 1, 1, 1),
        "depths": (1, 1, 2, 1),
        "dims": (8, 16, 24, 32),
        "projected": 12,
        "hidden": 16,
        "side": 64,
    },
    "dmid": {"blocks": (1, 1, 1, 1)},
    "drct": {
        "convnext": {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)},
        "clip": {"layers": 2, "width": 128, "patch_size": 56},
        "features": 24,
        "embedding": 16,
    },
}
"""Small sizes of the network, by the detector's name."""


def spread_pair(network: nn.Module, last: nn.Linear, inputs: Tensor) -> nn.Module:
    """Sets batch norms and a last layer of two logits, so that their differences spread around 0."""
    spread_out(network, last, inputs)
    with torch.no_grad():
        last.bias -= network(inputs).mean(dim=0)
    return network


def save_run(state: Mapping[str, Tensor], file: Path) -> Path:
    """Saves tensors as the scripts of ConvNeXt do: beside it the optimiser, the epoch and the script's options."""
    run = {"optimizer": {"state": {}, "param_groups": []}, "epoch": "best", "scaler": {"scale": 65536.0}}
    torch.save({"model": state, **run, "args": argparse.Namespace(lr=1e-2, resume="")}, file)
    return file


class Code:
    """Would run a function where a reader made it."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return print, ("this ran",)


def spoil(checkpoint: Path, file: Path, how: str) -> str:
    """Writes a checkpoint that is ``truncated``, or has ``code`` in it.

    Returns:
        What the message of the refusal matches, a single line.
    """
    if how == "truncated":
        file.write_bytes(checkpoint.read_bytes()[:-5000])
    else:
        torch.save({"model": {"fc.bias": torch.zeros(1)}, "hook": Code()}, file)
    reason = {"truncated": "", "code": r"it holds print, and code in a file is never run"}[how]
    return rf"^[^\n]*{file.name} is not a readable weights file: {reason}[^\n]*$"


def write_safe(folder: Path) -> Path:
    """Writes SAFE."""
    torch.manual_seed(21)
    network = SafeNetwork()
    spread_pair(network, network.fc1, pictures(4, 96))
    return save_run(network.state_dict(), folder / "checkpoint-best.pth")


def drct_shapes(sizes: Mapping[str, Any], text: Shapes | None = None) -> Shapes:
    """Lists the tensors of a checkpoint of DRCT: with a text encoder that of CLIP, else that of ConvNeXt."""
    embedding = sizes["embedding"]
    shapes = {"fc.weight": (2, embedding), "fc.bias": (2,)}
    if text is None:
        own = convnext_shapes(**sizes["convnext"])
        last = sizes["convnext"]["dims"][-1]
        own |= {"head.fc.weight": (embedding, last), "head.fc.bias": (embedding,)}
        return {f"model.{name}": shape for name, shape in own.items()} | shapes
    layers, width, patch = (sizes["clip"][name] for name in ("layers", "width", "patch_size"))
    clip = clip_shapes(layers, width, patch, 1 + (224 // patch) ** 2, sizes["features"])
    shapes |= {f"model.model.visual.{name}": shape for name, shape in clip.items()}
    shapes |= {f"model.model.{name}": shape for name, shape in text.items()}
    return shapes | {"model.fc.weight": (embedding, sizes["features"]), "model.fc.bias": (embedding,)}


def write_drct(folder: Path, on_clip: bool = False) -> Path:
    """Writes DRCT: a bare state dict, that of CLIP with its text encoder."""
    text = text_shapes(1, 16, words=10, length=5, features=24) if on_clip else None
    state = drawn(drct_shapes(ARCHITECTURES["drct"], text), seed=22)
    file = folder / ("13_acc0.9664.pth" if on_clip else "14_acc0.9996.pth")
    torch.save(state, file)
    return file


def write_dmid(folder: Path) -> Path:
    """Writes Corvi2023: from several devices, with the optimiser's state and the number of steps."""
    torch.manual_seed(23)
    network = resnet50_without_first_strides(**ARCHITECTURES["dmid"])
    spread_out(network, network.fc, imagenet_normalised(pictures(4, 64)))
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    file = folder / "weights.pth"
    torch.save({"model": state, "optimizer": {"state": {}, "param_groups": []}, "total_steps": 7}, file)
    return file


def aide_shapes(
    blocks: Sequence[int], depths: Sequence[int], dims: Sequence[int], projected: int, hidden: int, **_: int
) -> Shapes:
    """Lists the tensors of a checkpoint of AIDE."""
    convnext = convnext_shapes(depths, dims)
    shapes: Shapes = {f"openclip_convnext_xxl.{name}": shape for name, shape in convnext.items()}
    resnet = resnet_shapes(blocks, channels=30, classes=1000)
    shapes |= {f"{which}.{name}": shape for which in ("model_min", "model_max") for name, shape in resnet.items()}
    shapes |= {"hpf.hpf.weight": (30, 3, 5, 5)}
    shapes |= {"convnext_proj.0.weight": (projected, dims[-1]), "convnext_proj.0.bias": (projected,)}
    shapes |= {"fc.fc1.weight": (hidden, 2048 + projected), "fc.fc1.bias": (hidden,)}
    return shapes | {"fc.fc2.weight": (2, hidden), "fc.fc2.bias": (2,)}


def write_aide(folder: Path) -> Path:
    """Writes AIDE, with the classifiers that nothing reads."""
    return save_run(drawn(aide_shapes(**ARCHITECTURES["aide"]), seed=24), folder / "sd14_train.pth")


WRITERS: dict[str, Callable[[Path], Path]] = {
    "aide": write_aide,
    "dmid": write_dmid,
    "drct": write_drct,
    "safe": write_safe,
}
"""Writes checkpoints as they are released: the published architecture, seeded random weights, the released layout."""
