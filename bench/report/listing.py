"""What ``list`` prints: tables that fit a terminal, and the card of each detector or backbone that is asked for."""

import re
from collections.abc import Iterator, Sequence

from rich.console import Console

from bench.report.detectors import card_lines
from bench.report.table import Table, print_line, print_tables
from bench.store.facts import NOT_KNOWN
from detectors.backbones.catalogue import BackboneInfo
from detectors.facts import DetectorFacts

READY = "missing"
DETECTORS = ("detector", "idea", "passes", READY)
BACKBONES = ("backbone", "model", READY)
PASSES = (
    "Passes: forward passes an image with the default options; 1 + n is the one of the image as it is, which all "
    "detectors of a run share, and n more."
)
MORE = "Options with their meaning, weights, licences and training data: list {kind} NAME, or --long."
FETCHED = "Weights of the hub are fetched when they are asked for, or given with --weights FILE."
OF_MANY = "depends on the model"


def print_detectors(detectors: Sequence[DetectorFacts], console: Console, long: bool = False) -> None:
    """Prints the table of detectors, those first that are ready and, with ``long``, each detector's card."""
    ready_first = sorted(detectors, key=lambda detector: not detector.here)
    rows = [[one.name, one.title, _passes(one), _state(missing_words(one))] for one in ready_first]
    ready = sum(detector.here for detector in detectors)
    title = f"Detectors: {ready} of {len(detectors)} are ready"
    print_tables([Table(title, DETECTORS, rows, numbers=())], console)
    print_line("", console)
    print_line(PASSES, console)
    if long:
        print_cards(detectors, console)
    else:
        print_line(MORE.format(kind="detectors"), console)


def print_cards(detectors: Sequence[DetectorFacts], console: Console) -> None:
    """Prints detectors' cards."""
    for number, detector in enumerate(detectors):
        _print_indented([*([""] if number else []), *card_lines(detector)], console)


def print_backbones(backbones: dict[str, BackboneInfo], console: Console, long: bool = False) -> None:
    """Prints the table of backbones and, with ``long``, each one's card."""
    rows = [[name, info.description, _state(_missing(name, info))] for name, info in backbones.items()]
    print_tables([Table("Backbones", BACKBONES, rows, numbers=())], console)
    print_line("", console)
    print_line(FETCHED, console)
    if long:
        print_backbone_cards(backbones, console)
    else:
        print_line("Papers, options and where weights come from: list backbones NAME, or --long.", console)


def print_backbone_cards(backbones: dict[str, BackboneInfo], console: Console) -> None:
    """Prints backbones' cards."""
    for number, (name, info) in enumerate(backbones.items()):
        lines = [f"{name}: {info.description}", f"Paper: {info.paper}", f"Weights: {info.source}"]
        lines += [f"Needs: module {info.package}"] if info.package else []
        lines += [f"Option: {option}={'|'.join(choices)}" for option, choices in info.options.items()]
        missing = _missing(name, info)
        lines += [f"Missing: {_state(missing)}" if missing else "Ready."]
        _print_indented([*([""] if number else []), *lines], console)


def missing_words(detector: DetectorFacts) -> list[str]:
    """Names what a detector lacks with its default options; nothing where it is ready."""
    return [_short(need.what) for need in detector.needs if not need.wanted_for and not need.here]


def _missing(name: str, info: BackboneInfo) -> list[str]:
    if info.here:
        return []
    lacks = [f"module {info.package}"] if info.lacks_package else []
    return [OF_MANY] if "<" in name else lacks or ["weights of the hub"]


def _state(missing: Sequence[str]) -> str:
    return ", ".join(missing) or "ready"


def _passes(detector: DetectorFacts) -> str:
    shared = "1 + " if detector.cost.startswith("1 shared") else ""
    return NOT_KNOWN if detector.passes is None else f"{shared}{detector.passes:,}"


def _short(what: str) -> str:
    """Leaves out what only a card has room for."""
    return re.sub(r"^an? | \(.*| of your own training| as \w+ saves it", "", what)


def _print_indented(lines: Sequence[str], console: Console) -> None:
    for mark, words in _marked(lines):
        print_line(words, console, mark=mark)


def _marked(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        words = line.lstrip()
        mark = line[: len(line) - len(words)]
        yield (f"{mark}- ", words[2:]) if words.startswith("- ") else (mark, words)
