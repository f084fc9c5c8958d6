"""Measures how long tables are listed, and in how much memory: a manifest, and Parquet files with images in them.

Makes a CSV manifest of hard links to a few small images, and Parquet files whose images are stand-ins of about 100
bytes, each listed in a process of its own::

    python benchmarks/table_listing.py --rows 1000000
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from listing import LINKS_PER_FILE, PER_FOLDER, peak, resident
from machine import describe_machine

SHARDS = 8
IMAGE_BYTES = 100
GENERATORS = ("", "adm", "glide", "sdxl")
"""Of each fourth row; the first is a real one."""


def make_manifest(folder: Path, rows: int) -> Path:
    """Writes files and a manifest that names them."""
    file = folder / "manifest.csv"
    original = folder
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "generator", "group", "split"])
        for number in range(rows):
            generator = GENERATORS[number % len(GENERATORS)]
            path = f"images/{number // PER_FOLDER:06d}/{'sdxl' if generator else 'photo'}_{number:08d}_an_image.png"
            if number % PER_FOLDER == 0:
                (folder / path).parent.mkdir(parents=True)
            if number % LINKS_PER_FILE == 0:
                original = folder / f"original-{number}.png"
                original.write_bytes(bytes(IMAGE_BYTES))
            os.link(original, folder / path)
            writer.writerow([path, "fake" if generator else "real", generator, f"prompt-{number // 4:08d}", "test"])
    return file


def make_parquet(folder: Path, rows: int) -> Path:
    """Writes Parquet files in the manner of the library ``datasets``."""
    draws = np.random.default_rng(0)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for shard in range(SHARDS):
        numbers = range(shard * rows // SHARDS, (shard + 1) * rows // SHARDS)
        images = [{"bytes": draws.bytes(IMAGE_BYTES), "path": f"{number:08d}.png"} for number in numbers]
        generators = [GENERATORS[number % len(GENERATORS)] for number in numbers]
        table = {
            "image": pa.array(images, kind),
            "label": ["fake" if generator else "real" for generator in generators],
            "generator": generators,
            "prompt": [f"a photograph of something, number {number // 4}" for number in numbers],
        }
        file = folder / "data" / f"train-{shard:05d}-of-{SHARDS:05d}.parquet"
        file.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(table), file, row_group_size=1_000)
    return folder


MAKERS = {"manifest": make_manifest, "parquet": make_parquet}


def measure(dataset: str, root: Path) -> None:
    """Lists a table, and prints what it took."""
    from datamodules import find_dataset

    data = find_dataset(dataset)(root, num_workers=0)
    before, begun = resident(), time.perf_counter()
    data.setup()
    seconds = time.perf_counter() - begun
    print(
        f"{dataset:9} {len(data.items):>9,} rows  {seconds:6.1f} s  before {before:5.0f} MiB, "
        f"after {resident():5.0f} MiB, peak {peak():5.0f} MiB"
    )


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of each (default 100,000)")
    parser.add_argument("--folder", type=Path, help="where to make the tables; a temporary folder by default")
    parser.add_argument("--measure", nargs=2, metavar=("DATASET", "ROOT"), help="list a table that is there")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]))
        return
    print(describe_machine(), flush=True)
    for dataset, make in MAKERS.items():
        root = Path(tempfile.mkdtemp(prefix="tables-", dir=options.folder))
        try:
            made = make(root, options.rows)
            subprocess.run([sys.executable, __file__, "--measure", dataset, str(made)], check=True)
        finally:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
