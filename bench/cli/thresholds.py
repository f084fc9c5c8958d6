"""``python -m bench thresholds``: measures accuracies under named threshold rules, from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Accuracies under named threshold rules, and how thresholds carry over to other data and "
        "conditions, from the score store alone."
    )
    parser.add_argument(
        "--rules",
        nargs="+",
        default=["fpr:5", "best"],
        metavar="RULE",
        help="fpr:P, at most P %% of held-out real images above; best, the oracle's; fixed:T, for probabilities",
    )
    parser.add_argument(
        "--detectors", nargs="+", metavar="NAME", help="detectors to take, by their labels (default: all)"
    )
    parser.add_argument(
        "--probabilities", nargs="+", metavar="NAME", help="detectors whose scores are probabilities; adds calibration"
    )
    parser.add_argument("--output", default=str(RunOptions.output), metavar="DIR", help="folder of the score store")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``thresholds``, prints its tables and says what was written."""
    from rich.console import Console

    from bench.report.thresholds import print_thresholds, write_thresholds
    from bench.results.thresholds.study import study_thresholds
    from bench.store.dataset import read_store

    output = Path(arguments.output)
    panels = {f"{dataset.title} ({dataset.protocol})": dataset.panel for dataset in read_store(output)}
    study = study_thresholds(panels, arguments.rules, arguments.detectors, arguments.probabilities or ())
    print_thresholds(study, Console())
    print(f"Written: {', '.join(map(str, write_thresholds(study, output)))}.")
    return 0
