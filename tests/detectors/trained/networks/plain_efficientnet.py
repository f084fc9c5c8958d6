"""An EfficientNet in plain torch with the names of ``efficientnet_pytorch``, written anew from the paper's table."""

import math

import torch
from torch import nn
from torch.nn import functional as F

TABLE = (  # kernel, stride, expansion, channels, blocks, as in table 1 of arXiv 1905.11946
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def scaled(channels, width):
    """Scales a number of channels to the nearest multiple of 8 that is no more than a tenth too small."""
    wanted = channels * width
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 * (nearest < 0.9 * wanted)


def convolve(values, layer, stride=1, groups=1):
    """Convolves so that each side becomes ``ceil(side / stride)``; an odd pixel of padding comes last."""
    kernel = layer.weight.shape[-1]
    lacking = [max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in values.shape[2:]]
    (top, bottom), (left, right) = ((both // 2, both - both // 2) for both in lacking)
    return F.conv2d(F.pad(values, (left, right, top, bottom)), layer.weight, layer.bias, stride, groups=groups)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    def __init__(self, kernel, stride, expansion, channels_in, channels_out):
        super().__init__()
        inner, squeezed = channels_in * expansion, max(1, channels_in // 4)
        if expansion > 1:
            self._expand_conv = nn.Conv2d(channels_in, inner, 1, bias=False)
            self._bn0 = norm(inner)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, groups=inner, bias=False)
        self._bn1 = norm(inner)
        self._se_reduce = nn.Conv2d(inner, squeezed, 1)
        self._se_expand = nn.Conv2d(squeezed, inner, 1)
        self._project_conv = nn.Conv2d(inner, channels_out, 1, bias=False)
        self._bn2 = norm(channels_out)
        self.stride, self.expands, self.adds = stride, expansion > 1, stride == 1 and channels_in == channels_out

    def forward(self, images):
        values = F.silu(self._bn0(convolve(images, self._expand_conv))) if self.expands else images
        values = F.silu(self._bn1(convolve(values, self._depthwise_conv, self.stride, values.shape[1])))
        means = values.mean(dim=(2, 3), keepdim=True)
        values = values * torch.sigmoid(self._se_expand(F.silu(self._se_reduce(means))))
        values = self._bn2(convolve(values, self._project_conv))
        return values + images if self.adds else values


class PlainEfficientNet(nn.Module):
    """With ``_fc``; the classifier of GANDetection has another name."""

    def __init__(self, width=1.4, depth=1.8, outputs=2):
        super().__init__()
        channels = scaled(32, width)
        self._conv_stem = nn.Conv2d(3, channels, 3, bias=False)
        self._bn0 = norm(channels)
        self._blocks = nn.ModuleList()
        for kernel, stride, expansion, wanted, count in TABLE:
            for number in range(math.ceil(depth * count)):
                self._blocks.append(Block(kernel, 1 if number else stride, expansion, channels, scaled(wanted, width)))
                channels = scaled(wanted, width)
        head = scaled(1280, width)
        self._conv_head = nn.Conv2d(channels, head, 1, bias=False)
        self._bn1 = norm(head)
        self._fc = nn.Linear(head, outputs)

    def forward(self, images):
        values = F.silu(self._bn0(convolve(images, self._conv_stem, 2)))
        for block in self._blocks:
            values = block(values)
        return self._fc(F.silu(self._bn1(convolve(values, self._conv_head))).mean(dim=(2, 3)))
