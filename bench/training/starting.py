"""The weights that fine-tuning starts from."""

from collections.abc import Callable, Mapping
from pathlib import Path

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor, nn
from torchvision.models import resnet50  # type: ignore[import-untyped]

from bench.errors import BenchError
from bench.training.options import PRETRAINED, RANDOM, FitOptions
from detectors import WeightsNotFoundError, create_backbone
from detectors.backbones.timm_models import check_timm_name
from detectors.trained.networks.xception import initial_state

NATIVE_SIZE = 224


def starting_state(fit: FitOptions) -> dict[str, Tensor]:
    """Makes the weights of the detector's network: the body from ``init``, a new head of one logit from ``seed``.

    Raises:
        UnknownNameError: timm has no such model or weights.
        BenchError: The detector is published from random weights only.
        WeightsNotFoundError: The pretrained weights are not to be had here.
    """
    torch.manual_seed(fit.seed)
    if not fit.recipe.pretrained:
        if fit.init not in (PRETRAINED, RANDOM):
            raise BenchError(f"{fit.name} starts from random weights, as published; got --init {fit.init}.")
        return RANDOM_STARTS[fit.name](fit.seed)
    model = fit.model or fit.recipe.model
    check_timm_name(model)
    state: dict[str, Tensor] = timm.create_model(model, num_classes=1).state_dict()
    return state if fit.init == RANDOM else state | _body(model, fit.init)


def _npr() -> dict[str, Tensor]:
    """Draws NPR's weights: a ResNet-50 up to its second stage, with a smaller first convolution and a head."""
    first, head = nn.Conv2d(3, 64, 3, bias=False), nn.Linear(512, 1)
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws the others
    body = resnet50(weights=None).state_dict()
    kept = {name: tensor for name, tensor in body.items() if name.startswith(("bn1.", "layer1.", "layer2."))}
    weights = {"conv1.weight": first.weight, **kept, "fc1.weight": head.weight, "fc1.bias": head.bias}
    return {name: tensor.detach() for name, tensor in weights.items()}


RANDOM_STARTS: Mapping[str, Callable[[int], dict[str, Tensor]]] = {
    "npr": lambda seed: _npr(),
    "patchfor": initial_state,
}
"""Draws the weights of networks that are published from random ones, for a seed."""


def _body(model: str, init: str) -> dict[str, Tensor]:
    """Reads pretrained weights without their classifier."""
    config = get_pretrained_cfg(model)
    size = config.input_size[-1] if config else NATIVE_SIZE
    try:
        weights = None if init == PRETRAINED else Path(init)
        body: dict[str, Tensor] = create_backbone(f"timm:{model}", weights, size).model.state_dict()
    except WeightsNotFoundError as error:
        if init != PRETRAINED:
            raise
        raise WeightsNotFoundError(
            f"The pretrained weights of {model} are not cached, and the Hugging Face hub gives none. Go online "
            f"once, or start from a file with --init FILE, or from nothing with --init random."
        ) from error
    return body
