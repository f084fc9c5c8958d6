"""Times what detectors share with the clean network, and what the last block spares, each beside the same without.

One process, one batch of random pixels, a DINOv2 ViT-S/14 of random weights; both ways take turns::

    python benchmarks/sharing.py
"""

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from machine import describe_machine
from measure import markdown_table, ratios, spread
from torch import Tensor
from vit import make_weights

from bench.scoring.machine.memory import keep_freed_memory
from bench.scoring.specs import parse_detector
from detectors import Backbone, Detector, create_backbone, create_detector
from detectors.backbones.last_block import keep_whole

CASES = (
    "wepe",
    "rigid",
    "wepe:blocks=6-11",
    "wepe:blocks=6-11,n=5",
    "wepe-gradient-cuff:blocks=6-11,directions=5",
    "mc-dropout:blocks=6-11,n=5",
)


def whole_only(backbone: Backbone) -> Backbone:
    """Makes a network that computes every block, whole, in every pass."""
    other = copy.deepcopy(backbone)
    keep_whole(other.model.get_submodule(other.blocks[-1]))
    other._prefixes = None
    return other


def timed(work: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Runs something once."""
    started = time.perf_counter()
    given = work()
    return time.perf_counter() - started, given


def row_of(text: str, networks: tuple[Backbone, Backbone], images: Tensor, repeats: int) -> list[str]:
    """Times a detector without and with what is shared."""
    spec = parse_detector(text)
    detectors: list[Detector] = [create_detector(spec.name, network, **spec.options) for network in networks]
    keys, seconds = torch.arange(len(images)), [list[float](), list[float]()]
    counter = networks[1].counter
    passes, blocks = counter.images, counter.spared_blocks
    for repeat in range(repeats):
        given = [Tensor(), Tensor()]
        for which in (0, 1) if repeat % 2 else (1, 0):
            fresh = images.clone()  # which no network recalls
            took, given[which] = timed(lambda which=which, fresh=fresh: detectors[which](fresh, keys))
            seconds[which].append(took)
        difference = ((given[1] - given[0]).abs() / given[0].abs()).max().item()
    times = len(images) * repeats
    spared = (counter.spared_blocks - blocks) / times
    faster = spread(ratios(*seconds))
    return [
        f"`{text}`",
        f"{(counter.images - passes) / times:.0f}",
        f"{spared:.0f}",
        spread(seconds[0], unit=" s"),
        spread(seconds[1], unit=" s"),
        faster,
        f"{difference:.1e}",
    ]


def main() -> None:
    """Times every case and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8, help="images in the batch (default 8)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of both (default 3)")
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as scratch:
        make_weights(file := Path(scratch) / "weights.pth")
        sharing = create_backbone("dinov2-vits14", file)
    networks = (whole_only(sharing), sharing)
    images = torch.rand(options.count, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for network in networks:
            network.compute(images)  # the first pass asks for memory
        rows = [row_of(text, networks, images, options.repeats) for text in CASES]
    print(describe_machine())
    print(f"Setting: {options.count} images, dinov2-vits14, random weights; medians of {options.repeats} repeats.\n")
    head = ["", "passes an image", "blocks spared", "whole passes", "sharing", "times faster", "largest difference"]
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
