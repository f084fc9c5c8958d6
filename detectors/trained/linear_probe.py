"""A linear layer on frozen features, trained here: ``score(x) = sigmoid(w . f(x) + b)``."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from detectors.backbones import Backbone
from detectors.backbones.base import rehearsing
from detectors.base import Detector, View
from detectors.errors import OptionError, WeightsError, WeightsNotFoundError
from detectors.trained.fitted_file import fitted_facts
from detectors.weights import read_weights, state_sha256


class LinearProbe(Detector):
    """A logistic regression on the features of a frozen backbone.

    There are no released weights: ``python -m bench fit --detector linear-probe`` trains a file. The file names the
    backbone whose features it was trained on, and no other is taken.

    Score:
        The probability of being generated, in [0, 1], in float64; higher means more likely generated. It is not
        calibrated: the classes weighed the same in training.

    Args:
        backbone: The vision model that the file was trained on.
        checkpoint: The file.
        seed: Unused; nothing is random.

    References:
        Ojha, Li and Lee, "Towards Universal Fake Image Detectors that Generalize Across Generative Models",
        arXiv 2302.10174. There the linear layer is trained with AdamW on augmented crops (WisconsinAIVision/
        UniversalFakeDetect@1d750a5, options/train_options.py); here it is a logistic regression on centre crops.
    """

    name = "linear-probe"
    paper = "arXiv 2302.10174"
    view = View(224, "centre-crop")
    weight: Tensor
    bias: Tensor

    def __init__(self, backbone: Backbone, *, checkpoint: str | None = None, seed: int = 0) -> None:
        super().__init__()
        if checkpoint is None:
            raise WeightsNotFoundError(
                "linear-probe needs a file of its own training: python -m bench fit --detector linear-probe "
                "--save FILE.safetensors ..., then --checkpoint linear-probe=FILE.safetensors."
            )
        file = Path(checkpoint)
        state, facts = read_weights(file), fitted_facts(file)
        if facts is None or facts.get("detector") != self.name or set(state) != {"weight", "bias"}:
            raise WeightsError(f"{file} is not a linear probe that python -m bench fit wrote.")
        _check_backbone(backbone, facts, file)
        self.backbone, self.seed, self.checkpoint, self.facts = backbone, seed, file.name, facts
        self.view = View(**facts["view"])
        self.register_buffer("weight", state["weight"].double())
        self.register_buffer("bias", state["bias"].double())

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """Leaves out the file's name: the fingerprint has the weights."""
        return {}

    def fingerprint(self, **run: str | int) -> str:
        """Covers the loaded weights, not their file; see :meth:`Detector.fingerprint`."""
        weights = state_sha256({"weight": self.weight, "bias": self.bias})
        return super().fingerprint(trained_weights=weights, **run)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The generators whose images it was trained on."""
        return tuple(self.facts["trained_on"])

    def logits(self, images: Tensor) -> Tensor:
        """Computes ``w . f(x) + b``, ``(B,)`` in float64."""
        # A sum over each image's own row: a matrix product may round otherwise with the size of the batch.
        features: Tensor = self.backbone(images)
        if features.shape[1] != len(self.weight) and not rehearsing():
            raise WeightsError(
                f"{self.checkpoint} has a weight of shape {tuple(self.weight.shape)}, and {self.backbone.name} gives "
                f"{features.shape[1]} features."
            )
        return (features.double() * self.weight).sum(dim=1) + self.bias

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return torch.sigmoid(self.logits(images))

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return 0


def _check_backbone(backbone: Backbone, facts: dict[str, Any], file: Path) -> None:
    trained: dict[str, str] = facts.get("backbone") or {}
    if trained.get("name") != backbone.name:
        raise OptionError(
            f"{file.name} was trained on features of {trained.get('name')}, not of {backbone.name}: "
            f"give --backbone {trained.get('name')}, or fit a probe on {backbone.name}."
        )
    if trained.get("weights") != backbone.fingerprint:
        raise OptionError(
            f"{file.name} was trained on {backbone.name} with weights {trained.get('weights', '')[:12]}, not "
            f"{backbone.fingerprint[:12]}: give the same --weights, or fit a probe on these."
        )
