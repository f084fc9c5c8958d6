"""Data, a network and a device, for what looks at features itself rather than at scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.errors import BenchError
from bench.scoring.build import create_datamodule
from bench.scoring.options import CHOICES, RunOptions
from datamodules import DetectionDataModule
from detectors import Backbone, View, WePe, create_backbone


@dataclass(frozen=True)
class Setting:
    """What is looked at, and with what.

    Args:
        datamodule: The dataset, set up.
        backbone: The clean network, on its device.
        device: The device.
        view: What is cut of each image.
    """

    datamodule: DetectionDataModule
    backbone: Backbone
    device: torch.device
    view: View = WePe.view


def open_setting(options: RunOptions) -> Setting:
    """Sets the data up and loads the network.

    Raises:
        BenchError: There is no such device.
    """
    device = find_device(options.accelerator)
    datamodule = create_datamodule(options)
    datamodule.prepare_data()
    datamodule.setup()
    return Setting(datamodule, create_backbone(options.backbone, options.weights).to(device), device)


def find_device(accelerator: str) -> torch.device:
    """Returns the device of ``--accelerator``.

    Raises:
        BenchError: There is no such kind, or none here.
    """
    here = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wanted: Sequence[str] = ("gpu", "cpu") if accelerator == "auto" else (accelerator,)
    for name in wanted:
        if name not in here:
            known = ", ".join(CHOICES["accelerator"])
            raise BenchError(f"--accelerator must be one of {known}, got {accelerator!r}.")
        if here[name]:
            return torch.device("cuda" if name == "gpu" else name)
    raise BenchError(f"--accelerator {accelerator}: there is no such device here; take auto or cpu.")
