"""``python -m bench robustness``: compares detectors on degraded images, level by level and over all levels."""

from dataclasses import replace

from jsonargparse import ArgumentParser, Namespace

from bench.cli.compare import print_forecast
from bench.cli.parser import (
    OneLineParser,
    add_run_options,
    add_shared_options,
    chosen_detectors,
    run_options,
)
from bench.cli.printing import long_hint, make_console, print_written, shows_progress
from bench.cli.shared import EVERY
from bench.cli.unread import UNREAD, exit_code
from bench.scoring.grids import PRESETS
from datamodules.degradations import CLASSES

FIELDS = EVERY
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``robustness``."""
    parser = OneLineParser(
        description="Scores clean and degraded images with detectors, and draws their curves.",
        examples=(
            "robustness --detectors rigid wepe --limit 10",
            "robustness --detectors rigid --conditions jpeg:90 jpeg:50 --only generated --html page.html",
        ),
        partial=UNREAD,
    )
    add_shared_options(parser, "detectors", "checkpoint")
    conditions = parser.titled("conditions")
    conditions.add_argument(
        "--preset",
        choices=PRESETS,
        help="grid of conditions (default: rigid, without --conditions)",
    )
    conditions.add_argument(
        "--only",
        choices=CLASSES,
        help="degrade the images of this class alone, as an evader would",
    )
    add_shared_options(parser, "plugin", "dry-run", "estimate", "html", "raw-names", "json", "quiet", "long")
    add_run_options(parser, FIELDS)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``robustness`` and prints its tables."""
    options = run_options(arguments)
    detectors = chosen_detectors(arguments, f"Loading {options.dataset}")
    from bench.report.html.targets import check_page
    from bench.report.loggers.session import compare_and_log
    from bench.report.robustness import print_robustness, robustness_json, write_robustness
    from bench.results.robustness import Robustness
    from bench.results.unread import nothing_read
    from bench.scoring.conditions import robustness_conditions

    console, page = make_console(arguments), check_page(arguments.html)
    chosen = robustness_conditions(arguments.preset, options.conditions, arguments.only)
    options = replace(options, conditions=chosen)
    if arguments.dry_run:
        return print_forecast(detectors, options, arguments)
    comparison = compare_and_log(detectors, options, progress=shows_progress(console))
    if comparison is None:
        return 0  # another device of the run prints
    robustness = Robustness(comparison)
    files = write_robustness(robustness, options.output, arguments.raw_names)
    if page:
        from bench.report.html.pages import write_comparison_page  # draws, which takes half a second to import

        files = (*files, write_comparison_page(comparison, page))
    print_robustness(robustness, console, arguments.long)
    first = f"Scored now: {comparison.scored}. {long_hint(arguments)}"
    print_written(arguments, files, lambda: robustness_json(robustness), first)
    return exit_code(nothing_read(comparison))
