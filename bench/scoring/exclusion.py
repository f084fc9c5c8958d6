"""Leaves the images that a detector was trained on out of the numbers of a comparison."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from bench.scoring.specs import DetectorSpec
from bench.scoring.training_record import TrainingRecord, read_record
from bench.training.split import group_hashes
from bench.training.training_set import key_of
from datamodules import DetectionDataModule


def trained_groups(specs: Iterable[DetectorSpec], datamodule: DetectionDataModule) -> dict[str, frozenset[str]]:
    """Finds the groups of a data set that the detectors asked for were trained on.

    Args:
        specs: The detectors, ensembles among them.
        datamodule: The dataset, set up.

    Returns:
        Groups by the label of the detector, of the ensemble and of each of its members; nothing for a detector whose
        file ``fit`` did not write, or that was trained on other images.
    """
    found: dict[str, frozenset[str]] = {}
    for spec in specs:
        for single in spec.members or (spec,):
            file = single.options.get("checkpoint")
            record = read_record(Path(file)) if file else None
            groups = groups_of(record, datamodule) if record else frozenset[str]()
            for label in (single.label, spec.label) if groups else ():
                found[label] = found.get(label, frozenset()) | groups
    return found


def exclusion_note(trained: Mapping[str, frozenset[str]]) -> list[str]:
    """Says in a sentence what is left out for which detectors; nothing where nothing is.

    Examples:
        >>> exclusion_note({"npr": frozenset({"a", "b"}), "timm": frozenset({"b"})})
        ['npr, timm: trained on images of 2 groups here; every image of these is left out of every number.']
    """
    groups = frozenset[str]().union(*trained.values())
    if not groups:
        return []
    return [
        f"{', '.join(trained)}: trained on images of {len(groups)} groups here; every image of these is left out of "
        f"every number."
    ]


def groups_of(record: TrainingRecord, datamodule: DetectionDataModule) -> frozenset[str]:
    """Finds the groups of a data set that a training has seen.

    A data set of another title may be the same one in a renamed folder, or an unrelated one whose groups have the same
    names. The images' own bytes tell: one image that was trained on is enough.

    Args:
        record: Of the training.
        datamodule: The dataset, set up.
    """
    names = datamodule.items["group"].unique()
    shared = frozenset(names.filter(pl.Series(np.isin(group_hashes(names), record.groups))))
    if not shared or record.facts["dataset"] == datamodule.title:
        return shared
    paths = datamodule.items.filter(pl.col("group").is_in(shared))["path"]
    return shared if any(key_of(datamodule, path) in record.keys for path in paths) else frozenset()
