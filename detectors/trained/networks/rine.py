"""RINE's trained part: a weight for each block and feature, between two projections."""

import torch
from torch import Tensor, nn


class RineHead(nn.Module):
    """Judges the class tokens of all blocks of a transformer.

    ``head(P2(sum_b softmax_b(alpha) * P1(z_b)))``, with the softmax over the blocks ``b`` for each feature by itself.

    Args:
        blocks: Number of blocks.
        width: Length of a class token.
        projections: Linear layers in each of the two projections.
        dimension: Their width.
    """

    def __init__(self, blocks: int, width: int, projections: int, dimension: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1, blocks, dimension))
        self.proj1 = nn.Sequential(nn.Dropout(), *_layers(width, dimension, projections))
        self.proj2 = nn.Sequential(nn.Dropout(), *_layers(dimension, dimension, projections))
        self.head = nn.Sequential(*_layers(dimension, dimension, 2), nn.Linear(dimension, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Judges tokens ``(B, blocks, width)``; returns ``(B, 1)`` logits."""
        weighted = torch.softmax(self.alpha, dim=1) * self.proj1(tokens)
        logits: Tensor = self.head(self.proj2(weighted.sum(dim=1)))
        return logits


def _layers(width: int, dimension: int, count: int) -> list[nn.Module]:
    """Makes linear layers, each with its activation and the dropout that gives the released names their numbers."""
    widths = [width, *[dimension] * (count - 1)]
    return [layer for width in widths for layer in (nn.Linear(width, dimension), nn.ReLU(), nn.Dropout())]
