"""AUROC and AP as torchmetrics computes them, over all devices."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision
from torchmetrics.utilities import dim_zero_cat

from bench.scoring.live_values import NAMES

KEPT_APART = 64
"""Batches after which their scores are put together: a tensor of its own for each batch takes far more memory."""


class LiveMetrics(Metric):
    """AUROC and both APs of one detector against one generator, from one copy of the scores.

    ``normalization=None`` keeps the scores as they are: by default curve metrics squash a batch with a sigmoid as soon
    as one of its scores leaves [0, 1], and the metric then depends on the batches. With one class only each metric is
    nan; torchmetrics would say 0 or 1, with a warning.
    """

    full_state_update: bool | None = False
    scores: list[Tensor]
    labels: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("labels", default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, labels: Tensor) -> None:
        """Adds ``(B,)`` scores with their labels."""
        self.scores.append(scores)
        self.labels.append(labels)
        if len(self.scores) > KEPT_APART:
            self.scores, self.labels = [dim_zero_cat(self.scores)], [dim_zero_cat(self.labels)]

    def compute(self) -> dict[str, Tensor]:
        """Computes ``auroc``, ``ap_generated`` and ``ap_real`` over all devices."""
        scores, labels = dim_zero_cat(self.scores), dim_zero_cat(self.labels)
        if not labels.numel() or labels.min() == labels.max():
            return dict.fromkeys(NAMES, torch.tensor(float("nan")))
        alone: dict[str, Any] = {"normalization": None, "sync_on_compute": False}  # these scores are of all devices
        values = (
            BinaryAUROC(**alone)(scores, labels),
            BinaryAveragePrecision(**alone)(scores, labels),
            BinaryAveragePrecision(**alone)(-scores, 1 - labels),
        )
        return dict(zip(NAMES, values, strict=True))
