"""Detectors that are a linear function of features, trained here: ``score(x) = sigmoid(w . f(x) + b)``."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from detectors.backbones.base import rehearsing
from detectors.base import Detector, View
from detectors.errors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from detectors.trained.fitted_file import fitted_facts
from detectors.weights import read_weights, state_sha256


class LinearDetector(Detector):
    """A linear function of features, which ``python -m bench fit`` trains.

    A subclass states :meth:`features`.

    Score:
        The probability of being generated, in [0, 1], in float64; higher means more likely generated. It is not
        calibrated: the classes weighed the same in training.

    Args:
        checkpoint: The file.
        seed: Unused; nothing is random.

    Raises:
        WeightsNotFoundError: There is no such file; says how to train one.
        WeightsError: It is not a file of this detector that ``fit`` wrote.
    """

    fitted_here: ClassVar[bool] = True
    unreleased: ClassVar[str] = ""
    """Where no weights of the published training can be had: a sentence that says so."""
    weight: Tensor
    bias: Tensor

    def __init__(self, *, checkpoint: str | None = None, seed: int = 0) -> None:
        super().__init__()
        if checkpoint is None:
            raise WeightsNotFoundError(
                f"{self.name} needs a file of its own training: python -m bench fit --detector {self.name} "
                f"--save FILE.safetensors ..., then --checkpoint {self.name}=FILE.safetensors."
            )
        file = Path(checkpoint)
        state, facts = read_weights(file), fitted_facts(file)
        if facts is None or facts.get("detector") != self.name or set(state) != {"weight", "bias"}:
            raise WeightsError(f"{file} is not a {self.name} that python -m bench fit wrote.")
        try:
            view, trained_on = View(**facts["view"]), tuple(map(str, facts["trained_on"]))
        except (KeyError, TypeError, OptionError, UnknownNameError) as error:
            raise WeightsError(f"{file} does not say how it was trained: fit it again.") from error
        if state["weight"].ndim != 1 or state["bias"].ndim != 0:
            raise WeightsError(f"{file} has a weight or a bias of another shape than a {self.name}'s: fit it again.")
        self.seed, self.checkpoint, self.facts, self.view = seed, file.name, facts, view
        self._trained_on = trained_on
        self.register_buffer("weight", state["weight"].double())
        self.register_buffer("bias", state["bias"].double())

    @abstractmethod
    def features(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Computes what is judged, ``(B, D)``, of images ``(B, 3, H, W)`` in [0, 1], or ``B`` times ``(3, H, W)``."""

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """Leaves out the file's name: the fingerprint has the weights."""
        return {}

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers the loaded weights, not their file; see :meth:`Detector.covered`."""
        weights = state_sha256({"weight": self.weight, "bias": self.bias})
        return super().covered(trained_weights=weights, **run)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The generators whose images it was trained on."""
        return self._trained_on

    def logits(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Computes ``w . f(x) + b``, ``(B,)`` in float64.

        Raises:
            WeightsError: The file has another number of weights than there are features.
        """
        features = self.features(images)
        if features.shape[1] != len(self.weight) and not rehearsing():
            raise WeightsError(
                f"{self.checkpoint} has a weight of shape {tuple(self.weight.shape)}, and there are "
                f"{features.shape[1]} features."
            )
        # A sum over each image's own row: a matrix product may round otherwise with the size of the batch.
        return (features.double() * self.weight).sum(dim=1) + self.bias

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return torch.sigmoid(self.logits(images))

    def objective(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Computes the logits."""
        return self.logits(images)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return 0
