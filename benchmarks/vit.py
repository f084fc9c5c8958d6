"""Makes what the benchmarks run on: a vision transformer of random weights, and a folder of images.

``python benchmarks/vit.py --output DIR`` writes ``DIR/dinov2_vits14_pretrain.pth``, a ViT-S/14 in the layout of the
published DINOv2 files (``--backbone dinov2-vits14 --weights FILE``), and ``DIR/images``, JPEGs of 512 x 384 pixels for
``--dataset folder``: crops of the photographs in scikit-image's wheel with noise; the half that is labelled generated
has passed through half the resolution. They stand for real data in measurements of speed and memory; their AUROCs mean
nothing but that two ways of computing agree.
"""

import argparse
import functools
import importlib.util
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

DINOV2 = "vit_small_patch14_dinov2.lvd142m"
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "retina.jpg")
SIZE = (512, 384)
PLACES = ("real/camera", "generated/upsampled")
FEW = 50
"""Images that one process makes; more are made by several."""
NOISE = 4.0
"""Standard deviation of the noise, of 255."""
SHARPNESS = 1.5
"""Factor of the queries and keys. With 1 the attention is nearly uniform and averages noise on the image away: RIGID's
distances fall to 1e-6, where float32 features hold few digits. With 1.5 they are near 1e-3."""


def make_weights(file: Path, model: str = DINOV2, seed: int = 0) -> None:
    """Saves random weights of a timm model.

    Matrices get a standard deviation of ``1 / sqrt(inputs)``, which keeps the size of what passes through, and
    LayerScale's gammas are 1 (timm starts them at 1e-5, where every image gets the same features).

    Args:
        file: Where the state dict is written.
        model: Name of the model.
        seed: Seed of the weights.
    """
    torch.manual_seed(seed)
    network = timm.create_model(model, num_classes=0)
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):
            nn.init.ones_(parameter)
        elif parameter.ndim >= 2 and name.endswith("weight"):
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
            if name.endswith("attn.qkv.weight"):
                parameter.data[: len(parameter) * 2 // 3] *= SHARPNESS
        elif name in ("cls_token", "pos_embed"):
            nn.init.normal_(parameter, std=0.5)
    state = network.state_dict()
    if "dinov2" in model:
        state["mask_token"] = torch.zeros(1, network.embed_dim)  # in the published files, and used in training only
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, file)


def make_images(folder: Path, count: int, size: tuple[int, int] = SIZE) -> None:
    """Writes JPEGs, every other one labelled generated; each is a function of its number alone.

    Args:
        folder: Where ``real/camera`` and ``generated/upsampled`` are made.
        count: How many images.
        size: Their width and height in pixels.
    """
    for place in PLACES:
        (folder / place).mkdir(parents=True, exist_ok=True)
    if count <= FEW:
        for number in range(count):
            make_image(folder, size, number)
        return
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for _ in pool.map(functools.partial(make_image, folder, size), range(count), chunksize=FEW):
            pass  # an error in a process is raised here


def make_image(folder: Path, size: tuple[int, int], number: int) -> None:
    """Writes one of the JPEGs."""
    generated = number % 2
    photographs = photograph_files()
    photograph = open_photograph(photographs[number // 2 % len(photographs)])
    crop = random_crop(photograph, size, np.random.default_rng(number))
    if generated:
        crop = crop.resize((size[0] // 2, size[1] // 2)).resize(size, Image.Resampling.BICUBIC)
    crop.save(folder / PLACES[generated] / f"{number:06d}.jpg", quality=92)


@functools.cache
def open_photograph(file: Path) -> Image.Image:
    """Reads a photograph."""
    return Image.open(file).convert("RGB")


def photograph_files() -> list[Path]:
    """Finds the photographs in scikit-image's wheel (importing ``skimage.data`` would bring in a downloader)."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("The photographs come with scikit-image: pip install scikit-image")
    return [Path(spec.origin).parent / "data" / name for name in PHOTOGRAPHS]


def random_crop(photograph: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Cuts a piece of random place and scale, scales it to ``size``, mirrors half of them, and adds noise."""
    widest = min(photograph.width, photograph.height * size[0] / size[1])
    width = rng.uniform(0.5, 1.0) * widest
    height = width * size[1] / size[0]
    left, top = rng.uniform(0, photograph.width - width), rng.uniform(0, photograph.height - height)
    crop = photograph.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    pixels: NDArray[np.float64] = np.asarray(crop, dtype=np.float64) + rng.normal(0, NOISE, (size[1], size[0], 3))
    pixels = pixels[:, :: rng.choice((-1, 1))]
    return Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8))


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for the weights and the images")
    parser.add_argument("--count", type=int, default=200, help="number of images (default 200); 0 makes none")
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--model", default=DINOV2, help=f"timm model (default {DINOV2})")
    parser.add_argument("--name", default="dinov2_vits14_pretrain.pth", help="name of the weights' file")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights")
    options = parser.parse_args()
    make_weights(options.output / options.name, options.model, options.seed)
    make_images(options.output / "images", options.count, tuple(options.size))


if __name__ == "__main__":
    main()
