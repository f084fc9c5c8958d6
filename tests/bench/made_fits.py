"""Small data sets to train on: generators that share prompts, and real photographs."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from bench.scoring.options import RunOptions
from bench.training.options import FitOptions

PROMPTS = 40


def picture(seed: int) -> Image.Image:
    """A picture of 64 x 64 px with structure at several scales."""
    draws = np.random.default_rng(seed)
    layers = [
        Image.fromarray(draws.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        for n in (3, 9, 27)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.25)


def shared_prompts(folder: Path) -> Path:
    """Real photographs, and two generators whose images share prompts: one blurs, the other blurs more."""
    root = folder / "images"
    sources = {"real/camera": None, "generated/soft": 1.5, "generated/softer": 3.0}
    rows = []
    for source, sigma in sources.items():
        (root / source).mkdir(parents=True)
        for number in range(PROMPTS):
            image = picture(number if sigma else 1000 + number)
            image = image.filter(ImageFilter.GaussianBlur(sigma)) if sigma else image
            path = f"{source}/{number:02d}.png"
            image.save(root / path)
            if sigma:
                rows.append((path, f"prompt-{number}"))
    with (root / "groups.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("path", "group"), *rows])
    return root


def options(root: Path, output: Path, **more: object) -> RunOptions:
    """The options of a small run that trains on the generator ``soft``."""
    defaults: dict[str, object] = {"dataset": "folder", "data_root": str(root), "generators": ["soft"]}
    small: dict[str, object] = {"resize": 64, "batch_size": 8, "num_workers": 0, "accelerator": "cpu"}
    return RunOptions(output=output, **(defaults | small | more))  # type: ignore[arg-type]


def fit_options(save: Path, detector: str = "linear-probe", **more: object) -> FitOptions:
    """What to train in a small run."""
    return FitOptions(detector, save, **more)  # type: ignore[arg-type]
