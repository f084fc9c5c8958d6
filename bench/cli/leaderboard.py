"""``python -m bench leaderboard``: makes the leaderboard from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_page_option
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(description="Makes the leaderboard from the score store alone; nothing is scored.")
    parser.add_argument("--output", default=str(RunOptions.output), metavar="DIR", help="folder of the score store")
    add_page_option(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``leaderboard``, prints its tables and says what was written."""
    from rich.console import Console

    from bench.report.html.pages import check_page, write_leaderboard_page
    from bench.report.leaderboard import board_reports, print_boards, write_boards
    from bench.results.leaderboard import read_comparisons

    output, page = Path(arguments.output), check_page(arguments.html)
    comparisons = read_comparisons(output)
    reports = board_reports(comparisons)
    print_boards(reports, Console())
    files = write_boards(reports, output)
    files = (*files, write_leaderboard_page(comparisons, page)) if page else files
    print(f"Written: {', '.join(map(str, files))}.")
    return 0
