"""``python -m bench leaderboard``: makes the leaderboard from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.options import RunOptions
from bench.parsing import OneLineParser


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(description="Makes the leaderboard from the score store alone; nothing is scored.")
    parser.add_argument("--output", default=str(RunOptions.output), metavar="DIR", help="folder of the score store")
    parser.add_argument("--html", metavar="FILE", help="also write everything as one page that opens from disk")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``leaderboard``, prints its tables and says what was written."""
    from rich.console import Console

    from bench.leaderboard import make_boards
    from bench.leaderboard_files import print_boards, write_boards

    output = Path(arguments.output)
    boards = make_boards(output)
    print_boards(boards, Console())
    files = write_boards(boards, output)
    if arguments.html:
        from bench.pages import write_leaderboard_page

        files = (*files, write_leaderboard_page(boards, Path(arguments.html)))
    print(f"Written: {', '.join(map(str, files))}.")
    return 0
