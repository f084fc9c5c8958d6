"""Measures the way from files to tensors against the decoder alone.

Large photographs (JPEG, 4 megapixels) are read by as many processes as there are cores: by the suite's loader, whose
batches are thrown away, and by processes that only read a file and have Pillow decode it, or decode and scale it. No
loader is faster than these. The files are hard links to a few, so they come from memory, not from a disk::

    python benchmarks/decoding.py --count 10000 --repeats 1

With ``--part`` it is one of the contestants, as a process of its own, and prints its cost as JSON.
"""

import argparse
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from machine import describe_machine, usable_cores
from measure import MIB, Timed, alternate, markdown_table, ratios, run_command, spread
from PIL import Image

SIZE = (2400, 1680)
ORIGINALS = 16
SIDE = 256
"""Of ``--resize``, a usual one."""
DECODER, SCALER = "Pillow: read, decode", f"Pillow: read, decode, scale to {SIDE}"
SUITE, SCALING_SUITE = "suite, --resize none", f"suite, --resize {SIDE}"
LIMITS = {SUITE: DECODER, SCALING_SUITE: SCALER}
"""What each loader is held against."""


def make_files(root: Path, count: int, size: tuple[int, int]) -> None:
    """Makes a tree for ``--dataset folder``: hard links to a few photographs."""
    from vit import open_photograph, photograph_files, random_crop  # brings torch, which would count as memory

    rng = np.random.default_rng(0)
    photographs = photograph_files()
    folder = root / "originals"
    folder.mkdir(parents=True)
    for number in range(ORIGINALS):
        photograph = open_photograph(photographs[number % len(photographs)])
        random_crop(photograph, size, rng).save(folder / f"{number}.jpg", quality=90)
    for number in range(count):
        place = root / "images" / ("real/camera" if number % 2 else "generated/model")
        place.mkdir(parents=True, exist_ok=True)
        os.link(folder / f"{number % ORIGINALS}.jpg", place / f"{number:06d}.jpg")


def decode(side: int | None, file: Path) -> int:
    """Reads and decodes a file, and scales it so that its short side has a length; returns the width."""
    with Image.open(io.BytesIO(file.read_bytes())) as image:
        image.load()
        if side is None:
            return image.width
        scale = side / min(image.size)
        size = round(image.width * scale), round(image.height * scale)
        return image.resize(size, Image.Resampling.BILINEAR).width


def run_decoder(images: Path, workers: int, side: int | None) -> tuple[int, float]:
    """Has processes decode all files; the clock starts with the first result."""
    files = sorted(images.rglob("*.jpg"))
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        results = pool.imap_unordered(partial(decode, side), files, chunksize=4)
        next(results)
        started = time.perf_counter()
        done = sum(1 for _ in results)
    return done, time.perf_counter() - started


def run_loader(images: Path, workers: int, side: int | None) -> tuple[int, float]:
    """Takes every batch from the suite's loader; the clock starts with the first."""
    from datamodules import FolderDataModule
    from detectors import View

    data = FolderDataModule(images, resize=side, num_workers=workers)
    data.setup()
    data.views = (View(224, "random-crop"),)
    batches = iter(data.test_dataloader())
    next(batches)
    started = time.perf_counter()
    done = sum(len(batch) for batch in batches)
    return done, time.perf_counter() - started


PARTS: dict[str, Callable[[Path, int], tuple[int, float]]] = {
    DECODER: partial(run_decoder, side=None),
    SCALER: partial(run_decoder, side=SIDE),
    SUITE: partial(run_loader, side=None),
    SCALING_SUITE: partial(run_loader, side=SIDE),
}


def run_part(name: str, images: Path, workers: int) -> Timed:
    """Runs a contestant and reads what it says."""
    words = ["--part", name, "--folder", str(images), "--workers", str(workers)]
    timed = run_command([sys.executable, str(Path(__file__).resolve()), *words])
    return replace(timed, cost=json.loads(timed.output.splitlines()[-1]))


def report(few: dict[str, list[Timed]], results: dict[str, list[Timed]], counts: tuple[int, int]) -> str:
    """Writes the table."""
    speeds = {name: [one.cost["images"] / one.cost["seconds"] for one in found] for name, found in results.items()}
    rows = [
        [
            name,
            spread(speeds[name]),
            spread(ratios(speeds[name], speeds[LIMITS[name]]), 3) if name in LIMITS else "-",
            *(f"{max(one.peak_bytes for one in found[name]) / MIB:,.0f} MiB" for found in (few, results)),
        ]
        for name in results
    ]
    memory = [f"peak memory, {count:,} files" for count in counts]
    return markdown_table(["", "images a second", "times the decoder's", *memory], rows)


def measure(options: argparse.Namespace) -> None:
    """Runs everyone, on a tenth of the files first, for their memory."""
    counts = max(1, options.count // 10), options.count
    found = []
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        for count, repeats in zip(counts, (1, options.repeats), strict=True):
            root = Path(scratch) / str(count)
            # Elsewhere: no process seems smaller than the one that starts it (see measure.run_command).
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                pool.apply(make_files, (root, count, SIZE))
            names = [name for name in PARTS if not (options.no_scaling and name in (SCALER, SCALING_SUITE))]
            contestants = {name: partial(run_part, name, root / "images", options.workers) for name in names}
            found.append(alternate(contestants, repeats))
    setting = (
        f"{options.count:,} JPEGs of {SIZE[0] * SIZE[1] / 1e6:.1f} megapixels, {options.workers} processes that decode"
    )
    print(f"{describe_machine()}\nSetting: {setting}; medians of {options.repeats} repeats (range).\n")
    print(report(*found, counts))


def main(words: Sequence[str] | None = None) -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000, help="files (default 1,000)")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="processes that decode (default: cores)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of everything (default 3)")
    parser.add_argument("--folder", type=Path, help="where files are made (default: a temporary folder)")
    parser.add_argument("--no-scaling", action="store_true", help="leave out --resize")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.part is None:
        measure(options)
        return
    images, seconds = PARTS[options.part](options.folder, options.workers)
    print(json.dumps({"images": images, "seconds": seconds}))


if __name__ == "__main__":
    main()
