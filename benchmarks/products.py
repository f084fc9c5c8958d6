"""Measures a network's passes against the machine's own matrix products, in each precision, with and without --compile.

Products alone are what the network multiplies, in its shapes, with nothing between them: no pass is faster in that
precision. Where the rest of a pass goes is said by torch's profiler. ``--compile`` pays from so many passes on as make
up for the compilation::

    python benchmarks/products.py --precisions 32-true bf16-mixed
    python benchmarks/products.py --precisions 32-true --batch-sizes 1 4 16 32 --no-compile
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from machine import describe_machine
from measure import markdown_table, ratios, spread
from setting import add_setting_options, make_setting
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bench.scoring.machine.memory import keep_freed_memory
from bench.scoring.machine.precision import WEIGHTS, set_tf32
from bench.scoring.options import EXACT, PRECISIONS, RunOptions
from bench.scoring.run import make_fast
from detectors import Backbone, create_backbone

Run = Callable[[], object]
KINDS = {
    "attention": ("attention", "softmax", "flash"),
    "activations": ("gelu", "silu", "relu"),
    "norms": ("norm",),
    "copies and conversions": ("copy", "_to", "contiguous", "clone", "cat"),
    "products": ("mm", "linear", "matmul", "convolution"),
    "sums and scales": ("add", "mul"),
}
"""Kinds of work, by what an operation is called; the first that fits counts."""


@dataclass
class Way:
    """A network in one way of computing, and what was measured of it.

    Args:
        name: What the tables call it.
        images: In a batch.
        run: A pass of a batch.
        products: The products of that pass alone; nothing where code is compiled.
        operations: Their multiplications and additions.
        compiling: Seconds by which the first pass was longer.
    """

    name: str
    images: int
    run: Run
    products: Run | None = None
    operations: int = 0
    compiling: float = 0.0
    seconds: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)


class Products(TorchDispatchMode):
    """Counts matrix products by shape: ``(m, k)`` by ``(k, n)``."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: Counter[tuple[int, int, int]] = Counter()

    def __torch_dispatch__(self, called: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        name = called.overloadpacket.__name__
        if name in ("mm", "addmm"):
            left, right = args[-2:]
            self.shapes[left.shape[0], left.shape[1], right.shape[1]] += 1
        elif name == "linear":
            left, right = args[:2]
            self.shapes[left.numel() // left.shape[-1], left.shape[-1], right.shape[0]] += 1
        return called(*args, **(kwargs or {}))


def products_of(run: Run, dtype: torch.dtype, device: torch.device) -> tuple[Run, int]:
    """Returns what makes the matrix products of a pass alone, and how many operations they are."""
    with Products() as noted:
        run()
    made = [
        (torch.randn(m, k, dtype=dtype, device=device), torch.randn(n, k, dtype=dtype, device=device), times)
        for (m, k, n), times in noted.shapes.items()
    ]

    def multiply() -> None:
        for inputs, weights, times in made:
            for _ in range(times):
                nn.functional.linear(inputs, weights)

    return multiply, sum(2 * m * k * n * times for (m, k, n), times in noted.shapes.items())


def seconds_of(run: Run, device: torch.device) -> float:
    """Runs it once."""
    begun = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def make_way(precision: str, compiled: bool, network: Backbone, pictures: Tensor) -> Way:
    """Prepares a network and runs it once to warm up, twice where code is compiled."""
    device, low = pictures.device, WEIGHTS.get(precision)
    make_fast(nn.ModuleList([network]), RunOptions(precision=precision, compile=compiled, batch_size=len(pictures)))

    def run() -> None:
        set_tf32(precision, device)
        with torch.autocast(device.type, low) if low else nullcontext():
            network.compute(pictures)

    way = Way(f"{precision}, {len(pictures)} at once{', compiled' if compiled else ''}", len(pictures), run)
    first = seconds_of(run, device)
    if compiled:
        way.compiling = max(0.0, first - seconds_of(run, device))
    else:
        way.products, way.operations = products_of(run, low or torch.float32, device)
    return way


def kind_of(operation: str) -> str:
    """Names the kind of work that an operation is."""
    return next((kind for kind, parts in KINDS.items() if any(part in operation for part in parts)), "the rest")


def profile(way: Way, device: torch.device) -> dict[str, float]:
    """Returns the share of a pass that each kind of work takes."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if device.type == "cuda" else []
    with torch.profiler.profile(activities=kinds) as profiler:
        seconds_of(way.run, device)
    found: defaultdict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        spent = event.self_device_time_total if device.type == "cuda" else event.self_cpu_time_total
        found[kind_of(event.key.lower())] += spent
    total = sum(found.values())
    return {kind: spent / total for kind, spent in found.items()}


def report(ways: Sequence[Way]) -> str:
    """Writes the table of speeds: ratios are taken repeat by repeat."""
    rows = []
    for way in ways:
        eager = next(one for one in ways if one.name == way.name.removesuffix(", compiled"))
        gain = (statistics.median(eager.seconds) - statistics.median(way.seconds)) / way.images
        pays = f"{way.compiling / gain:,.0f} passes" if gain > 0 else "never"
        speeds, first = ([one.images / seconds for seconds in one.seconds] for one in (way, ways[0]))
        rows.append(
            [
                way.name,
                spread(speeds),
                spread(ratios(speeds, first)),
                f"{eager.operations / statistics.median(eager.alone) / 1e9:,.0f}",
                spread(ratios(eager.alone, way.seconds)),
                f"{way.compiling:.0f} s" if way is not eager else "-",
                spread(ratios(eager.seconds, way.seconds)) if way is not eager else "-",
                pays if way is not eager else "-",
            ]
        )
    head = ["", "passes a second", "times the first row", "products alone: GFLOP/s", "their time over a pass's"]
    return markdown_table([*head, "compiling", "times without it", "pays from"], rows)


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_setting_options(parser)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32], help="images in a batch (default 32)")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=[EXACT, "bf16-mixed"])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--no-compile", action="store_true", help="leave out what is compiled")
    options = parser.parse_args()
    options.count = 1
    keep_freed_memory()
    device = torch.device(options.device)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder) / "inductor")  # so that the first run compiles
        setting = make_setting(options, Path(folder))
        ways = []
        for precision in options.precisions:
            for size in options.batch_sizes:
                pictures = torch.rand(size, 3, 224, 224, device=device)
                for compiled in (False,) if options.no_compile else (False, True):
                    network = create_backbone(setting.backbone, setting.weights).to(device)
                    ways.append(make_way(precision, compiled, network, pictures))
        for repeat in range(options.repeats):
            for way in ways[:: -1 if repeat % 2 else 1]:
                way.seconds.append(seconds_of(way.run, device))
                if way.products is not None:
                    way.alone.append(seconds_of(way.products, device))
                print(f"  {way.name}, repeat {repeat + 1}: {way.seconds[-1]:.2f} s", file=sys.stderr, flush=True)
        shares = {way.name: profile(way, device) for way in ways if way.products is not None}
    repeats = f"medians of {options.repeats} repeats (range)"
    print(f"{describe_machine()}\nSetting: {setting.backbone}, random weights; {repeats}.\n\n{report(ways)}\n")
    kinds = [*KINDS, "the rest"]
    rows = [[name, *(f"{found.get(kind, 0.0):.0%}" for kind in kinds)] for name, found in shares.items()]
    print(markdown_table(["share of a pass", *kinds], rows))


if __name__ == "__main__":
    main()
