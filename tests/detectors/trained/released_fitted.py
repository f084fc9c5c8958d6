"""Writes checkpoints of detectors that ``fit`` trains.

Random weights at a small size, in the released layout, or as ``fit`` writes them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import timm
import torch
from released_files_two import pictures, spread_out
from safetensors.torch import save_file
from torch import Tensor

from detectors import find_detector
from detectors.trained.fitted_file import FACTS
from detectors.trained.spectra import colour_spectrum

SMALL_MODEL = "test_resnet"


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


ARCHITECTURES: dict[str, Mapping[str, Any]] = {"spec": {"model": SMALL_MODEL}}
"""Small sizes of the network, by the detector's name."""
WRITERS: dict[str, Callable[[Path], Path]] = {
    "durall": lambda folder: write_linear("durall", 300, folder),
    "frank": lambda folder: write_linear("frank", 3 * 128 * 128, folder),
    "spec": write_spec,
}
