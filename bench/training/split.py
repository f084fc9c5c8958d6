"""Which images are trained on: the same share of the groups on every machine and in every data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from bench.errors import BenchError
from bench.statistics.names import name_hash
from datamodules import GENERATED, REAL

LEAST_IMAGES = 8
"""Fewer images of a class are nothing to train on."""


@dataclass(frozen=True)
class Split:
    """The images that are trained on, as positions among the datamodule's items, and their groups.

    Every image of these groups, of whatever generator, is left out of the trained detector's numbers.
    """

    indices: list[int]
    groups: frozenset[str]


def may_train(group: str, share: float) -> bool:
    """Says whether a group belongs to the share that is trained on, by a hash of its name.

    Examples:
        >>> [may_train(name, 0.5) for name in ("prompt-1", "prompt-2", "prompt-3", "prompt-4")]
        [True, False, True, False]
    """
    return name_hash(f"train\x1f{group}") < share * 2**64


def split_items(items: pl.DataFrame, contrasts: Mapping[str, Sequence[str]], share: float) -> Split:
    """Takes a share of the groups: images of the generators there, and of the sources of real images that face them.

    Raises:
        BenchError: A class has too few images in the share, or no image is left to test on.
    """
    reals = sorted({source for sources in contrasts.values() for source in sources})
    faces = (pl.col("label") == GENERATED) | pl.col("generator").is_in(reals)
    chosen = [group for group in items["group"].unique() if may_train(group, share)]
    rows = items.with_row_index().filter(faces & pl.col("group").is_in(chosen))
    for label, name in ((REAL, "real"), (GENERATED, "generated")):
        count = int((rows["label"] == label).sum())
        if count < LEAST_IMAGES:
            raise BenchError(
                f"Training takes at least {LEAST_IMAGES} images of each class; {count} {name} ones are in the share of "
                f"the groups that --train-share {share:g} takes."
            )
    groups = frozenset(rows["group"].to_list())
    if items.filter(~pl.col("group").is_in(groups)).is_empty():
        raise BenchError(f"--train-share {share:g} leaves no group to test on.")
    return Split(rows["index"].to_list(), groups)
