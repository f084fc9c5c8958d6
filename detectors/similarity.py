"""Similarity of features, where it is close to one."""

from torch import Tensor
from torch.nn import functional as F


def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    """Computes ``1 - cos`` without cancellation.

    Near 1 a float32 cosine keeps three digits of its distance to 1 and is full of false ties. In float64, and as
    half the squared distance of the unit vectors, nothing is lost: ``1 - a.b = ||a - b||^2 / 2``.

    Args:
        first: ``(B, D)`` features of any length.
        second: ``(B, D)`` features of any length.

    Returns:
        ``(B,)`` float64 distances in [0, 2].

    Examples:
        >>> import torch
        >>> cosine_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]])).item()
        1.0
    """
    difference = F.normalize(first.double(), dim=-1) - F.normalize(second.double(), dim=-1)
    return 0.5 * difference.square().sum(dim=-1)
