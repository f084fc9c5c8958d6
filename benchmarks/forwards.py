"""Runs the forward passes of WePe and RIGID on preloaded tensors, and nothing else.

``bare_loop.py`` and ``gpu.py`` call it. Three passes an image: clean, perturbed, noisy. Everything else happens before
the clock starts, reading and decoding with a clock of its own. The network, the batches, the number of threads and the
memory setting are those of the suite. Prints its cost as JSON.
"""

import argparse
import json
import math
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.scoring.machine.memory import keep_freed_memory
from bench.scoring.machine.precision import WEIGHTS, set_tf32
from bench.scoring.options import PRECISIONS, RunOptions
from bench.scoring.run import make_fast
from datamodules import FolderDataModule
from datamodules.conditions import CLEAN, Picture
from detectors import Backbone, View, create_backbone
from detectors.perturbation import Perturbation

VIEW = View(224, "random-crop")


def read_pictures(images: Path, batch_size: int, num_workers: int) -> tuple[list[Tensor], float]:
    """Reads and decodes a folder for ``--dataset folder``.

    Returns:
        The batches, ``(B, 3, 224, 224)`` in [0, 1], and images a second from the first batch on: before it, processes
        start. One batch alone has no such speed, and gives nan.
    """
    data = FolderDataModule(images, batch_size=batch_size, num_workers=num_workers)
    data.setup()
    data.views = (VIEW,)
    pictures, started = [], time.perf_counter()
    for batch in data.test_dataloader():
        pictures.append(batch.to("cpu").views[Picture(CLEAN, VIEW)])
        started = time.perf_counter() if len(pictures) == 1 else started
    later, seconds = sum(map(len, pictures[1:])), time.perf_counter() - started
    return pictures, later / seconds if later else math.nan


def make_inputs(pictures: list[Tensor], backbone: Backbone, device: torch.device) -> list[tuple[Tensor, ...]]:
    """Makes the inputs of the three passes, normalised.

    One noise serves all batches: a network takes as long whatever the values.

    Args:
        pictures: Batches ``(B, 3, 224, 224)``.
        backbone: Whose normalisation and memory format are taken.
        device: Where they are to lie.

    Returns:
        For each batch three tensors ``(B, 3, 224, 224)``.
    """
    size = max(map(len, pictures))
    noise = 0.05 * torch.randn(size, 3, 224, 224, generator=torch.Generator().manual_seed(0)).to(device)
    batches = []
    for picture in pictures:
        clean = (picture.to(device) - backbone.mean) / backbone.std
        clean = clean.contiguous(memory_format=backbone.memory_format)
        noisy = (clean + noise[: len(clean)]).contiguous(memory_format=backbone.memory_format)
        batches.append((clean, clean, noisy))
    return batches


def seconds_of(networks: tuple[nn.Module, ...], batches: list[tuple[Tensor, ...]], device: torch.device) -> float:
    """Runs every batch through its networks."""
    started = time.perf_counter()
    for inputs in batches:
        for network, tensor in zip(networks, inputs, strict=True):
            network(tensor)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def main() -> None:
    """Reads, then runs the passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--num-workers", type=int, default=0, help="processes that decode, before the clock starts")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="32-true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    device = torch.device(options.device)
    set_tf32(options.precision, device)
    backbone = create_backbone(options.backbone, options.weights).to(device)
    perturbed = Perturbation().perturb(backbone, seed=0).to(device)
    pictures, decoded = read_pictures(options.images, options.batch_size, options.num_workers)
    batches = make_inputs(pictures, backbone, device)
    settings = RunOptions(precision=options.precision, compile=options.compile, batch_size=options.batch_size)
    make_fast(nn.ModuleList([backbone, perturbed]), settings)
    networks = (backbone.model, perturbed.model, backbone.model)
    low = WEIGHTS.get(options.precision)
    with torch.inference_mode(), torch.autocast(device.type, low) if low else nullcontext():
        # On a GPU, and where code is compiled, the first pass of each shape is slower.
        if device.type != "cpu" or options.compile:
            seconds_of(networks, [*batches[:1], *batches[-1:]], device)
        seconds = seconds_of(networks, batches, device)
    images = sum(map(len, pictures))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "images": images,
                "backbone_passes": 3 * images,
                "decoded_a_second": decoded,
                "peak_device_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
            }
        )
    )


if __name__ == "__main__":
    main()
