"""The first blocks of an Xception, with two logits for every patch of an image.

Layer names, shapes, order and first weights follow chail/patch-forensics at e676e41, ``models/networks/customnet.py``,
``xception.py`` and ``netutils.py``; the blocks are timm's, which have the same names.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from timm.models.xception import Block
from torch import Tensor, nn

from detectors.errors import OptionError

STEM, WIDTHS = (32, 64), (128, 256, 728, 728, 728)
REPEATS, STRIDES = (2, 2, 2, 3, 3), (2, 2, 2, 1, 1)
CLASSES = 2
GAIN = 0.02
"""Of the first weights: that of convolutions, and the standard deviation of batch norms' weights around 1."""


class PatchXception(nn.Sequential):
    """An Xception cut after a block, and a convolution of 1 x 1: ``(B, 3, H, W)`` to ``(B, 2, H', W')``.

    Args:
        block: The last block, from 1 on; after the second a patch is 43 x 43 pixels wide, every 8 pixels.
        stem: Channels of the two convolutions before the blocks.
        widths: Channels of the blocks.

    Raises:
        OptionError: There is no such block.
    """

    def __init__(self, block: int, stem: Sequence[int] = STEM, widths: Sequence[int] = WIDTHS) -> None:
        if not 1 <= block <= len(widths):
            raise OptionError(f"block must be 1 to {len(widths)}, got {block}.")
        first, second = stem
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, first, 3, stride=2, bias=False),
            bn1=nn.BatchNorm2d(first),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(first, second, 3, bias=False),
            bn2=nn.BatchNorm2d(second),
            relu2=nn.ReLU(inplace=True),
        )
        channels = (second, *widths)
        for at in range(block):
            layers[f"block{at + 1}"] = Block(
                channels[at], channels[at + 1], REPEATS[at], STRIDES[at], start_with_relu=at > 0
            )
        layers["convout"] = nn.Conv2d(channels[block], CLASSES, 1)
        super().__init__(layers)


def initial_state(
    seed: int, block: int = 2, stem: Sequence[int] = STEM, widths: Sequence[int] = WIDTHS
) -> dict[str, Tensor]:
    """Draws the weights that a training starts from, as published: Xavier's normal ones with a gain of 0.02.

    Args:
        seed: Of the draws; the published code draws others from the same seed.
        block: The last block; the second by default, as in the checkpoint that the published examples name.
        stem: See :class:`PatchXception`.
        widths: See :class:`PatchXception`.

    Returns:
        Tensors by the names of the release.

    Raises:
        OptionError: There is no such block.
    """
    draws = torch.Generator().manual_seed(seed)
    with torch.device("meta"):  # whose own first weights would be drawn from torch's global generator
        network = PatchXception(block, stem, widths)
    for module in network.to_empty(device="cpu").modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight, GAIN, draws)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            nn.init.normal_(module.weight, 1, GAIN, draws)
            nn.init.zeros_(module.bias)
    return dict(network.state_dict())
