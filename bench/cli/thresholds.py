"""``python -m bench thresholds``: measures accuracies under named threshold rules, from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_output_option, add_shared_options
from bench.cli.printing import announce, make_console, print_written
from bench.cli.readers import whole
from bench.cli.unread import UNREAD, exit_code


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Accuracies under named threshold rules, and how thresholds carry over to other data and "
        "conditions, from the score store alone.",
        examples=("thresholds", "thresholds --rules fpr:1 best --detectors rigid --prevalence 0.01"),
        partial=UNREAD,
    )
    rules = parser.titled("rules")
    rules.add_argument(
        "--rules",
        nargs="+",
        default=["fpr:5", "best"],
        metavar="fpr:P|best|fixed:T",
        help="fpr:P, at most P %% of held-out real images above; best, the oracle's; fixed:T, for probabilities",
    )
    parser.titled("detectors").add_argument(
        "--detectors", nargs="+", metavar="NAME", help="detectors to take, by their labels (default: all)"
    )
    parser.titled("detectors").add_argument(
        "--probabilities", nargs="+", metavar="NAME", help="detectors whose scores are probabilities; adds calibration"
    )
    rules.add_argument(
        "--prevalence",
        nargs="+",
        default=[],
        metavar="P",
        help="also tell the precision of each threshold if so many of all images were generated, for instance 0.01",
    )
    rules.add_argument(
        "--calibrate-with",
        nargs="+",
        type=whole(1),
        default=[],
        metavar="K",
        help="also fit the thresholds of fpr:P to K of the held-out real groups alone, as a user with few images would",
    )
    add_output_option(parser)
    add_shared_options(parser, "raw-names", "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``thresholds``, prints its tables and says what was written."""
    announce(f"Reading {arguments.output}")
    from bench.report.thresholds import print_thresholds, thresholds_json, write_thresholds
    from bench.results.thresholds.precision import parse_prevalence
    from bench.results.thresholds.study import study_thresholds
    from bench.results.unread import nothing_stored
    from bench.store.whole_store import read_store

    prevalences = list(dict.fromkeys(map(parse_prevalence, arguments.prevalence)))
    output, console = Path(arguments.output), make_console(arguments)
    panels = {f"{dataset.title} ({dataset.protocol})": dataset.panel for dataset in read_store(output)}
    study = study_thresholds(
        panels,
        arguments.rules,
        arguments.detectors,
        arguments.probabilities or (),
        prevalences=prevalences,
        calibrate_with=arguments.calibrate_with,
    )
    files = write_thresholds(study, output, arguments.raw_names)
    print_thresholds(study, console)
    print_written(arguments, files, lambda: thresholds_json(study))
    return exit_code(nothing_stored(panels.values()))
