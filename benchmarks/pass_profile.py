"""Says what a pass spends its time on, and how near its matrix products are to the machine's limit.

The limit is plain ``torch.mm`` of the same shapes. A DINOv2 ViT-S/14 of random weights in float32::

    python benchmarks/pass_profile.py
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from machine import describe_machine
from measure import markdown_table
from torch.profiler import ProfilerActivity, profile
from vit import make_weights

from bench.scoring.machine.memory import keep_freed_memory
from detectors import Backbone, create_backbone

WIDTH, TOKENS, DEPTH = 384, 257, 12
PRODUCTS = ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))
"""Inputs and outputs of a block's four linear layers."""
KINDS = {
    "matrix products": ("aten::addmm", "aten::mm"),
    "attention": ("aten::_scaled_dot_product_flash_attention_for_cpu",),
    "patch embedding": ("aten::mkldnn_convolution",),
}


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """Returns the least seconds of several runs, after one to warm up."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def row_of(backbone: Backbone, count: int) -> list[str]:
    """Measures passes of so many images."""
    images = torch.rand(count, 3, 224, 224)
    seconds = best(lambda: backbone.compute(images))
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        backbone.compute(images)
    by_name = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    total = sum(by_name.values())
    shares = [sum(by_name.get(name, 0.0) for name in names) / total for names in KINDS.values()]
    rows, limit, work = count * TOKENS, 0.0, 0
    for inputs, outputs in PRODUCTS:
        left, right = torch.rand(rows, inputs), torch.rand(inputs, outputs)
        limit += best(lambda left=left, right=right: torch.mm(left, right))
        work += 2 * rows * inputs * outputs
    return [
        f"{count}",
        f"{1000 * seconds / count:.0f} ms",
        *(f"{share:.0%}" for share in (*shares, 1 - sum(shares))),
        f"{1000 * DEPTH * limit / count:.0f} ms",
        f"{work / limit / 1e9:.0f}",
    ]


def main() -> None:
    """Measures batches of several sizes and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8, 16, 32, 64], help="images at once")
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as scratch:
        make_weights(file := Path(scratch) / "weights.pth")
        backbone = create_backbone("dinov2-vits14", file)
    with torch.inference_mode():
        rows = [row_of(backbone, count) for count in options.batches]
    print(f"{describe_machine()}\n")
    limit = ("torch.mm of its shapes, an image", "GFLOP/s of torch.mm")
    print(markdown_table(["images at once", "a pass, an image", *KINDS, "the rest", *limit], rows))


if __name__ == "__main__":
    main()
