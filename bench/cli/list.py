"""``python -m bench list``: lists the detectors or the backbones."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_shared_options
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``list``."""
    parser = OneLineParser(
        description="Lists the detectors or the backbones, what they need, and whether it is here.",
        examples=("list detectors", "list backbones"),
    )
    parser.add_argument("kind", choices=["detectors", "backbones"], help="what to list")
    parser.add_argument("--long", action="store_true", help="also every option of every detector")
    add_options(parser, RunOptions, ["backbone"])
    add_shared_options(parser, "plugin")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``list``."""
    from rich.console import Console

    from bench.report.detectors import listed_detectors, print_backbones, print_detectors

    if arguments.kind == "backbones":
        print_backbones(Console())
    else:
        print_detectors(listed_detectors(arguments.backbone), Console(), long=arguments.long)
    return 0
