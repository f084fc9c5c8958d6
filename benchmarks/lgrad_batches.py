"""Compares ways to compute LGrad's gradients of several images at once with the pass that takes them one by one.

A way is of use if its gradients are those of the single pass to the last bit in batches of any size, and it is faster::

    python benchmarks/lgrad_batches.py

Each way runs in a process of its own, which also times the single pass, in turn. Weights and images are random.
"""

import argparse
import functools
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from machine import describe_machine
from measure import MIB, Timed, markdown_table, refuse, run_command, spread

if TYPE_CHECKING:
    from torch import Tensor, nn

SIZES = range(2, 9)
"""Batches whose gradients are compared; the last one is timed."""
FIXED = 4
"""Images in a batch that is filled up to one size."""
WAYS = {
    "one by one": "as the detector does",
    "batch": "all images through the network at once",
    "vmap": "torch.func.vmap over images of torch.func.grad",
    "grouped": "vmap over images and copies of the weights, which makes grouped convolutions",
    "fixed": f"batches that are filled up to {FIXED} images",
    "native": "at once, without oneDNN, against the single pass without it",
}


def one_by_one(judge: "nn.Module", images: "Tensor") -> "Tensor":
    """Takes the gradient of each image in a pass of its own."""
    import torch

    return torch.cat([batch(judge, image[None]) for image in images])


def batch(judge: "nn.Module", images: "Tensor") -> "Tensor":
    """Takes the gradients of the sum: no image sees another."""
    import torch

    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(judge(pixels).sum(), pixels)[0]


def vmap(judge: "nn.Module", images: "Tensor") -> "Tensor":
    """Maps the gradient over images."""
    import torch

    gradients: Tensor = torch.func.vmap(torch.func.grad(lambda pixels: judge(pixels[None]).sum()))(images)
    return gradients


def grouped(judge: "nn.Module", images: "Tensor") -> "Tensor":
    """Maps the gradient over images and weights."""
    import torch

    stored = itertools.chain(judge.named_parameters(), judge.named_buffers())
    copies = {name: tensor.expand(len(images), *tensor.shape) for name, tensor in stored}

    def judged(pixels: "Tensor", tensors: dict[str, "Tensor"]) -> "Tensor":
        output: Tensor = torch.func.functional_call(judge, tensors, (pixels[None],))
        return output.sum()

    gradients: Tensor = torch.func.vmap(torch.func.grad(judged))(images, copies)
    return gradients


def fixed(judge: "nn.Module", images: "Tensor") -> "Tensor":
    """Fills each batch up with the last image."""
    import torch

    gradients = []
    for part in torch.split(images, FIXED):
        filler = part[-1:].expand(FIXED - len(part), -1, -1, -1)
        gradients.append(batch(judge, torch.cat([part, filler]))[: len(part)])
    return torch.cat(gradients)


COMPUTE = {"one by one": one_by_one, "vmap": vmap, "grouped": grouped, "fixed": fixed}


def compare(way: str, side: int, repeats: int) -> dict[str, object]:
    """Compares a way with the single pass.

    Returns:
        The sizes of batches whose gradients are equal to the last bit, the largest share of grey levels that differ,
        and of each repeat the seconds an image, of the way and of the single pass.
    """
    import torch

    from detectors.trained.gradient_pictures import stretched
    from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator

    torch.manual_seed(0)
    judge = StyleGANDiscriminator(side).requires_grad_(False).eval()
    coarse = torch.rand(SIZES[-1], 3, side // 8, side // 8)
    images = 2 * torch.nn.functional.interpolate(coarse, size=side, mode="bilinear") - 1
    compute = functools.partial(COMPUTE.get(way, batch), judge)
    without_onednn = torch.backends.mkldnn.flags(enabled=False) if way == "native" else nullcontext()
    with without_onednn:
        alone = one_by_one(judge, images)
        equal, moved = [], 0.0
        for size in SIZES:
            gradients = compute(images[:size])
            equal += [size] if torch.equal(gradients, alone[:size]) else []
            moved = max(moved, (stretched(gradients) != stretched(alone[:size])).float().mean().item())
        seconds = [_seconds(compute, images) for _ in range(repeats)]
    single = [_seconds(functools.partial(one_by_one, judge), images) for _ in range(repeats)]
    return {"equal": equal, "moved": moved, "seconds": seconds, "single": single}


def _seconds(compute: Callable[["Tensor"], "Tensor"], images: "Tensor") -> float:
    begun = time.perf_counter()
    compute(images)
    return (time.perf_counter() - begun) / len(images)


def table_row(way: str, timed: Timed, least_bytes: int) -> list[str]:
    """Writes a way's row."""
    found = json.loads(timed.output.splitlines()[-1])
    sizes = ", ".join(map(str, found["equal"])) or "none"
    speed = [single / mine for mine, single in zip(found["seconds"], found["single"], strict=True)]
    return [
        f"{way}: {WAYS[way]}",
        "all" if len(found["equal"]) == len(SIZES) else sizes,
        f"{100 * found['moved']:.3f} %",
        f"{statistics.median(found['seconds']):.2f}",
        spread(speed),
        f"{timed.peak_bytes / MIB:,.0f} MiB",
        f"{timed.peak_bytes / least_bytes:.2f}",
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Runs each way in a process of its own, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=256, help="side of the images, a power of two (default 256)")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each way (default 3)")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.side < 8 or options.side & (options.side - 1):
        refuse(f"--side must be a power of two from 8 on, got {options.side}.")
    if options.repeats < 1:
        refuse(f"--repeats must be at least 1, got {options.repeats}.")
    if options.way:
        print(json.dumps(compare(options.way, options.side, options.repeats)))
        return
    command = [sys.executable, str(Path(__file__).resolve()), "--side", str(options.side)]
    timed = {way: run_command([*command, "--repeats", str(options.repeats), "--way", way]) for way in WAYS}
    least = timed["one by one"].peak_bytes
    head = [
        "way",
        "equal in batches of",
        "grey levels that differ, at most",
        f"seconds an image in a batch of {SIZES[-1]}",
    ]
    head += ["speed, over one by one", "peak memory", "over one by one"]
    print(f"{describe_machine()}\nSetting: {options.side} px; medians of {options.repeats} repeats (range).\n")
    print(markdown_table(head, [table_row(way, one, least) for way, one in timed.items()]))


if __name__ == "__main__":
    main()
