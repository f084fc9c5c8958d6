"""What is logged is what torchmetrics computes, to the last bit."""

import pytest
import torch
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from bench.scoring.live_values import live_values


def scores_of(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (500,), generator=generator)
    scores = 3 * torch.randn(500, generator=generator, dtype=torch.float64) + labels
    return (scores.round() if seed % 2 else scores), labels  # with ties and without


@pytest.mark.parametrize("seed", range(6))
def test_values_are_those_of_torchmetrics(seed):
    scores, labels = scores_of(seed)
    values = live_values(scores, labels)
    assert values["auroc"] == BinaryAUROC(normalization=None)(scores, labels)
    assert values["ap_generated"] == BinaryAveragePrecision(normalization=None)(scores, labels)
    assert values["ap_real"] == BinaryAveragePrecision(normalization=None)(-scores, 1 - labels)
    assert all(value.dtype == torch.float32 for value in values.values())


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_of_one_class_there_is_no_value(labels):
    values = live_values(torch.zeros(len(labels), dtype=torch.float64), torch.tensor(labels, dtype=torch.long))
    assert all(value.isnan() for value in values.values())
