"""The ``list`` command: which detectors and backbones there are, what they need, and whether that is here.

All but the needs comes from the detectors' own signatures and docstrings.
"""

import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
import torchvision  # type: ignore[import-untyped]
from rich.console import Console
from timm.models import get_pretrained_cfg
from torch import nn

from bench.tables import make_table, print_tables
from bench.terminal import text_of
from detectors import Backbone, Detector, UnknownNameError, create_detector, list_backbones, list_detectors
from detectors.autoencoders import PUBLISHED, WEIGHTS
from detectors.backbones import BackboneInfo
from detectors.distances import NETS
from detectors.weights import is_cached

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
class Need:
    """Something that a detector cannot do without.

    Args:
        what: The thing.
        wanted_for: The option that wants it; empty for the defaults.
        source: Where to get it.
        here: Whether it is here, as far as can be told without network.
    """

    what: str
    wanted_for: str
    source: str
    here: bool


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
        options: In the order of the constructor.
        needs: For the defaults, then for other options.
    """

    name: str
    paper: str
    text: str
    sections: Mapping[str, str]
    passes: int
    on_backbone: bool
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
        return f"1 shared + {self.passes}" if self.on_backbone else f"{self.passes} reconstructions"


def list_methods(backbone: str = "efficientnet-lite0") -> tuple[Method, ...]:
    """Describes every registered detector.

    Args:
        backbone: The vision model that the detectors would use; it is not built.

    Raises:
        UnknownNameError: There is no such backbone.
    """
    needs = _backbone_need(backbone)
    return tuple(_describe(cls, needs) for cls in list_detectors().values())


def print_methods(methods: tuple[Method, ...], console: Console, long: bool = False) -> None:
    """Prints the table of detectors and that of their needs.

    Args:
        methods: From :func:`list_methods`.
        console: Where to.
        long: Whether to print every option and the docstrings, too.
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
        lines = [f"\n{one.name} ({one.paper})", one.text]
        lines += [f"\n{name}: {text}" for name, text in one.sections.items()]
        lines += ["\nOptions:", *(f"  {each.name}={each.default}: {each.meaning}" for each in one.options)]
        for line in "\n".join(lines).replace("``", "").splitlines():
            console.print(text_of(line), soft_wrap=True, highlight=False)
    if not long:
        console.print("Every option with its meaning: --long.")


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
    needs = [need for name in parameters if name in _NEEDS for need in _NEEDS[name](backbone)]
    return Method(
        name=cls.name,
        paper=cls.paper,
        text=text,
        sections=MappingProxyType({name: " ".join(body.split()) for name, body in sections.items()}),
        passes=create_detector(cls.name, _stand_in()).passes,
        on_backbone="backbone" in parameters,
        options=tuple(options),
        needs=tuple(needs),
    )


def _stand_in() -> Backbone:
    """Makes the smallest network that every detector can be built on: what a method costs does not depend on it."""
    convolution = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        convolution.weight.fill_(1)
        assert convolution.bias is not None
        convolution.bias.fill_(1)
    return Backbone("stand-in", nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten()), ["0"])


def _backbone_need(name: str) -> Need:
    base, _, rest = name.partition(":")
    known = list_backbones()
    if base == "timm" and rest:
        config = get_pretrained_cfg(rest)
        info = replace(known["timm:<model>"], repository=getattr(config, "hf_hub_id", None) or "none <published>")
    elif base in known:
        info = known[base]
    else:
        raise UnknownNameError("backbone", base, known)
    return Need(f"backbone {name}", "", _backbone_source(info), info.here)


def _backbone_source(info: BackboneInfo) -> str:
    return info.source if info.package is None else f"{info.source}; module {info.package}"


def _autoencoder_needs() -> Iterator[Need]:
    home = importlib.util.find_spec("datamodules") is not None
    yield Need("autoencoders of the demo", "", "installed with the package", home)
    extra = importlib.util.find_spec("diffusers") is not None
    yield Need("diffusers", "any other autoencoder", "pip install 'aigi-bench[aeroblade]'", extra)
    for name, address in PUBLISHED.items():
        owner, repository, folder = address.split("/")
        here = is_cached(f"{owner}/{repository}", [f"{folder}/{WEIGHTS}"])
        yield Need(f"autoencoder {name}", f"autoencoder={name}", f"hub: {address}", here)


def _distance_needs() -> Iterator[Need]:
    for net, (model, _) in NETS.items():
        url = torchvision.models.get_model_weights(model).IMAGENET1K_V1.url
        here = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2]).is_file()
        wanted_for = f"distance=lpips-{net}" + (", dists" if net == "vgg" else "")
        yield Need(f"weights of {model}", wanted_for, f"{url}, or distance_weights=FILE", here)


# By the parameter that brings the need, so that a new detector with such a parameter has it, too.
_NEEDS: Mapping[str, Callable[[Need], Iterator[Need]]] = {
    "backbone": lambda backbone: iter((backbone,)),
    "autoencoder": lambda backbone: _autoencoder_needs(),
    "distance_weights": lambda backbone: _distance_needs(),
}


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
