"""``python -m bench fit``: trains a simple detector and tests it on groups and generators that it has not seen."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_run_options, add_shared_options, run_options, values_of
from bench.cli.printing import announce
from bench.cli.shared import EVERY
from bench.cli.unread import UNREAD
from bench.training.options import FitOptions

GROUPS = {
    "training": ("detector", "save", "train_share", "also_seen", "seed"),
    "linear detectors": ("c", "classifier"),
    "fine-tuning": ("epochs", "lr", "augment", "init"),
}
WITHOUT = ("seeds", "crop_seeds", "devices", "num_nodes", "strategy", "groups", "allow_one_class")
"""It trains on both classes, on one device, and tests the one file that comes of it; it prints no note on groups."""
FIELDS = tuple(name for name in EVERY if name not in WITHOUT)
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``fit``."""
    parser = OneLineParser(
        description="Trains a detector on a share of the groups of some --generators, saves it as one file with the "
        "record of its training, and tests it on the other groups of every generator.",
        examples=(
            "fit --detector linear-probe --save probe.safetensors --dataset folder --data-root images",
            "fit --detector npr --save npr.safetensors --generators sd14 --epochs 50 --dataset genimage "
            "--data-root GenImage",
        ),
        partial=UNREAD,
    )
    add_options(parser, FitOptions, groups=GROUPS)
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser, FIELDS)
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
