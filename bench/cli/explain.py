"""``python -m bench explain``: says where a number comes from."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser
from bench.scoring.options import RunOptions
from bench.store.schema import CLEAN


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(description="Says where a number of the leaderboard comes from, from the score store alone.")
    parser.add_argument("dataset", help="the data set, as the leaderboard names it")
    parser.add_argument("detector", help="the detector, as the leaderboard names it, or the start of its fingerprint")
    parser.add_argument("generator", help="the generator, or mean")
    parser.add_argument("--condition", default=CLEAN, metavar="TEXT", help="the degradation of the images")
    parser.add_argument("--protocol", metavar="TEXT", help="which protocol, where the store has several")
    parser.add_argument("--output", default=str(RunOptions.output), metavar="DIR", help="folder of the score store")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``explain`` and prints what it found."""
    from rich.console import Console

    from bench.report.explanation import print_explanation
    from bench.results.explain import explain

    explanation = explain(
        Path(arguments.output),
        arguments.dataset,
        arguments.detector,
        arguments.generator,
        condition=arguments.condition,
        protocol=arguments.protocol,
    )
    print_explanation(explanation, Console())
    return 0
