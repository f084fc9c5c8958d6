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
from bench.cli.shared import IMAGES
from bench.cli.unread import UNREAD, exit_code

FIELDS = (
    *(*IMAGES, "content", "allow_one_class", "resize", "match", "num_workers", "max_pixels", "output"),
    *("backbone", "weights", "view", "seeds", "crop_seeds", "precision"),
)
"""The options of a run that mean something here; those of the second line say which scores ``--detectors`` means."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``audit``."""
    parser = OneLineParser(
        description="Measures what cues such as file size, JPEG quality and brightness tell of the label, without any "
        "detector: the worst cue is what a detector has to beat.",
        examples=("audit --dataset folder --data-root images", "audit --match reencode:75 --detectors rigid --json"),
        partial=UNREAD,
    )
    add_shared_options(
        parser,
        "detectors",
        required=False,
        help="also correlate the scores of these, which must be in the store, with JPEG quality and size",
    )
    add_shared_options(parser, "checkpoint", "plugin", "raw-names", "json", "quiet")
    parser.titled("model").description = "which scores of --detectors are read"
    add_run_options(parser, FIELDS)
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
