"""The discriminator of StyleGAN in the layout of its public PyTorch conversion, for gradients with respect to an image.

Layout and constants follow genforce/sefa at 69467f2, ``models/stylegan_discriminator.py``, which genforce/genforce at
90b9365, ``converters/stylegan_converter.py``, fills with the weights of NVlabs/stylegan, and which LGrad loads.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BASE_WIDTH, MAX_WIDTH = 16384, 512
LEAST_SIDE = 4
SLOPE = 0.2
SPREAD_OF_ONE_IMAGE = 1e-4
"""The standard deviation over a minibatch of one image, sqrt(0 + 1e-8)."""


class StyleGANDiscriminator(nn.Module):
    """StyleGAN's discriminator at full level of detail.

    The published network appends the standard deviation over groups of up to four images of a batch as a channel. Here
    it is always that of a batch of one, as in LGrad's scripts, so that no image sees its neighbours.

    Args:
        resolution: Side of the images in pixels, a power of two from 8 on.

    Attributes:
        lod: The level of detail that the file was saved at; this network is right for 0, the end of the training.

    References:
        Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks",
        arXiv 1812.04948.
    """

    lod: Tensor

    def __init__(self, resolution: int = 256) -> None:
        super().__init__()
        self.register_buffer("lod", torch.zeros(()))
        sides = [resolution >> index for index in range(int(math.log2(resolution // LEAST_SIDE)) + 1)]
        for index, side in enumerate(sides):
            # Only input0 is used; the others belong to smaller levels of detail and are in the file.
            self.add_module(f"input{index}", ScaledConvolution(3, _width(side), kernel=1))
            if side > LEAST_SIDE:
                self.add_module(f"layer{2 * index}", ScaledConvolution(_width(side), _width(side)))
                self.add_module(f"layer{2 * index + 1}", HalvingConvolution(_width(side), _width(side // 2)))
        self.count = 2 * len(sides) + 1
        last = _width(LEAST_SIDE)
        self.add_module(f"layer{self.count - 3}", ScaledConvolution(last + 1, last))
        self.add_module(f"layer{self.count - 2}", ScaledLinear(last * LEAST_SIDE**2, last))
        self.add_module(f"layer{self.count - 1}", ScaledLinear(last, 1, gain=1.0))

    def forward(self, images: Tensor) -> Tensor:
        """Judges images.

        Args:
            images: ``(B, 3, resolution, resolution)`` in [-1, 1].

        Returns:
            ``(B, 1)``; higher means more like the training images.
        """
        hidden = F.leaky_relu(self.get_submodule("input0")(images), SLOPE)
        for index in range(self.count - 3):
            hidden = F.leaky_relu(self.get_submodule(f"layer{index}")(hidden), SLOPE)
        spread = hidden.new_full((len(hidden), 1, *hidden.shape[2:]), SPREAD_OF_ONE_IMAGE)
        hidden = F.leaky_relu(self.get_submodule(f"layer{self.count - 3}")(torch.cat([hidden, spread], dim=1)), SLOPE)
        hidden = F.leaky_relu(self.get_submodule(f"layer{self.count - 2}")(hidden.flatten(1)), SLOPE)
        judged: Tensor = self.get_submodule(f"layer{self.count - 1}")(hidden)
        return judged


class ScaledConvolution(nn.Module):
    """A convolution whose stored weights have unit variance and are scaled by ``sqrt(2 / fan_in)`` when used."""

    def __init__(self, width_in: int, width_out: int, kernel: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width_out, width_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(width_out))
        self.scale = math.sqrt(2 / (width_in * kernel**2))

    def forward(self, images: Tensor) -> Tensor:
        """Convolves ``(B, C, H, W)``; the sides stay."""
        return F.conv2d(images, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class HalvingConvolution(ScaledConvolution):
    """Blurs, convolves and averages 2x2 pixels.

    The last two are one convolution of 4x4 and stride 2. The published network does so from 128 pixels on, and one
    after the other below, which is the same but for rounding.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(width_in, width_out)
        self.blur = Blur(width_in)

    def forward(self, images: Tensor) -> Tensor:
        """Convolves ``(B, C, H, W)``; the sides are halved."""
        four_by_four = F.avg_pool2d(F.pad(self.weight * self.scale, (1, 1, 1, 1)), 2, stride=1)
        return F.conv2d(self.blur(images), four_by_four, self.bias, stride=2, padding=1)


class Blur(nn.Module):
    """Smooths each channel with the binomial filter 1-2-1; its kernel is stored in the file."""

    kernel: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(taps, taps).repeat(width, 1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Smooths ``(B, C, H, W)``; zeros lie beyond the border."""
        return F.conv2d(images, self.kernel, padding=1, groups=len(self.kernel))


class ScaledLinear(nn.Module):
    """A linear layer whose stored weights are scaled by ``gain / sqrt(fan_in)`` when used."""

    def __init__(self, width_in: int, width_out: int, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width_out, width_in))
        self.bias = nn.Parameter(torch.zeros(width_out))
        self.scale = gain / math.sqrt(width_in)

    def forward(self, features: Tensor) -> Tensor:
        """Maps ``(B, C)``."""
        return F.linear(features, self.weight * self.scale, self.bias)


def _width(side: int) -> int:
    return min(BASE_WIDTH // side, MAX_WIDTH)
