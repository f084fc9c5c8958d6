"""From the options to what happens to which images: degradations, and matching of the two classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.scoring.attacks.condition import Attack
from bench.scoring.attacks.sources import with_sources
from bench.scoring.condition_language import read_condition
from bench.scoring.cues import cues_of
from bench.scoring.findings import MatchedImages
from bench.scoring.grids import PRESETS
from bench.scoring.options import RunOptions
from bench.scoring.specs import DetectorSpec
from bench.store.contrasts import ContrastRule, rules_of
from bench.store.findings import Finding
from datamodules import DetectionData
from datamodules.conditions import CLEAN_IMAGES, Condition, Reencoded, Unified
from datamodules.degradations import CLASSES, CLEAN
from datamodules.matching import NoMatch, Reencode, Unbiased, parse_match


@dataclass(frozen=True)
class PlannedCondition:
    """A condition and the images it is meant for.

    Args:
        condition: What happens to the images.
        contrasts: Which images face each other under it.
        chosen: ``(n_items,)``, which images; all where it is None.
        finding: What a reader must know of it, or nothing.
        source: The detector that an attack is made against, where it names one.
    """

    condition: Condition
    contrasts: tuple[ContrastRule, ...] = ()
    chosen: NDArray[np.bool_] | None = None
    finding: Finding | None = None
    source: DetectorSpec | None = None


def plan_conditions(
    options: RunOptions, datamodule: DetectionData, specs: Sequence[DetectorSpec] = ()
) -> list[PlannedCondition]:
    """Makes the conditions of a run: the clean images, degradations and attacks asked for, and the matched images.

    Raises:
        DataOptionError: A text is not in the language.
        BenchError: A condition is given twice, or what it needs is not there.
    """
    sources: dict[Condition, DetectorSpec | None] = {CLEAN_IMAGES: None}
    for condition, source in (pair for text in options.conditions for pair in _with_sources(text, specs)):
        if condition in sources:
            raise BenchError(f"The condition {condition.name!r} is given twice (clean is always there).")
        sources[condition] = source
    asked: list[Condition] = [*sources]
    contrasts = rules_of(datamodule.facing, datamodule.apart)
    match = parse_match(options.match, datamodule.resize)
    if isinstance(match, Reencode):
        asked.append(Reencoded(match))
    planned = [PlannedCondition(condition, contrasts, source=sources.get(condition)) for condition in asked]
    return planned if isinstance(match, NoMatch | Reencode) else [*planned, *_unbiased(match, datamodule, options)]


def _with_sources(text: str, specs: Sequence[DetectorSpec]) -> Iterator[tuple[Condition, DetectorSpec | None]]:
    condition = read_condition(text)
    if isinstance(condition, Attack):
        yield from with_sources(condition, specs)
    else:
        condition.prepare()
        yield condition, None


def _unbiased(recipe: Unbiased, datamodule: DetectionData, options: RunOptions) -> list[PlannedCondition]:
    """Applies the recipe: one condition for each common size, since a real image is cropped to its generator's."""
    cues = cues_of(datamodule, options.output)
    every = rules_of(datamodule.facing, datamodule.apart)
    chosen = recipe.select(cues, datamodule.facing).chosen
    unmatched = [rule.generator for rule in every if rule.generator not in set(chosen["contrast"])]
    if chosen.is_empty():
        raise BenchError("--match unbiased keeps no image: no real JPEG of quality near 96 has a generator's size.")
    by_size = chosen.sort("crop_width", "crop_height").group_by("crop_width", "crop_height", maintain_order=True)
    planned = []
    for (width, height), rows in by_size:
        compressed = frozenset(rows.join(cues.select("path", "key"), on="path").filter("compress")["key"].to_list())
        paths = dict(rows.group_by("contrast").agg("path").sort("contrast").iter_rows())
        rules = [replace(rule, members=frozenset(paths[rule.generator])) for rule in every if rule.generator in paths]
        condition = Unified(int(width), int(height), compressed)
        planned.append(
            PlannedCondition(
                condition,
                tuple(rules),
                datamodule.items["path"].is_in(rows["path"].unique().to_list()).to_numpy(),
                MatchedImages(condition.name, rows["path"].n_unique(), list(paths), unmatched),
            )
        )
    return planned


def robustness_conditions(
    preset: str | None = None, conditions: Sequence[str] = (), only: str | None = None
) -> tuple[str, ...]:
    """Chooses the conditions of a study: those of a preset, then others, each once.

    The preset is ``rigid`` where no conditions are given either; ``only`` is the one class to be degraded, ``real`` or
    ``generated``, both by default.

    Raises:
        BenchError: The preset or the class is unknown, or a condition cannot be limited, or is the clean images.
        DataOptionError: A condition is not in the language.

    Examples:
        >>> robustness_conditions(conditions=["noise:0.10", "blur:2+jpeg:75"], only="generated")
        ('noise:0.1@generated', 'blur:2+jpeg:75@generated')
    """
    name = "rigid" if preset is None and not conditions else preset
    if name is not None and name not in PRESETS:
        raise BenchError(f"Unknown --preset {name!r}. Available: {', '.join(sorted(PRESETS))}.")
    if only is not None and only not in CLASSES:
        raise BenchError(f"--only must be one of {', '.join(sorted(CLASSES))}, got {only!r}.")
    texts = [*(PRESETS[name] if name else ()), *conditions]
    return tuple(dict.fromkeys(_limited(text, only) for text in texts))


def _limited(text: str, only: str | None) -> str:
    condition = read_condition(text)
    if condition.name == CLEAN:
        raise BenchError(f"The condition {CLEAN!r} is always there: leave it out of --conditions.")
    if only is None:
        return condition.name
    if isinstance(condition, Attack):
        raise BenchError(f"--only {only} does not apply to {text!r}: an attack is of generated images.")
    if not condition.even:
        raise BenchError(f"The condition {text!r} names its class already: leave out @... there, or --only {only}.")
    return replace(condition, classes=CLASSES[only]).name
