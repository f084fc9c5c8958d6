"""Any vision transformer or convolutional network that timm knows.

``timm:<model>`` follows timm in everything: its pretrained weights, normalisation, pooling and resampling.
"""

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from detectors.backbones.base import IMAGENET_MEAN, IMAGENET_STD, Backbone
from detectors.backbones.last_block import spare_last_block
from detectors.backbones.layouts import dinov2_from_transformers
from detectors.backbones.sources import TIMM_FILES
from detectors.errors import OptionError, UnknownNameError, WeightsNotFoundError
from detectors.hub import hub_file
from detectors.weights import load_strictly, read_weights

# Modules that hold the blocks (transformers, EfficientNets; ConvNeXts; Swins), or the names of the blocks themselves
# (ResNets, RegNets).
_CONTAINERS = ("blocks", "stages", "layers")
_NUMBERED = re.compile(r"(layer|s)\d+")


def timm_backbone(name: str, model: nn.Module, **normalisation: Sequence[float]) -> Backbone:
    """Wraps a timm model, finding its blocks.

    Args:
        name: The backbone's name.
        model: A timm model without classifier that has ``blocks`` (transformers, EfficientNets), ``stages``
            (ConvNeXts), ``layers`` (Swins), ``layer1`` to ``layer4`` (ResNets) or ``s1`` to ``s4`` (RegNets).
        **normalisation: ``mean`` and ``std``, where they are not the ones in the model's own configuration.

    Raises:
        OptionError: The model has none of these.
    """
    config = getattr(model, "pretrained_cfg", {})
    mean = normalisation.get("mean", config.get("mean", IMAGENET_MEAN))
    std = normalisation.get("std", config.get("std", IMAGENET_STD))
    spare_last_block(model)
    convolutional = not hasattr(model, "pos_embed") and not hasattr(model, "patch_embed")
    return Backbone(name, model, find_blocks(name, model), mean, std, channels_last=convolutional)


def load_timm(name: str, weights: str | Path | None, image_size: int, **options: str) -> Backbone:
    """Builds ``timm:<model>``.

    Args:
        name: ``timm:`` and the name of a timm model, with or without the tag of its weights.
        weights: A local file, or nothing for the model's file on the hub.
        image_size: Side of the images in pixels.
        **options: Passed to the model, such as ``global_pool``.

    Raises:
        UnknownNameError: timm has no such model.
        OptionError: The model does not take images of this size, or has no blocks or no feature vector.
        WeightsNotFoundError: There are no weights for it.
        WeightsError: The file does not fit the model.
    """
    model = _create(name, name.partition(":")[2], options)
    return load_into(name, model, weights, image_size)


def load_into(name: str, model: nn.Module, weights: str | Path | None, image_size: int) -> Backbone:
    """Fills a timm model with weights and fits it to the image size."""
    backbone = timm_backbone(name, model)  # before the weights: a refusal should not cost a download
    file = Path(weights) if weights else timm_hub_file(model, name)
    load_strictly(model, adapted_state(model, read_weights(file)), file)
    set_size(name, model, image_size)
    check_output(name, model, image_size)
    return timm_backbone(name, backbone.model)


def timm_hub_file(model: nn.Module, name: str) -> Path:
    """Finds the weights of a timm model on the hub or in its cache.

    Raises:
        WeightsNotFoundError: They are not there, or not to be had.
    """
    config = getattr(model, "pretrained_cfg", {})
    repository = config.get("hf_hub_id")
    if not repository:
        raise WeightsNotFoundError(f"timm publishes no weights of {name}. Give a file with --weights FILE.")
    return hub_file(repository, name, TIMM_FILES)


def adapted_state(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames published tensors as timm does when it loads them, and leaves out the classifier.

    Args:
        model: A timm model without classifier.
        state: Tensors by name, as timm or the model's authors publish them, or a DINOv2 of transformers.

    Returns:
        Tensors by the model's own names.
    """
    # By timm's convention a model's module holds the function that adapts foreign checkpoints.
    adapt = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    state = dinov2_from_transformers(state)
    adapted: dict[str, Tensor] = adapt(state, model) if adapt else state
    classifier = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    heads, own = tuple(f"{name}." for name in names), model.state_dict()
    return {key: value for key, value in adapted.items() if key in own or not key.startswith(heads)}


def check_timm_name(architecture: str) -> None:
    """Looks a timm model up, with or without the tag of its weights.

    Raises:
        UnknownNameError: timm has no such model, or no such weights of it.
    """
    base, _, tag = architecture.partition(".")
    known = timm.list_models()
    if base not in known:
        close = difflib.get_close_matches(base, known, n=5)
        raise UnknownNameError("timm model", base, [*close, "… (all of timm.list_models())"])
    tags = [full.partition(".")[2] for full in timm.list_models(f"{base}.*", pretrained=True)]
    if tag and tag not in tags:
        raise UnknownNameError(f"weights of {base}", tag, tags)


def _create(name: str, architecture: str, options: Mapping[str, str]) -> nn.Module:
    check_timm_name(architecture)
    try:
        model: nn.Module = timm.create_model(architecture, num_classes=0, **options)
    except (RuntimeError, TypeError, ValueError) as error:
        raise OptionError(f"timm cannot build {name}: {str(error).splitlines()[0]}") from error
    return model


def find_blocks(name: str, model: nn.Module) -> list[str]:
    """Names the blocks of a timm model in depth order.

    Raises:
        OptionError: It has none by a known name.
    """
    children = dict(model.named_children())
    for container in _CONTAINERS:
        if container in children:
            return [f"{container}.{i}" for i, _ in children[container].named_children()]
    blocks = [child for child in children if _NUMBERED.fullmatch(child)]
    if not blocks:
        raise OptionError(
            f"{name} cannot be a backbone: its class {type(model).__name__} has no blocks by a known name "
            f"({', '.join(_CONTAINERS)} or layer1, s1 and on)."
        )
    return blocks


def set_size(name: str, model: nn.Module, image_size: int) -> None:
    """Fits a timm model to another image size, where it is made for one.

    Raises:
        OptionError: It does not take images of that size.
    """
    config = getattr(model, "pretrained_cfg", {})
    native = config.get("input_size", (3, image_size, image_size))[-1]
    if image_size == native:
        return
    resize = getattr(model, "set_input_size", None)
    if resize is not None:
        try:
            resize((image_size, image_size))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise _wrong_size(name, model, image_size, native) from error
    elif config.get("fixed_input_size"):
        raise _wrong_size(name, model, image_size, native)


def check_output(name: str, model: nn.Module, image_size: int) -> None:
    """Looks whether a model gives one vector an image.

    Raises:
        OptionError: It gives something else, or does not take images of that size.
    """
    model.eval()
    try:
        with torch.inference_mode():
            features: object = model(torch.zeros(1, 3, image_size, image_size))
    except (AssertionError, RuntimeError, ValueError) as error:
        native = getattr(model, "pretrained_cfg", {}).get("input_size", (3, image_size))[-1]
        raise _wrong_size(name, model, image_size, native) from error
    if not isinstance(features, Tensor) or features.ndim != 2:
        shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise OptionError(f"{name} cannot be a backbone: it gives {shape} instead of one vector an image.")


def _wrong_size(name: str, model: nn.Module, image_size: int, native: int) -> OptionError:
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    hint = f" and patches of {patch[0]} px" if isinstance(patch, tuple) else ""
    return OptionError(
        f"{name} does not take images of {image_size} x {image_size} px (made for {native} px{hint}): "
        f"choose another view size or backbone."
    )
