"""``python -m bench list``: lists the detectors or the backbones."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_shared_options
from bench.scoring.options import RunOptions
from detectors.errors import UnknownNameError
from detectors.registry import BACKBONES, detector_names


def make_parser() -> ArgumentParser:
    """Makes the parser of ``list``."""
    parser = OneLineParser(
        description="Lists the detectors or the backbones, what they need, and whether it is here.",
        examples=("list detectors", "list detectors wepe"),
    )
    parser.add_argument("kind", choices=["detectors", "backbones"], help="what to list")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only these, with all that is known of them: options, weights, papers"
    )
    parser.add_argument("--long", action="store_true", help="the table, and all that is known of each")
    add_options(parser, RunOptions, ["backbone"])
    add_shared_options(parser, "plugin")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``list``.

    Raises:
        UnknownNameError: There is none of a name.
    """
    known = detector_names() if arguments.kind == "detectors" else BACKBONES
    for name in arguments.names:
        if name not in known:
            raise UnknownNameError(arguments.kind.removesuffix("s"), name, known)
    from rich.console import Console

    from bench.report.detectors import listed_detectors
    from bench.report.listing import print_backbone_cards, print_backbones, print_cards, print_detectors
    from detectors import list_backbones

    console = Console()
    if arguments.kind == "detectors":
        detectors = listed_detectors(arguments.backbone, arguments.names)
        print_cards(detectors, console) if arguments.names else print_detectors(detectors, console, arguments.long)
        return 0
    backbones = list_backbones()
    if arguments.names:
        print_backbone_cards({name: backbones[name] for name in arguments.names}, console)
    else:
        print_backbones(backbones, console, arguments.long)
    return 0
