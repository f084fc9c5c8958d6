"""A linear layer on frozen features, trained here: ``score(x) = sigmoid(w . f(x) + b)``."""

from pathlib import Path
from typing import Any

from torch import Tensor

from detectors.backbones import Backbone
from detectors.base import View
from detectors.errors import OptionError
from detectors.trained.linear import LinearDetector
from detectors.trained.univfd import UnivFD


class LinearProbe(LinearDetector):
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
    citations = UnivFD.citations
    view = View(224, "centre-crop")

    def __init__(self, backbone: Backbone, *, checkpoint: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, seed=seed)
        _check_backbone(backbone, self.facts, Path(self.checkpoint))
        self.backbone = backbone

    def features(self, images: Tensor) -> Tensor:  # type: ignore[override] # its view makes a batch of one size
        """Takes the backbone's features, ``(B, D)``."""
        features: Tensor = self.backbone(images)
        return features


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
