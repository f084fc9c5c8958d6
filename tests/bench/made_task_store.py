"""Makes stores of scores of a made-up task's images, filed under other paths and titles than anything of the task."""

import polars as pl

from bench.store.sharing.submission import fingerprint_of
from tests.bench.made_stores import detector, keep
from tests.bench.made_submissions import PROTOCOL, facts_of, made_scores


def described(label="rigid", covers=None, **facts):
    """Describes a detector as runs do, with what its fingerprint covers."""
    covers = covers or facts_of(label)
    return detector(label, fingerprint=fingerprint_of(covers), covers=covers, **facts)


def rows_of_scores(task, scores, detectors, title="elsewhere"):
    """Makes rows of the store of scores; paths and groups are made-up."""
    (fingerprint, facts), *_ = detectors.items()
    images = task.images.with_columns(path=pl.format("there/{}.png", pl.col("sha256").str.head(20)))
    return scores.join(images, on="sha256", maintain_order="left").with_columns(
        dataset=pl.lit(title),
        bytes=pl.lit(1, pl.Int64),
        mtime_ns=pl.lit(1, pl.Int64),
        detector=pl.lit(facts["label"]),
        fingerprint=pl.lit(fingerprint),
        status=pl.when(pl.col("score").is_null()).then(pl.lit("unreadable")).otherwise(pl.lit("ok")),
        reason=pl.when(pl.col("score").is_null()).then(pl.lit("broken")),
        share=pl.lit(None, pl.Float64),
    )


def store_of(output, task, scores=None, detectors=None, run="20260101T000000.000000-aaaaaa", title="elsewhere", **data):
    """Makes a store with one run of one detector."""
    detectors = detectors or described()
    scores = made_scores(task, seeds=2) if scores is None else scores
    rows = rows_of_scores(task, scores, detectors, title)
    keep(output, run, [rows], detectors, **{"protocol": PROTOCOL} | data)
    return output
