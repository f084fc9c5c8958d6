"""Measures how time and memory grow with the number of images, on one process and on several.

The images are hard links to a few small files, and the network is a tiny transformer of random weights, so that what
is measured is the suite itself: listing, reading, the test loop, the store and the tables::

    python benchmarks/scaling.py --sizes 1000 10000 100000 --processes 1 2

``--statistics`` has two statistics of the pixels in the place of the network, on smaller images, for large sizes. With
``--mix`` some images have eight times the side, so that processes whose share is larger have the others wait::

    python benchmarks/scaling.py --statistics --sizes 2000 --processes 1 2 4 --mix alternating
"""

import argparse
import functools
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from machine import describe_machine
from measure import MIB, Timed, alternate, markdown_table, ratios, refuse, run_suite, run_vit, spread

MODEL = "test_vit.r160_in1k"
WEIGHTS = "tiny.pth"
PLUGIN = Path(__file__).resolve().parent / "pixel_statistics.py"
LINKS_PER_FILE = 50_000
"""ext4 allows 65,000 links to a file."""
ORIGINALS = 16
PER_FOLDER = 1_000
SMALL, MIDDLE = 64, 256
"""Sides of the images, in pixels: with statistics, and with the network."""
TIMES = 8
"""How many times longer the sides of large ones are."""
MIXES = ("one-size", "alternating", "random")
"""All alike; every other image of a class large; one in ten, drawn at random."""


def make_originals(folder: Path, largest: int, side: int) -> None:
    """Makes the weights, and as many files as the links need."""
    count = max(ORIGINALS, 2 * -(-largest // (2 * LINKS_PER_FILE)))
    run_vit(folder, "--model", MODEL, "--name", WEIGHTS, "--count", str(count), "--size", str(side), str(side))


def make_links(originals: Path, large: Path, root: Path, count: int, mix: str) -> None:
    """Links each class's files over and over, half of ``count`` for each class, 1,000 to a folder."""
    rng = random.Random(0)
    for place in ("real/camera", "generated/upsampled"):
        both = [sorted((folder / place).iterdir()) for folder in (originals, large)]
        for number in range(count // 2):
            is_large = {"one-size": False, "alternating": bool(number % 2), "random": rng.random() < 0.1}[mix]
            files = both[is_large]
            folder = root / place / f"n{number // PER_FOLDER:04d}"
            if number % PER_FOLDER == 0:
                folder.mkdir(parents=True)
            os.link(files[number % len(files)], folder / f"{number:06d}.jpg")


def run_size(images: Path, weights: Path, processes: int, workers: int, statistics: bool) -> Timed:
    """Scores a tree once."""
    data = ["--dataset", "folder", "--data-root", str(images), "--resize", "none"]
    network = ["--detectors", "wepe", "rigid", "--view", "common", "--backbone", f"timm:{MODEL}"]
    network += ["--weights", str(weights)]
    pixels = ["--detectors", "pixel-mean", "pixel-spread", "--plugin", str(PLUGIN), "--batch-size", "64"]
    machine = ["--accelerator", "cpu", "--devices", str(processes), "--num-workers", str(workers)]
    return run_suite(["compare", *(pixels if statistics else network), *data, *machine])


def rows_of(size: int, results: dict[str, list[Timed]]) -> list[list[str]]:
    """Writes a row for each number of processes."""
    rows = []
    least = next(iter(results.values()))
    for processes, repeats in results.items():
        loops, wholes = [one.cost["seconds"] for one in repeats], [one.seconds for one in repeats]
        rows.append(
            [
                f"{size:,}",
                processes,
                spread(loops, 1, " s"),
                spread([size / seconds for seconds in loops], 0),
                spread(ratios([one.cost["seconds"] for one in least], loops)),
                spread([100 * waiting(one.cost["seconds_by_device"]) for one in repeats], 1, " %"),
                spread(wholes, 1, " s"),
                spread([size / seconds for seconds in wholes], 0),
                f"{max(one.cost['peak_bytes'] for one in repeats) / MIB:,.0f} MiB",
                f"{max(one.peak_bytes for one in repeats) / MIB:,.0f} MiB",
            ]
        )
    return rows


def waiting(seconds: Sequence[float]) -> float:
    """Returns the share of the processes' time in which they wait for the one that takes longest."""
    return 1 - mean(seconds) / max(seconds)


def parse_options() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="numbers of images")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="numbers of processes (--devices)")
    parser.add_argument("--workers", type=int, default=1, help="processes that decode, for each process (default 1)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of everything (default 3)")
    parser.add_argument("--statistics", action="store_true", help="score statistics of the pixels, without a network")
    parser.add_argument("--mix", choices=MIXES, default=MIXES[0], help="sizes of the images (default one-size)")
    parser.add_argument("--folder", type=Path, help="where the trees are made; a temporary folder by default")
    options = parser.parse_args()
    if min(*options.sizes, options.repeats, *options.processes) < 1 or any(size % 2 for size in options.sizes):
        refuse("--sizes must be even numbers; they, --processes and --repeats must be at least 1.")
    return options


def main() -> None:
    """Makes the trees and prints the table."""
    options = parse_options()
    rows = []
    with tempfile.TemporaryDirectory(prefix="scaling-", dir=options.folder) as scratch:
        folder = Path(scratch)
        side = SMALL if options.statistics else MIDDLE
        make_originals(folder, max(options.sizes), side)
        make_originals(folder / "large", max(options.sizes), side if options.mix == MIXES[0] else TIMES * side)
        for size in options.sizes:
            make_links(folder / "images", folder / "large" / "images", folder / str(size), size, options.mix)
            contestants = {
                str(processes): functools.partial(
                    run_size,
                    folder / str(size),
                    folder / WEIGHTS,
                    processes,
                    options.workers,
                    options.statistics,
                )
                for processes in options.processes
            }
            rows += rows_of(size, alternate(contestants, options.repeats))
    head = ["images", "processes", "test loop", "images a second", f"over {options.processes[0]} process(es)"]
    head += ["waiting", "whole command", "images a second", "peak memory at the end of the loop", "of the command"]
    what = "two statistics of the pixels" if options.statistics else f"wepe rigid, {MODEL} of random weights"
    print(f"{describe_machine()}\nSetting: {what}, {options.workers} decoding process(es)")
    print(f"for each process, {options.mix}; medians of {options.repeats} repeats (range).\n")
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
