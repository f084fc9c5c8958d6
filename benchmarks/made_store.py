"""Makes a store of random scores: what ``leaderboard.py`` reads."""

import argparse
import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from leaderboard import add_sizes

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
        if not arguments.unmerged:
            writer.close()
    return rows


def main() -> None:
    """Makes the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    add_sizes(parser)
    arguments = parser.parse_args()
    titles = [f"made-up-{number}" if number else "made-up" for number in range(arguments.sets)]
    print(f"{sum(make_store(arguments.output, arguments, title) for title in titles):,} rows")


if __name__ == "__main__":
    main()
