"""``python -m bench audit``: measures how much of the label can be read from trivia."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import (
    OneLineParser,
    add_run_options,
    add_shared_options,
    chosen_detectors,
    run_options,
)
from bench.cli.printing import make_console, print_written
from bench.cli.unread import exit_code


def make_parser() -> ArgumentParser:
    """Makes the parser of ``audit``."""
    parser = OneLineParser(description="Measures how much of the label can be read from trivia, without any detector.")
    parser.add_argument(
        "--detectors",
        nargs="+",
        metavar="NAME[:OPTION=VALUE,...]",
        help="also correlate the scores of these, which must be in the store, with JPEG quality and size",
    )
    add_shared_options(parser, "checkpoint", "plugin", "raw-names", "json", "quiet")
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``audit`` and prints its table."""
    options = run_options(arguments)
    detectors = chosen_detectors(arguments, f"Loading {options.dataset}")
    from bench.report.audit import audit_json, print_audit, write_audit
    from bench.results.cues.study import audit_dataset

    study, console = audit_dataset(options, detectors), make_console(arguments)
    files = write_audit(study, options.output, arguments.raw_names)
    print_audit(study, console)
    print_written(arguments, files, lambda: audit_json(study))
    return exit_code(study.nothing)
