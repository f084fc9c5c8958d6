"""AUROC and AP as torchmetrics computes them, over all devices."""

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision
from torchmetrics.utilities import dim_zero_cat


class _AUROC(BinaryAUROC):
    """Nan where there is one class only; torchmetrics would say 0, with a warning."""

    def compute(self) -> Tensor:  # type: ignore[override] # as BinaryAUROC itself
        return super().compute() if _has_both_classes(self.target) else torch.tensor(float("nan"))


class _AveragePrecision(BinaryAveragePrecision):
    """Nan where there is one class only; torchmetrics would say 0 or 1."""

    def compute(self) -> Tensor:  # type: ignore[override] # as BinaryAveragePrecision itself
        return super().compute() if _has_both_classes(self.target) else torch.tensor(float("nan"))


def _has_both_classes(target: Tensor | list[Tensor]) -> bool:
    labels = dim_zero_cat(target)
    return labels.numel() > 0 and bool(labels.min() != labels.max())


class LiveMetrics(nn.Module):
    """AUROC and both APs of one detector against one generator, as torchmetrics computes them.

    ``normalization=None`` keeps the scores as they are: by default curve metrics squash a batch with a sigmoid as soon
    as one of its scores leaves [0, 1], and the metric then depends on the batches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auroc = _AUROC(normalization=None)
        self.ap_generated = _AveragePrecision(normalization=None)
        self.ap_real = _AveragePrecision(normalization=None)

    def update(self, scores: Tensor, labels: Tensor) -> None:
        """Adds ``(B,)`` scores with their labels."""
        self.auroc.update(scores, labels)
        self.ap_generated.update(scores, labels)
        self.ap_real.update(-scores, 1 - labels)

    def compute(self) -> dict[str, float]:
        """Computes the metrics over all devices; with one class only each is nan."""
        metrics = {name: metric for name, metric in self.named_children() if isinstance(metric, Metric)}
        return {name: metric.compute().item() for name, metric in metrics.items()}
