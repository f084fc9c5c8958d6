"""The groups of images that a detector was fitted to or trained on, which are left out of its own numbers."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.scoring.specs import DetectorSpec
from bench.scoring.training_record import TrainingRecord, group_hashes, key_of, read_record
from bench.statistics.names import name_hash
from datamodules import REAL, DetectionData
from detectors.fusion import LEAST_IMAGES

FIT_SHARE = 0.2


def trained_groups(specs: Iterable[DetectorSpec], datamodule: DetectionData) -> dict[str, frozenset[str]]:
    """Finds the groups of a data set that detectors were trained on, by the label of the detector and its ensemble.

    There is nothing for a detector whose file ``fit`` did not write, or that was trained on other images.
    """
    by_label: dict[str, frozenset[str]] = {}
    for spec in specs:
        for single in spec.singles:
            file = single.options.get("checkpoint")
            record = read_record(Path(file)) if file else None
            groups = _groups_of(record, datamodule) if record else frozenset[str]()
            for label in (single.label, spec.label) if groups else ():
                by_label[label] = by_label.get(label, frozenset()) | groups
    return by_label


def groups_to_fit(items: pl.DataFrame, trained: Collection[str] = ()) -> frozenset[str]:
    """Chooses the groups whose real images an ensemble or a probe is fitted to; its own numbers leave them out.

    A fifth of the groups with real images, those with the smallest hashes, and more where that gives fewer than eight
    images. Of groups that a member was trained on there are none.

    Raises:
        BenchError: No more than half of the real images would be left.
    """
    untouched = items.filter(~pl.col("group").is_in(list(trained)))
    reals = untouched.filter(pl.col("label") == REAL).group_by("group").len().rows()
    available = sum(count for _, count in reals)
    order = sorted(reals, key=lambda row: name_hash(row[0]))
    chosen: list[str] = []
    images = 0
    for group, count in order:
        if len(chosen) >= FIT_SHARE * len(order) and images >= LEAST_IMAGES:
            break
        chosen.append(group)
        images += count
    if 2 * images > available:
        raise BenchError(
            f"An ensemble or a probe takes at least {LEAST_IMAGES} real images, which are then left out; "
            f"{available} real images are too few for that."
        )
    return frozenset(chosen)


def _groups_of(record: TrainingRecord, datamodule: DetectionData) -> frozenset[str]:
    """Finds the groups of a data set that a training has seen.

    A data set of another title may be the same one in a renamed folder, or an unrelated one whose groups have the same
    names. The images' own bytes tell: one image that was trained on is enough.
    """
    names = datamodule.items["group"].unique()
    shared = frozenset(names.filter(pl.Series(np.isin(group_hashes(names), record.groups))))
    if not shared or record.facts["dataset"] == datamodule.title:
        return shared
    paths = datamodule.items.filter(pl.col("group").is_in(shared))["path"]
    return shared if any(key_of(datamodule, path) in record.keys for path in paths) else frozenset()
