"""The rows of a comparison study, and what becomes of them on another backbone or other data."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from bench.studies.base import Paper
from detectors.wepe import PRESETS

DEMO = "demo"


@dataclass(frozen=True)
class Arm:
    """A row of a study: a detector with its options.

    Args:
        row: What tables call it.
        detector: As on the command line, for the paper's backbone.
        backbone: Of this row alone, as ``view`` (``method`` or ``common``) and ``seeds``; None for those of the run.
        printed: Rows of the paper's table that it may stand beside; None for all of its method.
        top: For the k blocks of highest similarity: k of the paper's blocks.
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


VIEWS = {"code": "method", "text": "common"}
"""The ``--view`` of each preset: the code's picture is that of each method, the text's one crop for all."""


def in_presets(arms: Sequence[Arm], presets: Sequence[str], own_view: bool) -> list[Arm]:
    """Makes an arm for each preset of each arm, which names it; arms with a view of their own stay as they are.

    Args:
        arms: Those of the study.
        presets: Where there are none, the arms stay as they are.
        own_view: Whether each preset has its own picture; otherwise the user has named one for all.
    """
    rows: list[Arm] = []
    for arm in arms:
        if not presets or arm.view is not None:
            rows.append(arm)
            continue
        for preset in presets:
            row, detector = f"{arm.row} ({preset})", in_preset(arm.detector, preset)
            rows.append(replace(arm, row=row, detector=detector, view=VIEWS[preset] if own_view else None))
    return rows


def in_preset(text: str, preset: str) -> str:
    """Writes a detector of the WePe paper in one of its presets.

    Examples:
        >>> in_preset("wepe:blocks=0-18+gradient-cuff", "text"), in_preset("wepe-gradient-cuff:ratio=0.2", "code")
        ('wepe:preset=text,blocks=0-18+gradient-cuff', 'wepe-gradient-cuff:ratio=0.2')
    """
    added: dict[str, dict[str, object]] = {
        "wepe": {"preset": "text"},
        "wepe-gradient-cuff": {"rule": PRESETS["text"][0]},
    }
    return rewritten(text, lambda name, options: options if preset == "code" else added.get(name, {}) | options)


def chosen_arms(arms: Sequence[Arm], backbone: str, declared: str) -> list[Arm]:
    """Takes the arms that a run is about, each with its backbone.

    Args:
        arms: Those of the study.
        backbone: The run's backbone.
        declared: The study's; where it names several, and the run names one, only that one is run.
    """
    if backbone == declared:
        return [replace(arm, backbone=arm.backbone or backbone) for arm in arms]
    chosen = [replace(arm, backbone=backbone) for arm in arms if arm.backbone in (None, backbone)]
    if chosen:
        return chosen
    # A backbone that the paper has not: the method on it, beside no printed number.
    method = parse_detector(arms[0].detector).name
    return [replace(arms[0], row=f"{method} on {backbone}", backbone=backbone, printed=())]


def adapted(arms: Sequence[Arm], dataset: str, depth: int, paper: Paper) -> tuple[list[Arm], list[str]]:
    """Rewrites the detectors of arms on one backbone for what is at hand.

    Block numbers say something on the paper's backbone only. Elsewhere a detector's own default takes their place, and
    for the k blocks of highest similarity a probe of as large a share of the depth.

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
            if arm.top is None:
                text = without_blocks(text)
                note = (
                    f"On {arm.backbone} blocks are the detector's default, 19 of 24 of the depth rounded down: the "
                    f"paper says them for {paper.backbone} alone."
                )
            else:
                count = scaled(arm.top, depth, paper.depth)
                text = without_blocks(text, f"probe:{count}")
                note = (
                    f"{arm.row}: the {count} of the {depth} blocks of {arm.backbone} that a probe of held-out real "
                    f"images finds most alike, as large a share as {arm.top} of {paper.depth}, rounded down."
                )
            notes[note] = None
        if text in kept:
            notes[f"{arm.row}: the same blocks as {kept[text].row} on {arm.backbone}, left out."] = None
        else:
            kept[text] = replace(arm, detector=text)
    return list(kept.values()), list(notes)


def scaled(count: int, depth: int, paper_depth: int) -> int:
    """Returns as large a share of a depth as so many of the paper's blocks, rounded down, but at least 1.

    Examples:
        >>> scaled(8, 24, 24), scaled(8, 7, 24), scaled(1, 7, 24)
        (8, 2, 1)
    """
    return max(1, math.floor(count * depth / paper_depth))


def without_blocks(text: str, instead: str | None = None) -> str:
    """Writes a detector without its choice of blocks, or with another.

    Examples:
        >>> without_blocks("wepe:blocks=0,2-6,ratio=0.2"), without_blocks("wepe:blocks=0-18+gradient-cuff", "3")
        ('wepe:ratio=0.2', 'wepe:blocks=3+gradient-cuff')
        >>> without_blocks("fuse=minp:wepe:blocks=2+rigid")
        'fuse=minp:wepe+rigid'
    """
    changed = {} if instead is None else {"blocks": instead}
    return rewritten(
        text,
        lambda _, options: {
            name: changed.get(name, value) for name, value in options.items() if name != "blocks" or changed
        },
    )


def rewritten(text: str, change: Callable[[str, dict[str, object]], dict[str, object]]) -> str:
    """Writes a detector with other options; ``change`` takes the name and the options of each member."""
    spec = parse_detector(text)
    members = []
    for member in spec.singles:
        options = change(member.name, dict(member.options))
        words = ",".join(f"{name}={value}" for name, value in options.items())
        members.append(f"{member.name}:{words}" if words else member.name)
    return spec.fuse + "+".join(members)


def grouped(arms: Sequence[Arm], options: RunOptions) -> list[tuple[RunOptions, list[Arm]]]:
    """Puts arms together that one comparison can score, with its options, in the order of the first of each."""
    groups: dict[tuple[object, ...], tuple[RunOptions, list[Arm]]] = {}
    for arm in arms:
        backbone, view, seeds = arm.backbone or options.backbone, arm.view or options.view, arm.seeds or options.seeds
        settings = replace(options, backbone=backbone, view=view, seeds=seeds)
        key = (backbone, view, seeds, arm.row if arm.alone else None)
        groups.setdefault(key, (settings, []))[1].append(arm)
    return list(groups.values())
