"""Runs the forward passes of WePe and RIGID on preloaded tensors, and nothing else; ``bare_loop.py`` calls it.

Three passes an image: clean, perturbed, noisy. Everything else happens before the clock starts. The network, the
batches, the number of threads and the memory setting are those of the suite. Prints its cost as JSON.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from bench.scoring.machine.memory import keep_freed_memory
from datamodules import FolderDataModule
from datamodules.conditions import CLEAN, Picture
from detectors import Backbone, View, create_backbone
from detectors.perturbation import Perturbation

VIEW = View(224, "random-crop")


def read_batches(images: Path, batch_size: int, backbone: Backbone) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Reads the inputs of the three passes, normalised.

    One noise serves all batches: a network takes as long whatever the values.

    Args:
        images: A folder for ``--dataset folder``.
        batch_size: Images in a batch.
        backbone: Whose normalisation and memory format are taken.

    Returns:
        For each batch three tensors ``(B, 3, 224, 224)``.
    """
    data = FolderDataModule(images, batch_size=batch_size, num_workers=0)
    data.setup()
    data.views = (VIEW,)
    noise = 0.05 * torch.randn(batch_size, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    batches = []
    for batch in data.test_dataloader():
        pixels = batch.to("cpu").views[Picture(CLEAN, VIEW)]
        clean = ((pixels - backbone.mean) / backbone.std).contiguous(memory_format=backbone.memory_format)
        noisy = (clean + noise[: len(clean)]).contiguous(memory_format=backbone.memory_format)
        batches.append((clean, clean, noisy))
    return batches


def main() -> None:
    """Reads, then runs the passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    keep_freed_memory()
    backbone = create_backbone(options.backbone, options.weights)
    networks = (backbone.model, Perturbation().perturb(backbone, seed=0).model, backbone.model)
    batches, passes = read_batches(options.images, options.batch_size, backbone), 0
    with torch.inference_mode():
        started = time.perf_counter()
        for inputs in batches:
            for network, tensor in zip(networks, inputs, strict=True):
                network(tensor)
                passes += len(tensor)
        seconds = time.perf_counter() - started
    images = sum(len(inputs[0]) for inputs in batches)
    print(json.dumps({"seconds": seconds, "images": images, "backbone_passes": passes}))


if __name__ == "__main__":
    main()
