"""The two small neural generators of the demo data set.

Both turn a crop of a photograph into a generated counterpart with the same content, so that a detector can only go
by traces of generation. They are cross-fitted: a network is shown only photographs of the half that it was not
trained on.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from datamodules.demo_images.photographs import RGB, Half, Photograph

WEIGHTS = Path(__file__).parent / "weights"
TRAINED_ON: dict[Half, Half] = {"a": "b", "b": "a"}
"""Half of a photograph -> the half on which the network that is shown it was trained."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip connection, without normalisation (batch size 1 must give the same image).

    Args:
        channels: Number of channels, in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return ``features + layers(features)``, ``(B, C, H, W)``."""
        change: Tensor = self.layers(features)
        return features + change


class Autoencoder(nn.Module):
    """Convolutional autoencoder: 8x downsampling to ``latent`` channels; the generated image is the reconstruction.

    The shape of the first stage of a latent diffusion model, without its sampling.

    Args:
        latent: Channels of the latent image ``(B, latent, H / 8, W / 8)``.
    """

    def __init__(self, latent: int = 12) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, 32, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(32, 48, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(48, 64, 4, stride=2, padding=1),
            ResidualBlock(64),
            nn.Conv2d(64, latent, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, 64, 3, padding=1),
            ResidualBlock(64),
            nn.ConvTranspose2d(64, 48, 4, stride=2, padding=1),
            ResidualBlock(48),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(48, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(32, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return reconstructions ``(B, 3, H, W)`` of images in [0, 1]; the range is not clamped."""
        reconstructions: Tensor = self.decoder(self.encoder(images - 0.5))
        return reconstructions + 0.5


class Upsampler(nn.Module):
    """Learned 4x upsampler in the manner of GAN generators: residual blocks, then two transposed convolutions.

    The generated image is the crop, reduced 4x by area averaging and upsampled by the network.

    Args:
        channels: Channels at the low resolution.
        blocks: Residual blocks at the low resolution.
    """

    def __init__(self, channels: int = 48, blocks: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            *[ResidualBlock(channels) for _ in range(blocks)],
            nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(channels, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(32, 24, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(24, 3, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(B, 3, H, W)``: images in [0, 1], reduced 4x and upsampled again; the range is not clamped."""
        reduced = F.avg_pool2d(images, 4)
        details: Tensor = self.layers(reduced - 0.5)
        return details + F.interpolate(reduced, scale_factor=4, mode="bilinear")


GENERATORS: dict[str, type[Autoencoder] | type[Upsampler]] = {"autoencoder": Autoencoder, "upsampler": Upsampler}
"""Name in tables and folders -> class."""


def weights_path(generator: str, half: Half) -> Path:
    """Return the file of the network ``generator`` that was trained on ``half``."""
    return WEIGHTS / f"{generator}-{half}.safetensors"


def weights_for(generator: str, photograph: Photograph) -> Path:
    """Return the file of the network ``generator`` that may be shown ``photograph``."""
    return weights_path(generator, TRAINED_ON[photograph.half])


def generate(generator: str, photograph: Photograph, crop: RGB) -> RGB:
    """Return the generated counterpart ``(256, 256, 3)`` of a crop.

    Everything is computed in float64 on the CPU, so that the bytes are the same everywhere. Instruction sets and thread
    counts move a value by some 1e-13 grey levels, and no value of the demo lies closer than 1e-9 to a rounding border.
    In float32 the bytes would differ.

    Args:
        generator: A name in ``GENERATORS``.
        photograph: The photograph that the crop comes from; it decides which network may see it.
        crop: The crop ``(256, 256, 3)``.
    """
    network = _load_network(generator, weights_for(generator, photograph))
    image = torch.tensor(crop).permute(2, 0, 1)[None].double() / 255
    with torch.inference_mode():
        generated = network(image)
    if not photograph.colour:
        # A trace of colour would give the label of a grey photograph away.
        generated = luminance(generated).expand_as(generated)
    # floor(x + 0.5) and not round: halves go up, in every library.
    levels = torch.floor(generated.clamp(0, 1) * 255 + 0.5)
    return np.ascontiguousarray(levels[0].permute(1, 2, 0).to(torch.uint8).numpy())


@functools.cache
def _load_network(generator: str, weights: Path) -> nn.Module:
    network = GENERATORS[generator]()
    network.load_state_dict(load_file(weights))
    return network.double().eval()


def luminance(images: Tensor) -> Tensor:
    """Return the luminance ``(B, 1, H, W)`` of images ``(B, 3, H, W)`` after ITU-R BT.601."""
    return 0.299 * images[:, 0:1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:3]
