"""AEROBLADE as a script of its own: two autoencoders, image by image at its own size, and a loop over a folder.

Its autoencoders are the demo's, which the suite loads as diffusers would load published ones.
"""

import argparse
import io
import json
import time
from pathlib import Path

import numpy as np
import torch
from draws import BORROWED
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from detectors.autoencoders import load_autoencoder


class Images(Dataset[Tensor]):
    """The images of a folder, their short side scaled to 256 pixels."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted((f for f in folder.glob("*/**/*") if f.is_file()), key=Path.as_posix)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        image = Image.open(io.BytesIO(self.files[index].read_bytes())).convert("RGB")
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def reconstruct(autoencoder: torch.nn.Module, image: Tensor) -> Tensor:
    """Encodes and decodes ``(1, 3, H, W)``, cut off to 8 bits; the sides are extended to multiples of 8."""
    height, width = image.shape[2:]
    extended = F.pad(image, (0, -width % 8, 0, -height % 8), mode="replicate")
    return (autoencoder(extended)[:, :, :height, :width] * 255).floor() / 255


def distance(image: Tensor, other: Tensor) -> float:
    """Compares the gradients of two images, as the suite's ``distance=gradient``."""
    changes = []
    for one in (image, other):
        right = F.pad(one[..., 1:] - one[..., :-1], (0, 1))
        below = F.pad(one[..., 1:, :] - one[..., :-1, :], (0, 0, 0, 1))
        changes.append(torch.cat([right, below], dim=1))
    difference, scale = (changes[0] - changes[1]).square().sum(1), sum(one.square().sum(1) for one in changes)
    return (difference / (scale + 1e-4)).mean().item()


@torch.no_grad()
def main() -> None:
    """Scores a folder and writes a JSON file: the scores by path, the seconds and the passes an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    autoencoders = [load_autoencoder(name) for name in ("embedded-a", "embedded-b")]
    images, scores, passes, started = Images(args.images), [], 0, time.perf_counter()
    for image in DataLoader(images, batch_size=1, num_workers=0):
        scores.append(-min(distance(image, reconstruct(autoencoder, image)) for autoencoder in autoencoders))
        passes += len(autoencoders)
    cost = {"seconds": time.perf_counter() - started, "borrowed": BORROWED, "passes": passes / len(images)}
    names = [file.relative_to(args.images).as_posix() for file in images.files]
    args.output.write_text(json.dumps({"scores": dict(zip(names, scores, strict=True)), **cost}))


if __name__ == "__main__":
    main()
