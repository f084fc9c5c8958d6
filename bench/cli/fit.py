"""``python -m bench fit``: trains a simple detector and tests it on groups and generators that it has not seen."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_plugin_option, add_run_options, non_negative, positive, run_options


def make_parser() -> ArgumentParser:
    """Makes the parser of ``fit``."""
    parser = OneLineParser(
        description="Trains a detector on a share of the groups of some --generators, saves it as one file with the "
        "record of its training, and tests it on the other groups of every generator."
    )
    what = parser.add_argument_group("training")
    what.add_argument("--detector", required=True, metavar="NAME", help="linear-probe, resnet50, npr or timm:<model>")
    what.add_argument("--save", required=True, metavar="FILE", help="the file to write, .safetensors")
    what.add_argument(
        "--train-share", type=float, default=0.5, help="share of the groups to train on, by a hash of their names"
    )
    what.add_argument(
        "--also-seen", nargs="+", default=[], metavar="NAME", help="further generators that are to count as seen"
    )
    what.add_argument("--seed", type=non_negative, default=0, metavar="N", help="seed of all that training draws")
    probe = parser.add_argument_group("linear-probe")
    probe.add_argument("--c", type=float, default=1.0, help="inverse strength of the L2 penalty, scikit-learn's C")
    tuning = parser.add_argument_group("fine-tuning")
    tuning.add_argument("--epochs", type=positive, default=10, metavar="N", help="passes over the training images")
    tuning.add_argument("--lr", type=float, help="learning rate of Adam (default: 1e-4, npr 2e-4, as published)")
    tuning.add_argument(
        "--augment", default="none", help="none, or blur-jpeg, each with probability 0.5, beside crops and flips"
    )
    tuning.add_argument(
        "--init", default="pretrained", help="weights to start from: pretrained, random or a file; npr has random only"
    )
    add_plugin_option(parser)
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``fit`` and prints its table."""
    from rich.console import Console

    from bench.training.fit import fit_detector
    from bench.training.options import FitOptions
    from bench.training.report import print_held_out, write_held_out

    names = ("detector", "train_share", "c", "epochs", "lr", "augment", "init", "seed")
    fit = FitOptions(
        save=Path(arguments.save),
        also_seen=tuple(arguments.also_seen),
        **{name: arguments[name] for name in names},
    )
    options, console = run_options(arguments), Console()
    result = fit_detector(fit, options, progress=console.is_terminal)
    if result is None:
        return 0  # another device of the run prints
    title = f"{fit.detector} ({fit.save.name}) on held-out groups of {result.record.facts['dataset']}"
    print_held_out(result, title, console)
    files = write_held_out(result, title, options.output)
    print(f"Saved: {fit.save}. Scored now: {result.scored}. Written: {', '.join(map(str, files))}.")
    return 0
