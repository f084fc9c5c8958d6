"""The weights that fine-tuning starts from."""

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

NATIVE_SIZE = 224


def starting_state(fit: FitOptions) -> dict[str, Tensor]:
    """Makes the weights of the detector's network: the body from ``init``, a new head of one logit from ``seed``.

    Raises:
        UnknownNameError: timm has no such model or weights.
        BenchError: NPR is published from random weights only.
        WeightsNotFoundError: The pretrained weights are not to be had here.
    """
    torch.manual_seed(fit.seed)
    if fit.name == "npr":
        if fit.init not in (PRETRAINED, RANDOM):
            raise BenchError(f"npr starts from random weights, as published; got --init {fit.init}.")
        return _npr()
    check_timm_name(fit.model)
    state: dict[str, Tensor] = timm.create_model(fit.model, num_classes=1).state_dict()
    return state if fit.init == RANDOM else state | _body(fit)


def _npr() -> dict[str, Tensor]:
    """Draws NPR's weights: a ResNet-50 up to its second stage, with a smaller first convolution and a head."""
    first, head = nn.Conv2d(3, 64, 3, bias=False), nn.Linear(512, 1)
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws the others
    body = resnet50(weights=None).state_dict()
    kept = {name: tensor for name, tensor in body.items() if name.startswith(("bn1.", "layer1.", "layer2."))}
    weights = {"conv1.weight": first.weight, **kept, "fc1.weight": head.weight, "fc1.bias": head.bias}
    return {name: tensor.detach() for name, tensor in weights.items()}


def _body(fit: FitOptions) -> dict[str, Tensor]:
    """Reads pretrained weights without their classifier."""
    config = get_pretrained_cfg(fit.model)
    size = config.input_size[-1] if config else NATIVE_SIZE
    try:
        weights = None if fit.init == PRETRAINED else Path(fit.init)
        body: dict[str, Tensor] = create_backbone(f"timm:{fit.model}", weights, size).model.state_dict()
    except WeightsNotFoundError as error:
        if fit.init != PRETRAINED:
            raise
        raise WeightsNotFoundError(
            f"The pretrained weights of {fit.model} are not cached, and the Hugging Face hub gives none. Go online "
            f"once, or start from a file with --init FILE, or from nothing with --init random."
        ) from error
    return body
