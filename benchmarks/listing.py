"""Measures how a large data set is listed and read: seconds and resident memory.

Makes a tree of hard links to a few small images, in the shape of GenImage's training split, and takes it through the
real datamodule::

    python benchmarks/listing.py --files 1000000
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from datamodules import GenImageDataModule
from datamodules.batch import Batch
from detectors import View

LINKS_PER_FILE = 50_000
"""ext4 allows 65,000 links to a file."""
PER_FOLDER = 1_000
MIB = 2**20


def make_tree(root: Path, files: int) -> None:
    """Spreads hard links evenly over the generators and their photographs, 1,000 to a folder."""
    names = [generator.folders[-1] for generator in GenImageDataModule.known]
    places = [root / name / "train" / side for name in names for side in ("ai", "nature")]
    folder, original = root, root
    for number in range(files):
        place, within = places[number % len(places)], number // len(places)
        if number % LINKS_PER_FILE == 0:
            original = root / f"original-{number}.png"
            noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((256, 256), Image.Resampling.NEAREST).save(original)
        folder = place / f"n{within // PER_FOLDER:08d}"
        if within % PER_FOLDER == 0:
            folder.mkdir(parents=True)
        os.link(original, folder / f"{within:06d}_image.png")


def resident() -> float:
    """Returns this process's resident memory now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def peak() -> float:
    """Returns this process's peak of resident memory, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(root: Path, batches: int, workers: int) -> None:
    """Lists the tree, then reads some batches, and prints what it took."""
    print(f"before listing           {resident():8.0f} MiB")
    begun = time.perf_counter()
    data = GenImageDataModule(root, real_split="train", num_workers=workers)
    data.setup()
    print(f"listed {len(data.items):>9,} files  {resident():8.0f} MiB  {time.perf_counter() - begun:6.1f} s")
    data.views = (View(224, "random-crop"),)
    begun = time.perf_counter()
    for number, batch in enumerate(data.test_dataloader()):
        if not isinstance(batch, Batch) or len(batch) == 0:
            sys.exit("a batch without images")
        if number == 0:
            print(f"first batch              {resident():8.0f} MiB  {time.perf_counter() - begun:6.1f} s")
        elif number % max(1, batches // 5) == 0:
            print(f"batch {number:>10,}         {resident():8.0f} MiB  {time.perf_counter() - begun:6.1f} s")
        if number == batches:
            break
    print(f"peak                     {peak():8.0f} MiB")


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="number of files (default 100,000)")
    parser.add_argument("--batches", type=int, default=500, help="batches of 32 to read (default 500)")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode (default 2)")
    parser.add_argument("--folder", type=Path, help="where to make the tree; a temporary folder by default")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="listing-", dir=options.folder))
    try:
        begun = time.perf_counter()
        make_tree(root, options.files)
        print(f"made {options.files:,} hard links in {time.perf_counter() - begun:.1f} s")
        measure(root, options.batches, options.workers)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
