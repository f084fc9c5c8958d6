"""EfficientNet-B4 as ``efficientnet_pytorch`` lays it out: timm's network, and the names that tensors have there."""

import math
from collections.abc import Mapping
from functools import partial

from timm.models.efficientnet import EfficientNet, decode_arch_def, round_channels
from torch import Tensor, nn

STAGES = (
    "ds_r1_k3_s1_e1_c16_se0.25",
    "ir_r2_k3_s2_e6_c24_se0.25",
    "ir_r2_k5_s2_e6_c40_se0.25",
    "ir_r3_k3_s2_e6_c80_se0.25",
    "ir_r3_k5_s1_e6_c112_se0.25",
    "ir_r4_k5_s2_e6_c192_se0.25",
    "ir_r1_k3_s1_e6_c320_se0.25",
)
"""The stages of EfficientNet-B0, as timm writes them."""
REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage of B0."""
OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
    "classifier": "classifier",
}
SQUEEZE = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", **SQUEEZE, "_project_conv": "conv_pw", "_bn2": "bn2"}
"""Parts of a block of the first stage, which does not expand."""
INNER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    **SQUEEZE,
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def efficientnet(width: float = 1.4, depth: float = 1.8, outputs: int = 2) -> nn.Module:
    """Builds an EfficientNet with TensorFlow's padding and its epsilon of 1e-3 in batch norms.

    Each layer pads by the size of what it is given. The layers of ``efficientnet_pytorch`` pad by a size that is fixed
    when B4 is built: in version 0.6.3 this comes to the same for images of 128 pixels and not for those of 380, from
    0.7 on for those of 380 and not for those of 128.

    Args:
        width: Factor of the channels of EfficientNet-B0, 1.4 for B4.
        depth: Factor of its blocks, 1.8 for B4.
        outputs: Number of logits.

    References:
        Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", arXiv 1905.11946;
        lukemelas/EfficientNet-PyTorch, versions 0.6.3 and 0.7.1.
    """
    channels = partial(round_channels, multiplier=width)
    network: nn.Module = EfficientNet(
        decode_arch_def([[stage] for stage in STAGES], depth),
        num_classes=outputs,
        num_features=channels(1280),
        stem_size=32,
        round_chs_fn=channels,
        act_layer=nn.SiLU,
        norm_layer=partial(nn.BatchNorm2d, eps=1e-3),
        pad_type="same",
    )
    return network


def renamed(state: Mapping[str, Tensor], depth: float = 1.8) -> dict[str, Tensor]:
    """Gives the tensors of ``efficientnet_pytorch`` timm's names; names that are none of its stay.

    Args:
        state: Tensors by name.
        depth: That of :func:`efficientnet`.

    Examples:
        >>> list(renamed({name: None for name in ("_blocks.0._bn1.bias", "_blocks.3._bn1.bias", "_fc.bias")}))
        ['blocks.0.0.bn1.bias', 'blocks.1.1.bn2.bias', 'classifier.bias']
    """
    places = [(stage, block) for stage, count in enumerate(REPEATS) for block in range(math.ceil(depth * count))]
    return {_renamed(name, places): tensor for name, tensor in state.items()}


def _renamed(name: str, places: list[tuple[int, int]]) -> str:
    head, _, rest = name.partition(".")
    if head != "_blocks":
        return f"{OUTER[head]}.{rest}" if head in OUTER else name
    number, part, rest = (*rest.split(".", 2), "", "")[:3]
    if not number.isdecimal() or int(number) >= len(places):
        return name
    stage, block = places[int(number)]
    parts = INNER if stage else FIRST
    return f"blocks.{stage}.{block}.{parts[part]}.{rest}" if part in parts else name
