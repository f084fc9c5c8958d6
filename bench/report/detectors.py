"""Which detectors there are, what they need, and whether that is here; and what a card says of each.

All but the needs comes from the detectors' own signatures and docstrings.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch

from bench.report.docstrings import argument_meanings, docstring_sections
from bench.scoring.forecast import NATIVE
from bench.scoring.stand_in import smallest_backbone
from bench.store.facts import NOT_KNOWN
from detectors import Detector, create_detector, find_detector, list_detectors
from detectors.backbones.base import rehearsed
from detectors.needs import Need, backbone_need, needs_of

NO_WEAKNESS = "none is recorded in the sources that were read, which does not mean that there is none."
DEFAULT_BACKBONE = "efficientnet-lite0"


@dataclass(frozen=True)
class Option:
    """An option of a detector, with its default as it is written behind the detector's name."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class ListedDetector:
    """A detector as a table describes it.

    Args:
        title: The first line of its docstring, without the full stop.
        text: What follows before the docstring's sections.
        sections: The docstring's sections by their names; the options are taken out.
        passes: Of its own for an image with the default options; of the backbone beside the shared clean one, where
            it has one; None where they are not known.
        cost: The passes in words.
        options: In the order of the constructor.
        needs: For the defaults, then for other options.
        here: Whether it runs here with the default options.
    """

    name: str
    paper: str
    title: str
    text: str
    sections: Mapping[str, str]
    passes: int | None
    on_backbone: bool
    cost: str
    options: tuple[Option, ...]
    needs: tuple[Need, ...]
    here: bool


def listed_detectors(backbone: str = DEFAULT_BACKBONE, names: Sequence[str] = ()) -> tuple[ListedDetector, ...]:
    """Describes registered detectors, all by default, as they would be with a vision model, which is not built.

    Raises:
        UnknownNameError: There is no such backbone or detector.
    """
    need = backbone_need(backbone)
    classes = [find_detector(name) for name in dict.fromkeys(names)] if names else list_detectors().values()
    return tuple(_describe(cls, need) for cls in classes)


def card_lines(detector: ListedDetector) -> list[str]:
    """Writes a detector's card, in lines without markup."""
    cls = find_detector(detector.name)
    lines = [f"{detector.name}: {detector.title}", f"Paper: {detector.paper}"]
    lines += _listed("Needs", [_card_need(need) for need in detector.needs] or ["nothing beside the package"])
    lines += _listed("Training data", _training(cls))
    lines += ["Published for: images as they are; take --resize none."] if cls.unscaled else []
    lines += [f"Settings chosen on: {cls.tuned_on}."] if cls.tuned_on else []
    lines += [f"Cost per image, in passes: {detector.cost}"]
    lines += _listed("Known weaknesses", cls.weaknesses or [NO_WEAKNESS])
    lines += ["", *detector.text.splitlines()] if detector.text else []
    lines += [f"\n{name}: {text}" for name, text in detector.sections.items()]
    lines += ["\nOptions:", *(f"  - {option.name}={option.default}: {option.meaning}" for option in detector.options)]
    return "\n".join(lines).replace("``", "").splitlines()


def _describe(cls: type[Detector], backbone: Need) -> ListedDetector:
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
    needs = tuple(needs_of(cls, backbone))
    return ListedDetector(
        name=cls.name,
        paper=cls.paper,
        title=title.removesuffix("."),
        text=text.strip(),
        sections={name: " ".join(body.split()) for name, body in sections.items()},
        passes=passes,
        on_backbone=on_backbone,
        cost=NOT_KNOWN if passes is None else cost,
        options=tuple(options),
        needs=needs,
        here=all(need.here for need in needs if not need.wanted_for),
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


def _card_need(need: Need) -> str:
    wanted = f" for {need.wanted_for}" if need.wanted_for else ""
    return f"{need.what}{wanted} ({need.source}): {'here' if need.here else 'not here'}"


def _training(cls: type[Detector]) -> list[str]:
    """Describes the released files of a trained detector; one that is trained by the user alone has none."""
    if "checkpoint" not in inspect.signature(cls).parameters:
        return ["none, the method is training-free"]
    lines = []
    for file in getattr(cls, "released", ()):
        size = f", {file.size:,} bytes" if file.size else ""
        checked = f", sha256 {file.sha256}" if file.sha256 else ""
        licence = f", licence {file.licence}" if file.licence else ""
        lines.append(
            f"{file.name}: {', '.join(file.trained_on) or 'not known'} ({file.source}{size}{checked}{licence})"
        )
    return lines or [getattr(cls, "unreleased", "") or "that of the checkpoint: no released file is known"]


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    """Writes one text beside its title, several below it."""
    return [f"{title}: {texts[0]}"] if len(texts) == 1 else [f"{title}:", *(f"  - {text}" for text in texts)]
