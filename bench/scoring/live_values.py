"""AUROC and both APs of scores, to the last bit as torchmetrics computes them, which takes a second to import."""

import torch
from torch import Tensor

NAMES = ("auroc", "ap_generated", "ap_real")


def live_values(scores: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Computes what is logged of a detector against a generator.

    Args:
        scores: ``(N,)``, as they are.
        labels: ``(N,)``, 0 real, 1 generated.

    Returns:
        ``auroc``, ``ap_generated`` and ``ap_real``; nan where there is one class only.
    """
    if not labels.numel() or labels.min() == labels.max():
        return dict.fromkeys(NAMES, torch.tensor(float("nan")))
    return {
        "auroc": _auroc(scores, labels),
        "ap_generated": _average_precision(scores, labels),
        "ap_real": _average_precision(-scores, 1 - labels),
    }


def _counts(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Counts negatives and positives from the highest score down to each distinct one."""
    order = scores.argsort(descending=True)
    scores, positive = scores[order], labels[order]
    last = torch.where(scores[1:] - scores[:-1])[0]
    ends = torch.nn.functional.pad(last, [0, 1], value=len(labels) - 1)
    positives = positive.cumsum(0)[ends]
    return 1 + ends - positives, positives


def _auroc(scores: Tensor, labels: Tensor) -> Tensor:
    negatives, positives = (torch.cat([counts.new_zeros(1), counts]) for counts in _counts(scores, labels))
    return torch.trapz(positives / positives[-1], negatives / negatives[-1])


def _average_precision(scores: Tensor, labels: Tensor) -> Tensor:
    negatives, positives = _counts(scores, labels)
    precision, recall = positives / (positives + negatives), positives / positives[-1]
    precision = torch.cat([precision.flip(0), precision.new_ones(1)])
    recall = torch.cat([recall.flip(0), recall.new_zeros(1)])
    return -torch.sum((recall[1:] - recall[:-1]) * precision[:-1])
