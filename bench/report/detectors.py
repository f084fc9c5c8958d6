"""The ``list`` command: which detectors and backbones there are, what they need, and whether that is here.

All but the needs comes from the detectors' own signatures and docstrings.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rich.console import Console

from bench.report.docstrings import argument_meanings, docstring_sections
from bench.report.table import Table, print_line, print_tables
from bench.scoring.forecast import smallest_backbone
from detectors import Detector, create_detector, find_detector, list_backbones, list_detectors
from detectors.needs import Need, backbone_need, needs_of

NO_WEAKNESS = "none is recorded in the sources that were read, which does not mean that there is none."
DEFAULT_BACKBONE = "efficientnet-lite0"
DETECTORS = ("detector", "idea", "paper", "needs", "here", "passes")
NEEDS = ("detector", "needs", "for", "from", "here")
BACKBONES = ("backbone", "model", "paper", "options", "weights", "needs", "here")


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
class ListedDetector:
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


def listed_detectors(backbone: str = DEFAULT_BACKBONE) -> tuple[ListedDetector, ...]:
    """Describes every registered detector.

    Args:
        backbone: The vision model that the detectors would use; it is not built.

    Raises:
        UnknownNameError: There is no such backbone.
    """
    need = backbone_need(backbone)
    return tuple(_describe(cls, need) for cls in list_detectors().values())


def print_detectors(detectors: Sequence[ListedDetector], console: Console, long: bool = False) -> None:
    """Prints the table of detectors and that of their needs.

    Args:
        detectors: From :func:`listed_detectors`.
        console: Where to.
        long: Whether to print each detector's card, too.
    """
    rows = [[d.name, d.title, d.paper, _default_needs(d), _yes(d.here), d.cost] for d in detectors]
    needs = [
        [detector.name, need.what, need.wanted_for or "the defaults", need.source, _yes(need.here)]
        for detector in detectors
        for need in detector.needs
    ]
    tables = [
        Table("Detectors, with passes per image", DETECTORS, rows, names=5),
        Table("What they need", NEEDS, needs, names=4),
    ]
    print_tables(tables, console)
    for detector in detectors if long else ():
        for line in ["", *card_lines(detector)]:
            print_line(line, console)
    if not long:
        print_line("Training data, known weaknesses and every option with its meaning: --long.", console)


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
    print_tables([Table("Backbones", BACKBONES, rows, names=len(BACKBONES))], console)
    print_line("What is not here is fetched when it is asked for, or given with --weights FILE.", console)


def card_lines(detector: ListedDetector) -> list[str]:
    """Writes a detector's card.

    Args:
        detector: As the list describes it.

    Returns:
        Lines without markup.
    """
    cls = find_detector(detector.name)
    lines = [f"{detector.name}: {detector.title}", f"Paper: {detector.paper}"]
    lines += _listed("Needs", _card_needs(detector))
    lines += _listed("Training data", _training(cls))
    lines += [f"Settings chosen on: {cls.tuned_on}."] if cls.tuned_on else []
    lines += [f"Cost per image, in passes: {detector.cost}"]
    lines += _listed("Known weaknesses", cls.weaknesses or (NO_WEAKNESS,))
    rest = detector.text.partition("\n")[2].strip()
    lines += ["", *rest.splitlines()] if rest else []
    lines += [f"\n{name}: {text}" for name, text in detector.sections.items()]
    lines += ["\nOptions:", *(f"  {each.name}={each.default}: {each.meaning}" for each in detector.options)]
    return "\n".join(lines).replace("``", "").splitlines()


def _describe(cls: type[Detector], backbone: Need) -> ListedDetector:
    text, sections = docstring_sections(inspect.getdoc(cls) or "")
    parameters = inspect.signature(cls).parameters
    meanings, hints = argument_meanings(sections.pop("Args", "")), get_type_hints(cls.__init__)
    options = [
        Option(name, _written(each.default), _with_choices(meanings.get(name, ""), hints[name]))
        for name, each in parameters.items()
        if each.kind is each.KEYWORD_ONLY and name != "seed"
    ]
    trained = "checkpoint" in parameters
    return ListedDetector(
        name=cls.name,
        paper=cls.paper,
        text=text,
        sections=MappingProxyType({name: " ".join(body.split()) for name, body in sections.items()}),
        passes=getattr(cls, "own_passes", 0) if trained else create_detector(cls.name, smallest_backbone()).passes,
        on_backbone="backbone" in parameters,
        trained=trained,
        options=tuple(options),
        needs=tuple(needs_of(cls, backbone)),
    )


def _default_needs(detector: ListedDetector) -> str:
    return ", ".join(need.what for need in detector.needs if not need.wanted_for)


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


def _card_needs(detector: ListedDetector) -> Iterator[str]:
    for need in detector.needs:
        wanted = f" for {need.wanted_for}" if need.wanted_for else ""
        yield f"{need.what}{wanted} ({need.source}): {'here' if need.here else 'not here'}"
    if not detector.needs:
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
