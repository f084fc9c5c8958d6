"""The rows of a comparison study, and what becomes of them on another backbone or other data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.scoring.specs import DetectorSpec, parse_detector
from bench.studies.base import Paper

DEMO = "demo"


@dataclass(frozen=True)
class Arm:
    """A row of a study: a detector with its options.

    Args:
        row: What tables call it.
        detector: As on the command line, for the paper's backbone.
        backbone: The backbone of this row alone; None for the study's.
        printed: Rows of the paper's table that it may stand beside; None for all of its method.
        top: For the k blocks of highest similarity: k of the paper's blocks.
        view: ``method`` or ``common`` for this row alone; None for the run's.
        seeds: Number of seeds of this row alone; None for the run's.
        level: Its place on the axis of a sweep.
        alone: Whether it holds images out and so is compared by itself, for the others to keep theirs.
        demo: The detector in its place on the demo, and why.
    """

    row: str
    detector: str
    backbone: str | None = None
    printed: tuple[str, ...] | None = None
    top: int | None = None
    view: str | None = None
    seeds: int | None = None
    level: float | None = None
    alone: bool = False
    demo: tuple[str, str] | None = None


@dataclass(frozen=True)
class Group:
    """Arms that one comparison can score.

    Args:
        backbone: Their backbone.
        view: Their view, ``method`` or ``common``.
        seeds: Their number of seeds.
        arms: The arms, each with its detector as it is run here.
    """

    backbone: str
    view: str
    seeds: int
    arms: tuple[Arm, ...]


def chosen_arms(arms: Sequence[Arm], backbone: str, of_study: str) -> list[Arm]:
    """Takes the arms that a run is about, each with its backbone.

    Args:
        arms: Those of the study.
        backbone: The run's backbone.
        of_study: The study's; where it names several, and the run names one, only that one is run.
    """
    if backbone == of_study:
        return [replace(arm, backbone=arm.backbone or backbone) for arm in arms]
    own = [replace(arm, backbone=backbone) for arm in arms if arm.backbone in (None, backbone)]
    if own:
        return own
    # A backbone that the paper has not: the method on it, beside no printed number.
    return [
        replace(arms[0], row=f"{parse_detector(arms[0].detector).name} on {backbone}", backbone=backbone, printed=())
    ]


def adapted(arms: Sequence[Arm], dataset: str, depth: int, paper: Paper) -> tuple[list[Arm], list[str]]:
    """Rewrites the detectors of arms on one backbone for what is at hand.

    Block numbers say something on the paper's backbone only. Elsewhere a detector's own default takes their place, and
    for the k blocks of highest similarity a probe of as large a share of the depth.

    Args:
        arms: Arms that share their backbone.
        dataset: The dataset's name.
        depth: The backbone's number of blocks.
        paper: Whose arms they are.

    Returns:
        The arms, without those that come to the same detector as one before, and notes.
    """
    kept: dict[str, Arm] = {}
    notes: dict[str, None] = {}
    for arm in arms:
        text = arm.detector
        if dataset == DEMO and arm.demo is not None:
            text, why = arm.demo
            notes[f"{arm.row}: {text} in place of {arm.detector}: {why}."] = None
        if arm.backbone != paper.backbone and "blocks=" in text:
            text, note = _other_blocks(arm, text, depth, paper)
            notes[note] = None
        if text in kept:
            notes[f"{arm.row}: the same blocks as {kept[text].row} on {arm.backbone}, left out."] = None
        else:
            kept[text] = replace(arm, detector=text)
    return list(kept.values()), list(notes)


def _other_blocks(arm: Arm, text: str, depth: int, paper: Paper) -> tuple[str, str]:
    if arm.top is None:
        return without_blocks(text), (
            f"On {arm.backbone} blocks are the detector's default, 19 of 24 of the depth rounded down: the paper says "
            f"them for {paper.backbone} alone."
        )
    count = scaled(arm.top, depth, paper.depth)
    note = (
        f"{arm.row}: the {count} of the {depth} blocks of {arm.backbone} that a probe of held-out real images finds "
        f"most alike, as large a share as {arm.top} of {paper.depth}, rounded down."
    )
    return without_blocks(text, f"probe:{count}"), note


def scaled(count: int, depth: int, of: int) -> int:
    """Returns as large a share of a depth as so many of the paper's blocks, rounded down, but at least 1.

    Examples:
        >>> scaled(8, 24, 24), scaled(8, 7, 24), scaled(1, 7, 24)
        (8, 2, 1)
    """
    return max(1, math.floor(count * depth / of))


def without_blocks(text: str, instead: str | None = None) -> str:
    """Writes a detector without its choice of blocks, or with another.

    Examples:
        >>> without_blocks("wepe:blocks=0,2-6,ratio=0.2"), without_blocks("wepe:blocks=0-18+gradient-cuff", "3")
        ('wepe:ratio=0.2', 'wepe:blocks=3+gradient-cuff')
    """
    spec = parse_detector(text)
    return "+".join(_written(single, instead) for single in (spec.members or (spec,)))


def _written(spec: DetectorSpec, instead: str | None) -> str:
    options: dict[str, Any] = {}
    for name, value in spec.options.items():
        if name != "blocks":
            options[name] = value
        elif instead is not None:
            options[name] = instead
    words = ",".join(f"{name}={value}" for name, value in options.items())
    return f"{spec.name}:{words}" if words else spec.name


def grouped(arms: Sequence[Arm], view: str, seeds: int) -> list[Group]:
    """Puts arms together that one comparison can score, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Arm]] = {}
    for arm in arms:
        assert arm.backbone is not None
        key = (arm.backbone, arm.view or view, arm.seeds or seeds, arm.row if arm.alone else None)
        groups.setdefault(key, []).append(arm)
    return [Group(str(key[0]), str(key[1]), int(str(key[2])), tuple(own)) for key, own in groups.items()]
