"""``python -m bench compare``: scores a dataset with detectors and compares them."""

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

    from bench.report.html.pages import check_page, write_comparison_page
    from bench.report.tables import print_report
    from bench.results.comparison import compare
    from bench.scoring.specs import with_checkpoints

    detectors = with_checkpoints(arguments.detectors, arguments.checkpoint)
    if arguments.dry_run:
        from bench.scoring.forecast import forecast

        print("\n".join(forecast(detectors, run_options(arguments)).lines()))
        return 0
    console, page = Console(), check_page(arguments.html)
    result = compare(detectors, run_options(arguments), progress=console.is_terminal)
    if result is None:
        return 0  # another device of the run prints
    print_report(result.report, console)
    files = [*result.files, *([write_comparison_page(result, page)] if page else [])]
    print(f"Scored now: {result.scored}. Written: {', '.join(map(str, files))}.")
    return 0
