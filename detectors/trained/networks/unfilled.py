"""Networks that take all their weights from a file."""

from collections.abc import Callable

import torch
from torch import nn


def unfilled(build: Callable[[], nn.Module]) -> nn.Module:
    """Builds a network without drawing its weights, which takes seconds for large ones.

    Args:
        build: Makes a network all of whose tensors are in its state dict.

    Returns:
        The network with any numbers for weights: fill it with :func:`detectors.weights.load_strictly`.
    """
    with torch.device("meta"):
        network = build()
    return network.to_empty(device="cpu")
