"""``python -m bench leaderboard``: makes the leaderboard from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_output_option, add_shared_options
from bench.cli.printing import make_console, print_written
from bench.cli.unread import exit_code


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(description="Makes the leaderboard from the score store alone; nothing is scored.")
    add_output_option(parser)
    add_shared_options(parser, "html", "raw-names", "json", "margin", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``leaderboard``, prints its tables and says what was written."""
    from bench.report.html.pages import check_page, write_leaderboard_page
    from bench.report.leaderboard import board_reports, boards_json, print_boards, write_boards
    from bench.results.leaderboard import read_comparisons
    from bench.results.unread import nothing_stored

    console, output, page = make_console(arguments), Path(arguments.output), check_page(arguments.html)
    comparisons = read_comparisons(output)
    reports = board_reports(comparisons, arguments.margin)
    files = write_boards(reports, output, arguments.raw_names)
    files = (*files, write_leaderboard_page(comparisons, page, arguments.margin)) if page else files
    print_boards(reports, console)
    print_written(arguments, files, lambda: boards_json(reports))
    return exit_code(nothing_stored(comparison.panel for comparison in comparisons))
