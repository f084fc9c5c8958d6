"""The images that are trained on, read and treated exactly as a comparison would show them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.scoring.build import create_datamodule
from bench.scoring.conditions import plan_conditions
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions
from bench.scoring.training_record import TrainingRecord, group_hashes, key_of
from bench.training.options import FitOptions
from bench.training.split import Split, split_items
from datamodules import GENERATED, REAL, DetectionData
from datamodules.conditions import Condition
from datamodules.generator_names import canonical_name


@dataclass(frozen=True)
class TrainingSet:
    """Images to train on.

    Args:
        datamodule: The dataset with the generators to train on, set up.
        condition: What is done to the images: nothing, or the matching of the two classes.
    """

    datamodule: DetectionData
    split: Split
    condition: Condition

    @property
    def items(self) -> pl.DataFrame:
        """The rows that are trained on."""
        return self.datamodule.items[self.split.indices]

    @property
    def generators(self) -> list[str]:
        """The generators, as the data set writes them."""
        return sorted(self.items.filter(pl.col("label") == GENERATED)["generator"].unique())

    def facts(self, fit: FitOptions) -> dict[str, Any]:
        """Describes the images in plain values, for the file."""
        counts = self.items.group_by("label", "generator").len().sort("label", "generator").rows()
        return {
            "dataset": self.datamodule.title,
            "generators": self.generators,
            "trained_on": sorted({canonical_name(name) for name in (*self.generators, *fit.also_seen)}),
            "images": {
                kind: {name: count for image_label, name, count in counts if image_label == label}
                for kind, label in (("real", REAL), ("generated", GENERATED))
            },
            "protocol": self.datamodule.protocol,
            "treatment": self.condition.name,
            "train_share": fit.train_share,
            "n_groups": len(self.split.groups),
        }

    @phase("Noting which images are trained on")
    def record(self, facts: dict[str, Any]) -> TrainingRecord:
        """Adds to facts the sorted hashes of the groups and the sorted keys of the images that can be read."""
        keys = (key_of(self.datamodule, path) for path in self.items["path"])
        readable = np.array(sorted(key for key in keys if key is not None), dtype=np.int64)
        return TrainingRecord(facts, np.sort(group_hashes(self.split.groups)), readable)


def training_set(fit: FitOptions, options: RunOptions) -> TrainingSet:
    """Chooses the images to train on.

    Raises:
        BenchError: The options cannot be trained with, or there are too few images.
    """
    if options.match == "unbiased":
        raise BenchError("fit takes --match none or reencode:Q: unbiased crops each generator to a size of its own.")
    if options.devices * options.num_nodes > 1:
        raise BenchError(
            f"fit trains on one device; got --devices {options.devices} and --num-nodes {options.num_nodes}."
        )
    datamodule = create_datamodule(options)
    with phase("Listing the images"):
        datamodule.setup()
    # The matching comes last, after the clean images; degradations are for the test alone.
    condition = plan_conditions(replace(options, conditions=()), datamodule)[-1].condition
    return TrainingSet(datamodule, split_items(datamodule.items, datamodule.facing, fit.train_share), condition)
