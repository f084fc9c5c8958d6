"""``python -m bench compare``: scores a dataset with detectors and compares them."""

from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import (
    OneLineParser,
    add_detectors_option,
    add_dry_run_option,
    add_page_option,
    add_plugin_option,
    add_run_options,
    run_options,
)
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``compare``."""
    parser = OneLineParser(description="Scores a dataset with detectors and compares them.")
    add_detectors_option(parser)
    add_plugin_option(parser)
    add_dry_run_option(parser)
    add_page_option(parser)
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``compare`` and prints its table."""
    from rich.console import Console

    from bench.report.comparison import print_comparison, write_comparison
    from bench.report.html.pages import check_page, write_comparison_page
    from bench.report.wandb import compare_and_log
    from bench.scoring.specs import with_checkpoints

    detectors, options = with_checkpoints(arguments.detectors, arguments.checkpoint), run_options(arguments)
    if arguments.dry_run:
        return print_forecast(detectors, options)
    console, page = Console(), check_page(arguments.html)
    comparison = compare_and_log(detectors, options, progress=console.is_terminal)
    if comparison is None:
        return 0  # another device of the run prints
    files = write_comparison(comparison, options.output)
    print_comparison(comparison, console)
    files = (*files, write_comparison_page(comparison, page)) if page else files
    print(f"Scored now: {comparison.scored}. Written: {', '.join(map(str, files))}.")
    return 0


def print_forecast(detectors: Sequence[str], options: RunOptions) -> int:
    """Prints what a run would do (``--dry-run``)."""
    from bench.report.notes import forecast_lines
    from bench.scoring.forecast import forecast

    print("\n".join(forecast_lines(forecast(detectors, options))))
    return 0
