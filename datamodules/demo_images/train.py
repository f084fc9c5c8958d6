"""Train a generator of the demo data set: ``python -m datamodules.demo_images.train --generator autoencoder --half a``.

Made the files in ``weights/``. A training takes about four minutes on two cores. Training in float32 is not equal to
the bit from machine to machine, so new weights need a new manifest: run
``python -m datamodules.demo_images.build --write-manifest`` after it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from datamodules.demo_images.generators import GENERATORS, TRAINED_ON, Upsampler, weights_path
from datamodules.demo_images.patches import PatchSampler
from datamodules.demo_images.photographs import PHOTOGRAPHS, Half, load_crops

SEED = 0
STEPS = {"autoencoder": 3000, "upsampler": 1500}
PATCH = 128
BATCH = 16
LEARNING_RATE = 2e-3
ADVERSARIAL_WEIGHT = 0.01
ADVERSARIAL_FROM = 0.3
"""Share of the training after which the discriminator joins: before, it would only learn to see blur."""


class PatchDiscriminator(nn.Module):
    """Says for each patch of about 20 px whether it looks real; ``(B, 3, H, W) -> (B, 1, H / 4, W / 4)``."""

    def __init__(self) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.Sequential(
            norm(nn.Conv2d(3, 32, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv2d(32, 64, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv2d(64, 64, 3, padding=1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return raw judgements, higher = more likely real."""
        judgements: Tensor = self.layers(images - 0.5)
        return judgements


def train_autoencoder(network: nn.Module, batches: Iterator[Tensor], steps: int) -> None:
    """Minimise the squared reconstruction error.

    Args:
        network: The autoencoder, changed in place.
        batches: Patches ``(B, 3, H, W)`` in [0, 1].
        steps: Number of steps.
    """
    optimiser, schedule = _optimiser(network, steps)
    for step, images in zip(range(steps), batches, strict=False):
        loss = F.mse_loss(network(images), images)
        _descend(loss, optimiser)
        schedule.step()
        if step % 200 == 0:
            print(f"step {step:5d}  loss {loss:.5f}", flush=True)


def train_upsampler(network: nn.Module, batches: Iterator[Tensor], steps: int) -> None:
    """Minimise the absolute error plus a hinge adversarial loss.

    Args:
        network: The upsampler, changed in place.
        batches: Patches ``(B, 3, H, W)`` in [0, 1].
        steps: Number of steps.
    """
    discriminator = PatchDiscriminator()
    optimiser, schedule = _optimiser(network, steps)
    critic = torch.optim.Adam(discriminator.parameters(), lr=4e-4, betas=(0.5, 0.99))
    for step, images in zip(range(steps), batches, strict=False):
        generated = network(images)
        loss = pixel_loss = F.l1_loss(generated, images)
        if step >= ADVERSARIAL_FROM * steps:
            fake, real = discriminator(generated.detach()), discriminator(images)
            _descend(F.relu(1 + fake).mean() + F.relu(1 - real).mean(), critic)
            loss = pixel_loss - ADVERSARIAL_WEIGHT * discriminator(generated).mean()
        _descend(loss, optimiser)
        schedule.step()
        if step % 200 == 0:
            print(f"step {step:5d}  l1 {pixel_loss:.5f}  loss {loss:.5f}", flush=True)


def _optimiser(network: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1)


def _descend(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()


def _endless(sampler: PatchSampler) -> Iterator[Tensor]:
    while True:
        yield sampler.draw(BATCH).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def psnr_by_photograph(network: nn.Module, half: Half) -> dict[str, float]:
    """Return the mean PSNR in dB of each photograph's crops.

    Args:
        network: A generator in float32.
        half: The half of the photographs to look at.
    """
    result = {}
    for photograph in PHOTOGRAPHS:
        if photograph.half == half:
            crops = torch.from_numpy(np.stack(load_crops(photograph))).permute(0, 3, 1, 2).float() / 255
            error = (network(crops).clamp(0, 1) - crops).square().mean(dim=(1, 2, 3))
            result[photograph.name] = float((-10 * error.log10()).mean())
    return result


def save_weights(network: nn.Module, half: Half, path: Path) -> None:
    """Save a network in half precision, which changes its images by less than a grey level.

    Args:
        network: The network.
        half: The half it was trained on; the names of its photographs are written into the file.
        path: The file.
    """
    weights = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    trained_on = ",".join(photograph.name for photograph in PHOTOGRAPHS if photograph.half == half)
    save_file(weights, path, metadata={"trained_on": trained_on})


def main() -> None:
    """Train one network, print how well it does on the other half, and save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", choices=list(GENERATORS), required=True)
    parser.add_argument("--half", choices=["a", "b"], required=True, help="half of the photographs to train on")
    parser.add_argument("--steps", type=int, help=f"default: {STEPS}")
    parser.add_argument("--output", type=Path, help="default: the file in weights/")
    arguments = parser.parse_args()

    torch.manual_seed(SEED)
    started = time.perf_counter()
    network = GENERATORS[arguments.generator]().to(memory_format=torch.channels_last)
    sampler = PatchSampler(arguments.half, size=PATCH, generator=torch.Generator().manual_seed(SEED))
    train = train_upsampler if isinstance(network, Upsampler) else train_autoencoder
    train(network, _endless(sampler), arguments.steps or STEPS[arguments.generator])
    print(f"trained for {time.perf_counter() - started:.0f} s")

    save_weights(network, arguments.half, arguments.output or weights_path(arguments.generator, arguments.half))
    psnr = psnr_by_photograph(network, TRAINED_ON[arguments.half])
    for name, value in psnr.items():
        print(f"{name:24s} {value:.2f} dB")
    print(f"mean over photographs    {sum(psnr.values()) / len(psnr):.2f} dB")


if __name__ == "__main__":
    main()
