"""``python -m bench explain``: says where a number comes from."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_output_option
from bench.cli.printing import announce


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Says where a number of the leaderboard comes from, from the score store alone.",
        examples=("explain demo rigid mean", "explain demo rigid upsampler --condition jpeg:75 --output results"),
    )
    parser.add_argument("dataset", metavar="DATASET", help="the data set, as the leaderboard names it")
    parser.add_argument(
        "detector",
        metavar="DETECTOR",
        help="the detector, as the leaderboard names it, or the start of its fingerprint",
    )
    parser.add_argument("generator", metavar="GENERATOR", help="the generator, or mean")
    parser.add_argument("--condition", metavar="NAME", help="the degradation of the images; none by default")
    parser.add_argument("--protocol", metavar="NAME", help="which protocol, where the store has several")
    add_output_option(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``explain`` and prints what it found."""
    announce(f"Reading {arguments.output}")
    from rich.console import Console

    from bench.report.explanation import print_explanation
    from bench.results.explain import explain
    from bench.store.schema import CLEAN

    explanation = explain(
        Path(arguments.output),
        arguments.dataset,
        arguments.detector,
        arguments.generator,
        condition=arguments.condition or CLEAN,
        protocol=arguments.protocol,
    )
    print_explanation(explanation, Console())
    return 0
