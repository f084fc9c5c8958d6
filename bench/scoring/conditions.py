"""From the options to what happens to which images: degradations, and matching of the two classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.scoring.cues import cues_of
from bench.scoring.options import RunOptions
from bench.store.contrasts import ContrastRule, rules_of
from datamodules import DetectionDataModule
from datamodules.conditions import CLEAN_IMAGES, Reencoded, Treatment, Unified
from datamodules.degradations import parse_condition
from datamodules.matching import NoMatch, Reencode, Unbiased, parse_match


@dataclass(frozen=True)
class Assignment:
    """A treatment and the images it is meant for.

    Args:
        treatment: What happens to the images.
        chosen: ``(n_items,)``, which images; all where it is None.
        contrasts: Which images face each other under it.
        note: What a reader must know of it, or nothing.
    """

    treatment: Treatment
    chosen: NDArray[np.bool_] | None
    contrasts: tuple[ContrastRule, ...]
    note: str | None = None


def assign_treatments(options: RunOptions, datamodule: DetectionDataModule) -> list[Assignment]:
    """Makes the conditions of a run: the clean images, the degradations asked for, and the matched images.

    Raises:
        DataOptionError: A text is not in the language.
        BenchError: A condition is given twice.
    """
    treatments: list[Treatment] = [CLEAN_IMAGES, *(parse_condition(text) for text in options.conditions)]
    for position, treatment in enumerate(treatments):
        if treatment in treatments[:position]:
            raise BenchError(f"The condition {treatment.name!r} is given twice (clean is always there).")
    contrasts = rules_of(datamodule.contrasts)
    assignments = [Assignment(treatment, None, contrasts) for treatment in treatments]
    match = parse_match(options.match, datamodule.resize)
    if isinstance(match, NoMatch):
        return assignments
    if isinstance(match, Reencode):
        return [*assignments, Assignment(Reencoded(match), None, contrasts)]
    return [*assignments, *_unbiased(match, datamodule, options.output)]


def _unbiased(recipe: Unbiased, datamodule: DetectionDataModule, output: Path) -> list[Assignment]:
    """Applies the recipe: one condition for each common size, since a real image is cropped to its generator's."""
    facts = cues_of(datamodule, output)
    chosen = recipe.select(facts, datamodule.contrasts).chosen
    lost = [name for name in datamodule.contrasts if name not in set(chosen["contrast"])]
    if chosen.is_empty():
        raise BenchError("--match unbiased keeps no image: no real JPEG of quality near 96 has a generator's size.")
    assignments = []
    for (width, height), rows in chosen.sort("crop_width", "crop_height").group_by(
        "crop_width", "crop_height", maintain_order=True
    ):
        compressed = frozenset(rows.join(facts.select("path", "key"), on="path").filter("compress")["key"].to_list())
        names = sorted(set(rows["contrast"]))
        note = (
            f"unbiased:{width}x{height} keeps {rows['path'].n_unique()} images of {', '.join(names)} and their reals."
        )
        if lost:
            note += f" No match for {', '.join(lost)}."
        assignments.append(
            Assignment(
                Unified(int(width), int(height), compressed),
                _among(datamodule.items, rows),
                tuple(_rule(datamodule, rows, name) for name in names),
                note,
            )
        )
    return assignments


def _rule(datamodule: DetectionDataModule, rows: pl.DataFrame, generator: str) -> ContrastRule:
    members = frozenset(rows.filter(pl.col("contrast") == generator)["path"].to_list())
    return ContrastRule(generator, tuple(datamodule.contrasts[generator]), members)


def _among(items: pl.DataFrame, rows: pl.DataFrame) -> NDArray[np.bool_]:
    return items["path"].is_in(rows["path"].unique().to_list()).to_numpy()
