"""Reads off a detector's class what its card and the tables say of it; the class is imported, and torch with it."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch

from bench.report.docstrings import argument_meanings, docstring_sections
from bench.scoring.forecast import NATIVE
from bench.scoring.stand_in import smallest_backbone
from bench.store.facts import NOT_KNOWN
from detectors import Detector, create_detector, find_detector
from detectors.backbones.base import rehearsed
from detectors.facts import DetectorFacts, Option
from detectors.needs import needs_of
from detectors.registry import DETECTORS


def facts_json() -> str:
    """Writes the facts of every detector of this package, as ``detectors/facts.json`` holds them."""
    records = [asdict(describe(find_detector(name))) for name in DETECTORS]
    return json.dumps(records, indent=1, ensure_ascii=False) + "\n"


def describe(cls: type[Detector]) -> DetectorFacts:
    """Describes a detector."""
    text, sections = docstring_sections(inspect.getdoc(cls) or "")
    title, _, text = text.partition("\n")
    parameters = inspect.signature(cls).parameters
    meanings, hints = argument_meanings(sections.pop("Args", "")), get_type_hints(cls.__init__)
    options = [
        Option(name, _written(parameter.default), _with_choices(meanings.get(name, ""), hints[name]))
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name != "seed"
    ]
    on_backbone, trained = "backbone" in parameters, "checkpoint" in parameters
    stated = trained or hasattr(cls, "own_passes")  # it cannot be made without weights
    stand_in = None if stated else create_detector(cls.name, smallest_backbone())
    passes = getattr(cls, "own_passes", 0) if stand_in is None else stand_in.passes
    cost = f"{passes} of its own network{'' if trained else 's'}" if stated else f"{passes} reconstructions"
    if on_backbone:
        cost = f"1 shared + {passes}" if stand_in is None or _passes_itself(stand_in) else f"{passes}"
    return DetectorFacts(
        name=cls.name,
        paper=cls.paper,
        title=title.removesuffix("."),
        text=text.strip(),
        sections={name: " ".join(body.split()) for name, body in sections.items()},
        passes=passes,
        cost=NOT_KNOWN if passes is None else cost,
        backbone=getattr(cls, "takes_backbone", None) or "" if on_backbone else None,
        options=tuple(options),
        needs=tuple(needs_of(cls)),
        training=tuple(_training(cls)),
        unscaled=cls.unscaled,
        tuned_on=cls.tuned_on,
        weaknesses=tuple(cls.weaknesses),
        shared_draw=cls.shared_draw,
    )


def _passes_itself(detector: Detector) -> bool:
    """Says whether the image as it is passes the backbone, too, which all that see the same picture share."""
    side = NATIVE if detector.view.ragged else detector.view.size
    with torch.inference_mode(), rehearsed() as counted:
        detector(torch.zeros(1, 3, side, side), torch.zeros(1, dtype=torch.long))
    return counted.images != detector.passes


def _with_choices(meaning: str, hint: Any) -> str:  # noqa: ANN401 - any annotation a detector may have
    """Names the choices of an option after its meaning, unless that does."""
    literals = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
    choices = [f"``{choice}``" for literal in literals for choice in get_args(literal)]
    return meaning if all(choice in meaning for choice in choices) else f"{meaning} One of {', '.join(choices)}."


def _written(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _training(cls: type[Detector]) -> Iterator[str]:
    """Describes the released files of a trained detector; one that is trained by the user alone has none."""
    if "checkpoint" not in inspect.signature(cls).parameters:
        yield "none, the method is training-free"
        return
    released = getattr(cls, "released", ())
    for file in released:
        size = f", {file.size:,} bytes" if file.size else ""
        checked = f", sha256 {file.sha256}" if file.sha256 else ""
        licence = f", licence {file.licence}" if file.licence else ""
        yield f"{file.name}: {', '.join(file.trained_on) or 'not known'} ({file.source}{size}{checked}{licence})"
    if not released:
        yield getattr(cls, "unreleased", "") or "that of the checkpoint: no released file is known"
