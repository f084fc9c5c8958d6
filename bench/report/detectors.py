"""The ``list`` command: which detectors and backbones there are, what they need, and whether that is here.

All but the needs comes from the detectors' own signatures and docstrings.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from rich.console import Console
from torch import nn

from bench.report.detector_card import card_lines
from bench.report.tables import make_table, print_tables
from bench.report.terminal import text_of
from detectors import Backbone, Detector, create_detector, list_backbones, list_detectors
from detectors.needs import Need, backbone_need, needs_of

DEFAULT_BACKBONE = "efficientnet-lite0"
METHOD_HEADER = ("detector", "idea", "paper", "needs", "here", "passes")
NEED_HEADER = ("detector", "needs", "for", "from", "here")
BACKBONE_HEADER = ("backbone", "model", "paper", "options", "weights", "needs", "here")


@dataclass(frozen=True)
class Option:
    """An option of a detector.

    Args:
        name: As it is written behind the detector's name.
        default: As it would be written there.
        meaning: From the docstring, with the choices where it does not name them.
    """

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Method:
    """A detector as a table describes it.

    Args:
        name: Its name.
        paper: Where it was published.
        text: Its docstring without the sections; the first line is its title.
        sections: The docstring's other sections by their names.
        passes: Of its own for an image with the default options; of the backbone beside the shared clean one, where
            it has one.
        on_backbone: Whether it asks a backbone.
        trained: Whether it needs trained weights.
        options: In the order of the constructor.
        needs: For the defaults, then for other options.
    """

    name: str
    paper: str
    text: str
    sections: Mapping[str, str]
    passes: int
    on_backbone: bool
    trained: bool
    options: tuple[Option, ...]
    needs: tuple[Need, ...]

    @property
    def title(self) -> str:
        """The first line of the docstring, without its full stop."""
        return self.text.partition("\n")[0].removesuffix(".")

    @property
    def here(self) -> bool:
        """Whether it runs here with the default options."""
        return all(need.here for need in self.needs if not need.wanted_for)

    @property
    def cost(self) -> str:
        """The passes in words."""
        if self.on_backbone:
            return f"1 shared + {self.passes}"
        return f"{self.passes} of its own network" if self.trained else f"{self.passes} reconstructions"


def list_methods(backbone: str = DEFAULT_BACKBONE) -> tuple[Method, ...]:
    """Describes every registered detector.

    Args:
        backbone: The vision model that the detectors would use; it is not built.

    Raises:
        UnknownNameError: There is no such backbone.
    """
    need = backbone_need(backbone)
    return tuple(_describe(cls, need) for cls in list_detectors().values())


def print_methods(methods: tuple[Method, ...], console: Console, long: bool = False) -> None:
    """Prints the table of detectors and that of their needs.

    Args:
        methods: From :func:`list_methods`.
        console: Where to.
        long: Whether to print each detector's card, too.
    """
    rows = [
        [one.name, one.title, one.paper, _default_needs(one), _yes(one.here), one.cost]  # as METHOD_HEADER
        for one in methods
    ]
    needs = [
        [one.name, need.what, need.wanted_for or "the defaults", need.source, _yes(need.here)]
        for one in methods
        for need in one.needs
    ]
    tables = [
        make_table("Detectors, with passes per image", METHOD_HEADER, rows, 5),
        make_table("What they need", NEED_HEADER, needs, 4),
    ]
    print_tables(tables, console)
    for one in methods if long else ():
        for line in ["", *card_lines(one)]:
            console.print(text_of(line), soft_wrap=True, highlight=False)
    if not long:
        console.print("Training data, known weaknesses and every option with its meaning: --long.")


def print_backbones(console: Console) -> None:
    """Prints the table of backbones."""
    rows = [
        [
            name,
            info.description,
            info.paper,
            "; ".join(f"{option}={'|'.join(choices)}" for option, choices in info.options.items()),
            info.source,
            info.package or "",
            "depends on the model" if "<" in name else _yes(info.here),
        ]
        for name, info in list_backbones().items()
    ]
    print_tables([make_table("Backbones", BACKBONE_HEADER, rows, len(BACKBONE_HEADER))], console)
    console.print("What is not here is fetched when it is asked for, or given with --weights FILE.")


def docstring_sections(text: str) -> tuple[str, dict[str, str]]:
    r"""Takes a Google docstring apart.

    Args:
        text: The docstring, cleaned of its indentation.

    Returns:
        What stands before the first section, and the sections' texts, cleaned of theirs.

    Examples:
        >>> docstring_sections("Title.\n\nArgs:\n    a: One.\n\nReturns:\n    Two.")
        ('Title.', {'Args': 'a: One.', 'Returns': 'Two.'})
    """
    head, *rest = re.split(r"^(\w+):\n(?= )", text, flags=re.MULTILINE)
    names, bodies = rest[::2], rest[1::2]
    return head.strip(), {name: inspect.cleandoc("\n" + body) for name, body in zip(names, bodies, strict=True)}


def argument_meanings(section: str) -> dict[str, str]:
    r"""Reads an ``Args`` section: a line for each name, its continuations indented.

    Examples:
        >>> argument_meanings("a: One\n    more.\nb: Two.")
        {'a': 'One more.', 'b': 'Two.'}
    """
    entries = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
    pairs = (entry.partition(":") for entry in entries if entry)
    return {name: " ".join(meaning.split()) for name, _, meaning in pairs}


def _describe(cls: type[Detector], backbone: Need) -> Method:
    text, sections = docstring_sections(inspect.getdoc(cls) or "")
    parameters = inspect.signature(cls).parameters
    meanings, hints = argument_meanings(sections.pop("Args", "")), get_type_hints(cls.__init__)
    options = [
        Option(name, _written(each.default), _with_choices(meanings.get(name, ""), hints[name]))
        for name, each in parameters.items()
        if each.kind is each.KEYWORD_ONLY and name != "seed"
    ]
    trained = "checkpoint" in parameters
    return Method(
        name=cls.name,
        paper=cls.paper,
        text=text,
        sections=MappingProxyType({name: " ".join(body.split()) for name, body in sections.items()}),
        passes=getattr(cls, "own_passes", 0) if trained else create_detector(cls.name, _stand_in()).passes,
        on_backbone="backbone" in parameters,
        trained=trained,
        options=tuple(options),
        needs=tuple(needs_of(cls, backbone)),
    )


def _stand_in() -> Backbone:
    """Makes the smallest network that every detector can be built on: what a method costs does not depend on it."""
    convolution = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        convolution.weight.fill_(1)
        assert convolution.bias is not None
        convolution.bias.fill_(1)
    return Backbone("stand-in", nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten()), ["0"])


def _default_needs(method: Method) -> str:
    return ", ".join(need.what for need in method.needs if not need.wanted_for)


def _with_choices(meaning: str, hint: Any) -> str:  # noqa: ANN401 - any annotation a detector may have
    """Names the choices of an option after its meaning, unless that does."""
    literals = [each for each in (hint, *get_args(hint)) if get_origin(each) is Literal]
    choices = [str(choice) for literal in literals for choice in get_args(literal)]
    if all(f"``{choice}``" in meaning for choice in choices):
        return meaning
    return f"{meaning} One of {', '.join(f'``{choice}``' for choice in choices)}."


def _written(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _yes(here: bool) -> str:
    return "yes" if here else "no"
