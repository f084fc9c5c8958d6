"""Time and peak memory of ``python -m bench leaderboard`` on a store of many rows, made up of random scores.

Run as ``python benchmarks/leaderboard.py`` (10 million rows: 100,000 images, 5 detectors, 4 conditions, 5 seeds), or
``--images 1000000 --conditions 1 --seeds 2`` for as many rows of ten times the images, or ``--sets 3 --images 10000
--detectors 10 --conditions 1 --seeds 1`` for several data sets.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from bench.store.runs import FORMAT, MEMBERS, RunRecord
from bench.store.schema import SCHEMA
from bench.store.scores import ScoreStore
from bench.store.writer import ScoreWriter

GENERATORS = tuple(f"generator-{number}" for number in range(9))
REALS = "photographs"


def make_images(count: int, title: str) -> pl.DataFrame:
    """Makes names of images, half of them real."""
    label = np.arange(count) % 2
    source = [GENERATORS[number // 2 % len(GENERATORS)] if number % 2 else REALS for number in range(count)]
    path = [f"{name}/some-folder/image-{number:08d}.jpg" for number, name in enumerate(source)]
    return pl.DataFrame(
        {
            "dataset": title,
            "generator": source,
            "path": path,
            "sha256": [hashlib.sha256(f"{title} {name}".encode()).hexdigest() for name in path],
            "bytes": 100_000,
            "mtime_ns": 0,
            "group": path,
            "label": label,
            "kind": None,
            "share": None,
        },
        schema_overrides={"kind": SCHEMA["kind"], "share": SCHEMA["share"]},
    )


def described(name: str) -> dict[str, object]:
    """Describes a detector as a run does."""
    texts = dict.fromkeys(("paper", "view", "view_mode", "precision"), "made up")
    return {**texts, "label": name, "name": name, "version": 1, "options": {}, "backbone": None, "held_out": []}


def make_store(output: Path, arguments: argparse.Namespace, title: str) -> int:
    """Writes the scores of a data set, a run for each detector, and returns their number."""
    images = make_images(arguments.images, title)
    conditions = ["clean", "jpeg:75", "blur:1", "noise:0.1"][: arguments.conditions]
    rng, rows = np.random.default_rng(0), 0
    for number in range(arguments.detectors):
        name, fingerprint = f"detector-{number}", hashlib.sha256(str(number).encode()).hexdigest()
        facts = {
            "format": FORMAT,
            "data": {
                "name": "folder",
                "title": title,
                "protocol": {"resize": 256},
                "wanted": dict.fromkeys(conditions, len(images)),
                "contrasts": {one: {generator: [REALS] for generator in GENERATORS} for one in conditions},
            },
            "detectors": {fingerprint: described(name)},
            "cost": {},
        }
        record = RunRecord(f"20260101T0000{number:02d}.000000-aaaaaa", facts, pl.DataFrame(schema=MEMBERS))
        writer = ScoreWriter(ScoreStore(output, title).folder, record)
        for condition, seed in product(conditions, range(arguments.seeds)):
            scores = rng.normal(images["label"].to_numpy() * (0.5 + 0.1 * number), 1)
            facts_of_rows = {
                "detector": name,
                "fingerprint": fingerprint,
                "condition": condition,
                "seed": seed,
                "status": "ok",
                "reason": None,
            }
            part = images.with_columns(score=pl.Series(scores), **{key: pl.lit(v) for key, v in facts_of_rows.items()})
            writer.append(part.select(*SCHEMA))
            writer.flush()
            rows += len(part)
        writer.close()
    return rows


def main() -> None:
    """Makes the store and times the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--detectors", type=int, default=5)
    parser.add_argument("--conditions", type=int, default=4, choices=range(1, 5))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", type=int, default=1, help="number of data sets")
    parser.add_argument("--output", type=Path, help="keep the store here, and use the one that is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        output = arguments.output or Path(scratch)
        if not (output / "scores").exists():
            titles = [f"made-up-{number}" if number else "made-up" for number in range(arguments.sets)]
            print(f"{sum(make_store(output, arguments, title) for title in titles):,} rows made")
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench", "leaderboard", "--output", str(output)], check=True)
        print(f"{time.perf_counter() - started:.1f} s")
        print(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
