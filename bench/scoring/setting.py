"""Data, a network and a device, for what looks at features itself rather than at scores."""

from dataclasses import dataclass

import torch

from bench.errors import BenchError
from bench.scoring.build import create_datamodule
from bench.scoring.machine.phases import phase
from bench.scoring.options import CHOICES, RunOptions
from datamodules import DetectionData
from detectors import Backbone, View, WePe, create_backbone


@dataclass(frozen=True)
class Setting:
    """What is looked at, and with what: a dataset, set up, and a clean network on its device."""

    datamodule: DetectionData
    backbone: Backbone
    device: torch.device
    view: View


def open_setting(options: RunOptions) -> Setting:
    """Sets the data up and loads the network.

    Raises:
        BenchError: There is no such device.
    """
    device = _find_device(options.accelerator)
    datamodule = create_datamodule(options)
    with phase("Listing the images"):
        datamodule.prepare_data()
        datamodule.setup()
    return Setting(datamodule, create_backbone(options.backbone, options.weights).to(device), device, WePe.view)


def _find_device(accelerator: str) -> torch.device:
    if accelerator not in CHOICES["accelerator"]:
        known = ", ".join(CHOICES["accelerator"])
        raise BenchError(f"--accelerator must be one of {known}, got {accelerator!r}.")
    here = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    for name in ("gpu", "cpu") if accelerator == "auto" else (accelerator,):
        if here[name]:
            return torch.device("cuda" if name == "gpu" else name)
    raise BenchError(f"--accelerator {accelerator}: there is no such device here; take auto or cpu.")
