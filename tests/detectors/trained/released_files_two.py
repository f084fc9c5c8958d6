"""Writes checkpoints of LGrad, DIRE, Gram-Net and F3-Net: published architectures, random weights, released layouts.

A random network gives nearly the same logit to every image. So its batch norms take their statistics from random
pictures, and its last layer is scaled so that logits spread around 0.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet50

from detectors.trained.gradient_pictures import gradient_pictures
from detectors.trained.networks.f3net import FrequencyNetwork
from detectors.trained.networks.gramnet import GramNetwork
from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator
from detectors.trained.pixels import imagenet_normalised

DISCRIMINATOR = "karras2019stylegan-bedrooms-256x256_discriminator.pth"
SPREAD = 1.5
"""Standard deviation of the logits of random pictures."""


def pictures(count: int, side: int, seed: int = 0) -> Tensor:
    """Makes smooth random pictures, ``(count, 3, side, side)`` in [0, 1], with some noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, size=side, mode="bilinear", align_corners=False)
    return (smooth + 0.1 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


def spread_out(network: nn.Module, last: nn.Linear, inputs: Tensor) -> nn.Module:
    """Sets batch norms and the last layer so that the logits of some inputs spread around 0."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean of what is seen
        network.train()
        network(inputs)
        network.eval()
        logits = network(inputs)
        last.weight *= SPREAD / logits.std()
        last.bias -= network(inputs).mean()
    return network.requires_grad_(False)


def random_resnet50(seed: int, inputs: Tensor) -> nn.Module:
    """Makes a ResNet-50 with one logit."""
    torch.manual_seed(seed)
    network = resnet50(num_classes=1)
    return spread_out(network, network.fc, inputs)


def random_discriminator(seed: int = 1) -> nn.Module:
    """Makes StyleGAN's discriminator for 256 pixels."""
    torch.manual_seed(seed)
    return StyleGANDiscriminator().requires_grad_(False).eval()


def write_lgrad(folder: Path) -> Path:
    """Writes both of LGrad's files: bare state dicts."""
    judge = random_discriminator()
    torch.save(judge.state_dict(), folder / DISCRIMINATOR)
    file = folder / "LGrad-4class-Trainon-Progan_car_cat_chair_horse.pth"
    inputs = imagenet_normalised(gradient_pictures(judge, pictures(4, 256)))
    torch.save(random_resnet50(2, inputs).state_dict(), file)
    return file


def write_dire(folder: Path) -> Path:
    """Writes a classifier of DIRE maps: nested, with the optimiser's state and the number of steps beside it."""
    network = random_resnet50(4, imagenet_normalised(pictures(4, 224)))
    file = folder / "lsun_adm.pth"
    torch.save({"model": network.state_dict(), "optimizer": {"state": {}, "param_groups": []}, "total_steps": 7}, file)
    return file


def write_gramnet(folder: Path) -> Path:
    """Writes Gram-Net: nested under ``netC``, from two devices."""
    torch.manual_seed(5)
    network = GramNetwork()
    spread_out(network, network.fcnewr[3], imagenet_normalised(pictures(4, 128)))
    file = folder / "Gram.pth"
    torch.save({"netC": {f"module.{key}": value for key, value in network.state_dict().items()}}, file)
    return file


def write_f3net(folder: Path) -> Path:
    """Writes F3-Net as its public copy does: a bare state dict from ``nn.DataParallel``."""
    torch.manual_seed(6)
    network = FrequencyNetwork()
    for band in network.FAD_head.filters:
        nn.init.normal_(band.learnable, 0, 0.1)
    spread_out(network, network.fc, 2 * pictures(4, 299) - 1)
    file = folder / "f3net.pth"
    torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, file)
    return file


WRITERS: dict[str, Callable[[Path], Path]] = {
    "lgrad": write_lgrad,
    "dire": write_dire,
    "gramnet": write_gramnet,
    "f3net": write_f3net,
}
"""By the detector's name; each writes into a folder and returns the checkpoint."""
