"""``python -m bench audit``: measures how much of the label can be read from trivia."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_checkpoint_option, add_plugin_option, add_run_options, run_options


def make_parser() -> ArgumentParser:
    """Makes the parser of ``audit``."""
    parser = OneLineParser(description="Measures how much of the label can be read from trivia, without any detector.")
    parser.add_argument(
        "--detectors",
        nargs="+",
        metavar="NAME[:OPTION=VALUE,...]",
        help="also correlate the scores of these, which must be in the store, with JPEG quality and size",
    )
    add_checkpoint_option(parser)
    add_plugin_option(parser)
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``audit`` and prints its table."""
    from rich.console import Console

    from bench.report.audit import print_audit, write_audit
    from bench.results.cues.study import audit_dataset
    from bench.scoring.specs import with_checkpoints

    options = run_options(arguments)
    study = audit_dataset(options, with_checkpoints(arguments.detectors or (), arguments.checkpoint))
    files = write_audit(study, options.output)
    print_audit(study, Console())
    print(f"Written: {', '.join(map(str, files))}.")
    return 0
