"""``python -m bench fit``: trains a simple detector and tests it on groups and generators that it has not seen."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_run_options, add_shared_options, run_options, values_of
from bench.cli.printing import announce
from bench.training.options import FitOptions

GROUPS = {"detector": "training", "c": "linear detectors", "epochs": "fine-tuning"}


def make_parser() -> ArgumentParser:
    """Makes the parser of ``fit``."""
    parser = OneLineParser(
        description="Trains a detector on a share of the groups of some --generators, saves it as one file with the "
        "record of its training, and tests it on the other groups of every generator."
    )
    add_options(parser, FitOptions, groups=GROUPS)
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``fit`` and prints its table."""
    fit, options = FitOptions(**values_of(FitOptions, arguments)), run_options(arguments)
    announce(f"Loading {options.dataset} to train {fit.detector}")
    from rich.console import Console

    from bench.report.table import print_files
    from bench.training.fit import fit_detector
    from bench.training.report import print_held_out, write_held_out

    console = Console()
    result = fit_detector(fit, options, progress=console.is_terminal)
    if result is None:
        return 0  # another device of the run prints
    title = f"{fit.detector} ({fit.save.name}) on held-out groups of {result.record.facts['dataset']}"
    files = write_held_out(result, title, options.output, arguments.raw_names)
    print_held_out(result, title, console)
    print_files([fit.save, *files], console, f"Scored now: {result.scored}. ")
    return 0
