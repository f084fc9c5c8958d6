"""Time and peak memory of ``python -m bench submit check`` on a submission of many images, of random scores.

Run as ``python benchmarks/submissions.py`` (100,000 images), or with ``--images``, ``--conditions`` and ``--seeds``.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from bench.store.contrasts import ContrastRule
from bench.store.sharing.submission import Submission, fingerprint_of, write_submission
from bench.store.sharing.task import Task, freeze, write_task

GENERATORS = tuple(f"generator-{number}" for number in range(9))
REALS = "photographs"
PROTOCOL = {"crop_seed": 0, "resize": 256}
CONDITIONS = ("clean", "jpeg:75", "blur:1", "noise:0.1")


def make_task(count: int, conditions: int) -> Task:
    """Freezes a task of images that are nowhere, half of them real."""
    sources = [GENERATORS[number // 2 % len(GENERATORS)] if number % 2 else REALS for number in range(count)]
    images = pl.DataFrame(
        {
            "path": [str(number) for number in range(count)],
            "sha256": [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)],
            "label": np.arange(count) % 2,
            "kind": None,
            "generator": sources,
            "group": [str(number) for number in range(count)],
        },
        schema_overrides={"kind": pl.String},
    )
    rules = tuple(ContrastRule(generator, (REALS,)) for generator in GENERATORS)
    told = {"name": "made-up", "title": "made-up", "protocol": PROTOCOL}
    return freeze(images, dict.fromkeys(CONDITIONS[:conditions], rules), **told).task


def submit(folder: Path, task: Task, seeds: int) -> int:
    """Writes a submission, and returns its number of scores."""
    rng, images = np.random.default_rng(0), task.images
    parts = [
        images.select("sha256", score=pl.Series(rng.normal(images["label"].to_numpy(), 1.0))).with_columns(
            seed=pl.lit(seed, pl.Int64), condition=pl.lit(condition)
        )
        for condition in task.conditions
        for seed in range(seeds)
    ]
    run = {"precision": "32-true", "protocol": json.dumps(PROTOCOL, sort_keys=True)}
    facts = {"detector": {"detector": "rigid", "options": {}}, "run": run}
    submission = Submission(
        folder=folder,
        detector="rigid",
        method="rigid",
        options={},
        facts=facts,
        fingerprint=fingerprint_of(facts),
        trained_on=None,
        versions={"fauxbench": "0", "python": "3"},
        task=task.named,
        repository="https://example.org/made-up",
        imported=False,
        scores=pl.concat(parts),
    )
    write_submission(submission)
    return sum(map(len, parts))


def main() -> None:
    """Makes a task and a submission, and times the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--conditions", type=int, default=1, choices=range(1, len(CONDITIONS) + 1))
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        task, folder = make_task(arguments.images, arguments.conditions), Path(scratch) / "submissions" / "me" / "rigid"
        (Path(scratch) / "tasks").mkdir()
        file = write_task(task, Path(scratch) / "tasks" / "made-up.json")
        rows = submit(folder, task, arguments.seeds)
        sizes = " and ".join(f"{path.stat().st_size / 1e6:.1f} MB" for path in (file, folder / "scores.parquet"))
        print(f"{rows:,} scores of {len(task.images):,} images; task and scores have {sizes}")
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench", "submit", "check", str(folder)], check=True)
        print(f"{time.perf_counter() - started:.1f} s")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{used.ru_utime + used.ru_stime:.1f} s of one core")
        print(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
