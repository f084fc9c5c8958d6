"""Which detectors can be trained here, and how: a line each."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a detector is trained.

    Args:
        linear: A linear function of features that are computed once, rather than a network that is fine-tuned.
        standardised: Whether the penalty is on weights of standardised features.
        lr: Learning rate of Adam, as published, or that of most.
        model: The timm model that its network is, whose weights it can start from.
        pretrained: Whether pretrained weights are the published start; else they are random.
    """

    linear: bool = False
    standardised: bool = True
    lr: float = 1e-4
    model: str = ""
    pretrained: bool = False


RECIPES: Mapping[str, Recipe] = {
    "linear-probe": Recipe(linear=True),
    "durall": Recipe(linear=True, standardised=False),
    "frank": Recipe(linear=True),
    "npr": Recipe(lr=2e-4),
    "patchfor": Recipe(lr=1e-3),
    "spec": Recipe(model="resnet34", pretrained=True),
    "timm": Recipe(pretrained=True),
}
"""By the detector's name; of ``timm`` the user names the model."""
