"""Finds the detectors of the package ``detectzoo``, which ``make oracle`` installs beside the project's own packages.

Its own ``__init__`` imports detectors of texts and sounds and what these need; only its single files are wanted here.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image

from datamodules.views import cut_view
from detectors import TrainedDetector, View

FOLDER = Path(__file__).resolve().parents[2] / ".oracle"
PACKAGES = ("detectzoo", "detectzoo.detectors", "detectzoo.detectors.image", "detectzoo.datasets", "detectzoo.utils")


def detectzoo_module(name: str) -> ModuleType:
    """Imports ``detectzoo.detectors.image.<name>`` without what its packages import beside it."""
    if not (FOLDER / "detectzoo").is_dir():
        pytest.fail(f"There is no {FOLDER}/detectzoo: run `make oracle`.")
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))  # after the project's own packages
    for package in PACKAGES:
        if package not in sys.modules:
            bare = ModuleType(package)
            bare.__path__ = [str(FOLDER / package.replace(".", "/"))]
            sys.modules[package] = bare
    if "pkg_resources" not in sys.modules and importlib.util.find_spec("pkg_resources") is None:
        # A part of setuptools up to 81, which pytorch-wavelets imports and, for what is wanted here, does not use.
        sys.modules["pkg_resources"] = ModuleType("pkg_resources")
        sys.modules["pkg_resources"].resource_stream = None
    return importlib.import_module(f"detectzoo.detectors.image.{name}")


@torch.inference_mode()
def our_logits(detector: TrainedDetector, images: list[Image.Image], view: View | None = None) -> torch.Tensor:
    """Judges images as a run of the benchmark does, each by itself."""
    cut = [cut_view(image, view or detector.view, key=0) / 255 for image in images]
    return torch.cat([detector.logits([one] if detector.view.ragged else one[None]) for one in cut])


def their_logits(detector: object, images: list[Image.Image]) -> torch.Tensor:
    """Judges images by ``predict``, whose score is the sigmoid, or the softmax, of what its network gives."""
    caught = []
    hook = detector._model.register_forward_hook(lambda module, inputs, output: caught.append(output.detach()))
    scores = [detector.predict(image).score for image in images]
    hook.remove()
    outputs = torch.cat(caught)
    logits = outputs.flatten() if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]
    torch.testing.assert_close(torch.sigmoid(logits), torch.tensor(scores))
    return logits


def largest(first: torch.Tensor, second: torch.Tensor) -> float:
    """Returns the largest difference, which ``pytest -s`` shows."""
    difference = (first - second).abs().max().item()
    print(f"largest difference {difference:.2g} of logits {first.tolist()}")
    return difference


def assert_equal(first: torch.Tensor, second: torch.Tensor) -> None:
    """Asserts that logits are equal to 1e-5 of the largest, or of 1, and no constant."""
    assert largest(first, second) < 1e-5 * max(1, first.abs().max())
    assert first.std() > 0.05
