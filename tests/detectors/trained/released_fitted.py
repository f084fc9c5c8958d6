"""Writes checkpoints of detectors that ``fit`` trains.

Random weights at a small size, in the released layout, or as ``fit`` writes them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import timm
import torch
from released_files_two import pictures, spread_out
from safetensors.torch import save_file
from torch import Tensor, nn

from detectors import find_detector
from detectors.trained.fitted_file import FACTS
from detectors.trained.networks.xception import PatchXception
from detectors.trained.spectra import colour_spectrum

SMALL_MODEL = "test_resnet"
ARCHITECTURES: dict[str, Mapping[str, Any]] = {
    "patchfor": {"stem": (8, 12), "widths": (16, 20, 28, 28, 28)},
    "spec": {"model": SMALL_MODEL},
}
"""Small sizes of the network, by the detector's name."""


def write_fitted(name: str, state: Mapping[str, Tensor], folder: Path, **more: Any) -> Path:
    """Writes weights and what they were trained on, as ``fit`` does."""
    facts = {"detector": name, "view": asdict(find_detector(name).view), "trained_on": ["sd14"]}
    file = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in state.items()}, file, {FACTS: json.dumps(facts | more)})
    return file


def write_linear(name: str, width: int, folder: Path) -> Path:
    """Writes a linear detector of a number of features, small ones, so that probabilities are neither 0 nor 1."""
    draws = torch.Generator().manual_seed(21)
    weight = torch.randn(width, generator=draws, dtype=torch.float64) / width
    return write_fitted(name, {"weight": weight, "bias": torch.tensor(0.5, dtype=torch.float64)}, folder)


def write_spec(folder: Path) -> Path:
    """Writes a small network in the place of Spec's."""
    torch.manual_seed(22)
    network = timm.create_model(SMALL_MODEL, num_classes=1)
    spread_out(network, network.get_classifier(), colour_spectrum(pictures(4, 56)))
    return write_fitted("spec", network.state_dict(), folder)


SEPARABLE = {1: 2, 2: 2, 3: 2, 4: 3, 5: 3}
"""Separable convolutions in each block of an Xception."""


def norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    """Lists the tensors of a batch norm."""
    vectors = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{vector}": (channels,) for vector in vectors}, f"{name}.num_batches_tracked": ()}


def patchfor_shapes(block: int, stem: Sequence[int], widths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Lists the tensors of PatchFor's network that is cut after a block."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (stem[0], 3, 3, 3), **norm_shapes("bn1", stem[0])}
    shapes |= {"conv2.weight": (stem[1], stem[0], 3, 3), **norm_shapes("bn2", stem[1])}
    entering = stem[1]
    for number, leaving in list(zip(SEPARABLE, widths, strict=True))[:block]:
        name = f"block{number}"
        if number <= 3:
            shapes |= {f"{name}.skip.weight": (leaving, entering, 1, 1), **norm_shapes(f"{name}.skipbn", leaving)}
        for at in range(SEPARABLE[number]):
            place = 3 * at + (number > 1)  # the first block does not begin with its rectification
            shapes[f"{name}.rep.{place}.conv1.weight"] = (entering, 1, 3, 3)
            shapes[f"{name}.rep.{place}.pointwise.weight"] = (leaving, entering, 1, 1)
            shapes |= norm_shapes(f"{name}.rep.{place + 1}", leaving)
            entering = leaving
    return shapes | {"convout.weight": (2, entering, 1, 1), "convout.bias": (2,)}


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Draws tensors under which a convolution keeps the size of numbers, and batch norms differ from the identity."""
    draws = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("tracked"):
            state[name] = torch.tensor(7)
        elif len(shape) == 1:
            positive = name.endswith(("weight", "var"))
            state[name] = torch.rand(shape, generator=draws) + (0.5 if positive else -0.5)
        else:
            state[name] = torch.randn(shape, generator=draws) * (2 / torch.Size(shape[1:]).numel()) ** 0.5
    return state


def save_patchfor(state: Mapping[str, Tensor], file: Path) -> Path:
    """Saves a network of PatchFor as PyTorch 1.4 and the published script do."""
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=0.001)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, mode="max", patience=1000, eps=0.001)
    scheduler.step(0.93)
    run = {"optimizer": optimiser.state_dict(), "scheduler": scheduler.state_dict()}
    kept = {"state_dict": dict(state), **run, "epoch": 30, "best_val_metric": 0.93, "best_val_ep": 30}
    torch.save(kept, file, _use_new_zipfile_serialization=False)
    return file


def random_patchfor(block: int) -> dict[str, Tensor]:
    """Draws a small network of PatchFor that is cut after a block, whose patches differ."""
    state = drawn(patchfor_shapes(block, **ARCHITECTURES["patchfor"]), seed=30 + block)
    network = PatchXception(block, **ARCHITECTURES["patchfor"])
    network.load_state_dict(state)
    inputs = 2 * pictures(8, 56) - 1
    spread_out(network, network.get_submodule("convout"), inputs)
    with torch.no_grad():
        network.get_parameter("convout.bias").sub_(network(inputs).mean(dim=(0, 2, 3)))
    return dict(network.state_dict())


def write_patchfor(folder: Path) -> Path:
    """Writes PatchFor, cut after the second block."""
    return save_patchfor(random_patchfor(2), folder / "bestval_net_D.pth")


WRITERS: dict[str, Callable[[Path], Path]] = {
    "durall": lambda folder: write_linear("durall", 300, folder),
    "frank": lambda folder: write_linear("frank", 3 * 128 * 128, folder),
    "patchfor": write_patchfor,
    "spec": write_spec,
}
"""Writes checkpoints, by the detector's name."""
