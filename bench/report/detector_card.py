"""A detector's card: paper, needs, training data, cost, known weaknesses, and every option."""

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

from detectors import Detector, list_detectors

if TYPE_CHECKING:
    from bench.report.detectors import Method

NONE_FOUND = "none is recorded in the sources that were read, which does not mean that there is none."


def card_lines(method: "Method") -> list[str]:
    """Writes a detector's card.

    Args:
        method: The detector as the list describes it.

    Returns:
        Lines without markup.
    """
    cls = list_detectors()[method.name]
    lines = [f"{method.name}: {method.title}", f"Paper: {method.paper}"]
    lines += _listed("Needs", _needs(method))
    lines += _listed("Training data", _training(cls))
    lines += [f"Settings chosen on: {cls.tuned_on}."] if cls.tuned_on else []
    lines += [f"Cost per image, in passes: {method.cost}"]
    lines += _listed("Known weaknesses", cls.weaknesses or (NONE_FOUND,))
    rest = method.text.partition("\n")[2].strip()
    lines += ["", *rest.splitlines()] if rest else []
    lines += [f"\n{name}: {text}" for name, text in method.sections.items()]
    lines += ["\nOptions:", *(f"  {each.name}={each.default}: {each.meaning}" for each in method.options)]
    return "\n".join(lines).replace("``", "").splitlines()


def _needs(method: "Method") -> Iterator[str]:
    for need in method.needs:
        wanted = f" for {need.wanted_for}" if need.wanted_for else ""
        yield f"{need.what}{wanted} ({need.source}): {'here' if need.here else 'not here'}"
    if not method.needs:
        yield "nothing beside the package"


def _training(cls: type[Detector]) -> Iterator[str]:
    """Describes the released files of a trained detector; one that is trained by the user alone has none."""
    if "checkpoint" not in inspect.signature(cls).parameters:
        yield "none, the method is training-free"
        return
    for file in getattr(cls, "released", ()):
        size = f", {file.size:,} bytes" if file.size else ""
        checked = f", sha256 {file.sha256}" if file.sha256 else ""
        yield f"{file.name}: {', '.join(file.trained_on) or 'not known'} ({file.source}{size}{checked})"
    if not getattr(cls, "released", ()):
        yield "that of the checkpoint: no released file is known"


def _listed(title: str, texts: Iterator[str] | tuple[str, ...]) -> list[str]:
    """Writes one text beside its title, several below it."""
    each = list(texts)
    return [f"{title}: {each[0]}"] if len(each) == 1 else [f"{title}:", *(f"  - {text}" for text in each)]
