"""Makes score stores without any image or detector."""

import hashlib

import polars as pl

from bench.store.facts import FORMAT
from bench.store.runs import MEMBERS, RunRecord
from bench.store.schema import SCHEMA
from bench.store.scores import ScoreStore
from bench.store.writer import ScoreWriter

REALS = "photographs"


def sha(text):
    """Returns a sha256 that a test can name."""
    return hashlib.sha256(text.encode()).hexdigest()


def detector(label, **facts):
    """Describes a detector as a run does, under the fingerprint ``sha(label)`` unless ``fingerprint`` is given."""
    fingerprint = facts.pop("fingerprint", sha(label))
    described = {
        "name": label,
        "version": 1,
        "paper": "a paper",
        "options": {},
        "view": "random-crop 224",
        "passes": 1,
        "backbone": {"name": "a backbone", "weights": sha("weights")},
        "label": label,
        "view_mode": "method",
        "precision": "32-true",
        "seeds": 1,
        "held_out": [],
    }
    return {fingerprint: described | facts}


def images(real=4, generated=4, generators=("gan",)):
    """Names images: ``(path, label, source)``."""
    rows = [(f"{REALS}/{number:03d}.png", 0, REALS) for number in range(real)]
    return rows + [(f"{name}/{number:03d}.png", 1, name) for name in generators for number in range(generated)]


def scored(of, detectors, score, condition="clean", seed=0, dataset="made-up", content=""):
    """Makes rows of the store.

    Args:
        of: From :func:`images`.
        detectors: From :func:`detector`.
        score: A function of path, label and source; None for an unreadable image.
        condition: The condition.
        seed: The seed.
        dataset: The data set's title.
        content: Changes the sha256 of every image.
    """
    (fingerprint, facts), *_ = detectors.items()
    values = [score(*image) for image in of]
    return pl.DataFrame(
        [
            {
                "dataset": dataset,
                "generator": source,
                "path": path,
                "sha256": sha(path + content),
                "bytes": 1,
                "mtime_ns": 1,
                "group": path,
                "label": label,
                "detector": facts["label"],
                "fingerprint": fingerprint,
                "condition": condition,
                "seed": seed,
                "score": value,
                "status": "unreadable" if value is None else "ok",
                "reason": "broken" if value is None else None,
            }
            for (path, label, source), value in zip(of, values, strict=True)
        ],
        schema=SCHEMA,
    )


def keep(output, run, rows, detectors=None, wanted=None, members=(), finished=True, **data):
    """Keeps rows as a run does.

    Args:
        output: The results' folder.
        run: The run's folder; names sort by age.
        rows: Tables from :func:`scored`.
        detectors: From :func:`detector`; None for a run of an older version, which told nothing.
        wanted: Number of images; that of the first table by default.
        members: ``(condition, generator, path)``.
        finished: Whether the run came to its end.
        data: What to tell of the data set beside what is told by default.
    """
    conditions = dict.fromkeys(condition for table in rows for condition in table["condition"])
    generators = sorted({source for table in rows for source in table.filter(pl.col("label") == 1)["generator"]})
    title = rows[0]["dataset"][0]
    told = {
        "name": "folder",
        "title": title,
        "images": wanted or len(rows[0]),
        "preprocessing": "short side scaled to 256 px",
        "notes": [],
        "protocol": {"resize": 256},
        "wanted": dict.fromkeys(conditions, wanted or len(rows[0])),
        "contrasts": {condition: {generator: [REALS] for generator in generators} for condition in conditions},
    }
    facts = {
        "format": FORMAT,
        "data": told | data,
        "detectors": detectors or {},
        "command": "bench compare",
        "commit": "0123abc",
        "time": "2026-01-01T00:00:00+00:00",
        "device": "cpu",
        "versions": {"python": "3.11"},
        "options": {},
    }
    table = pl.DataFrame(list(members), schema=MEMBERS, orient="row")
    writer = ScoreWriter(ScoreStore(output, title).folder, RunRecord(run, facts if detectors else {}, table))
    for part in rows:
        writer.append(part)
        writer.flush()
    writer.close()
    if finished and detectors:
        writer.finish({"images": 1, "devices": 1, "seconds": 1.0, "backbone_passes": 1})
