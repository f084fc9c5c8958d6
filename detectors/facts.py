"""What is known of each detector of this package without importing it, and so without torch.

``facts.json`` is written from the classes by ``make tables``, and a test holds it to them.
"""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from detectors.hub import is_cached, torch_hub_file
from detectors.registry import DETECTORS, find_detector

if TYPE_CHECKING:
    from detectors.base import Detector

FILE = "facts.json"
MODULE, HUB, TORCH, NOWHERE = "module", "hub", "torch", "nowhere"


@dataclass(frozen=True)
class Need:
    """Something that a detector cannot do without.

    Args:
        what: The thing.
        wanted_for: The option that wants it; empty for the defaults.
        source: Where to get it.
        places: Where it is when it is here, all of them: ``(MODULE, name)``, ``(HUB, repository, file, ...)`` with one
            of the files in the Hugging Face hub's cache, ``(TORCH, file)`` in torch's, or ``(NOWHERE,)``, where only
            the caller can say.
    """

    what: str
    wanted_for: str
    source: str
    places: tuple[tuple[str, ...], ...] = ()

    @property
    def here(self) -> bool:
        """Whether it is here, as far as can be told without network."""
        return all(_holds(*place) for place in self.places)


@dataclass(frozen=True)
class Option:
    """An option of a detector, with its default as it is written behind the detector's name."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class DetectorFacts:
    """A detector as tables and its card describe it.

    Args:
        title: The first line of its docstring, without the full stop.
        text: What follows before the docstring's sections.
        sections: The docstring's sections by their names; the options are taken out.
        passes: Of its own for an image with the default options; of the backbone beside the shared clean one, where
            it has one; None where they are not known.
        cost: The passes in words.
        backbone: The one that it takes; empty for that of the run, None without one.
        options: In the order of the constructor.
        needs: For the defaults, then for other options; without the backbone.
        training: The training data, a line for each released file.
        unscaled: As the class states it, and so are the other three.
    """

    name: str
    paper: str
    title: str
    text: str
    sections: Mapping[str, str]
    passes: int | None
    cost: str
    backbone: str | None
    options: tuple[Option, ...]
    needs: tuple[Need, ...]
    training: tuple[str, ...]
    unscaled: bool
    tuned_on: str | None
    weaknesses: tuple[str, ...]
    shared_draw: bool

    @property
    def here(self) -> bool:
        """Whether it runs here with the default options."""
        return all(need.here for need in self.needs if not need.wanted_for)


@cache
def recorded_facts() -> Mapping[str, DetectorFacts]:
    """Reads the facts of this package's detectors, by name."""
    records = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return {record["name"]: _facts(record) for record in records}


def find_facts(name: str) -> "DetectorFacts | type[Detector]":
    """Returns what states a detector's paper, images and draw: the class itself where it is not of this package.

    Raises:
        UnknownNameError: There is no such detector.
    """
    return recorded_facts()[name] if name in DETECTORS else find_detector(name)


def _facts(record: dict[str, Any]) -> DetectorFacts:
    needs = [
        Need(need["what"], need["wanted_for"], need["source"], tuple(map(tuple, need["places"])))
        for need in record["needs"]
    ]
    options = [Option(**option) for option in record["options"]]
    kept = {name: tuple(record[name]) for name in ("training", "weaknesses")}
    return DetectorFacts(**record | kept | {"needs": tuple(needs), "options": tuple(options)})


def _holds(kind: str, name: str = "", *names: str) -> bool:
    if kind == MODULE:
        return importlib.util.find_spec(name) is not None
    if kind == HUB:
        return is_cached(name, names)
    return kind == TORCH and torch_hub_file(name).is_file()
