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
    from bench.report.leaderboard import print_boards, write_boards
    from bench.results.leaderboard import make_boards

    output, page = Path(arguments.output), check_page(arguments.html)
    boards = make_boards(output)
    print_boards(boards, Console())
    files = write_boards(boards, output)
    if page:
        files = (*files, write_leaderboard_page(boards, page))
    print(f"Written: {', '.join(map(str, files))}.")
    return 0
