"""``python -m bench leaderboard``: makes the leaderboard from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options, path_text
from bench.cli.printing import make_console, print_written
from bench.cli.unread import exit_code
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(description="Makes the leaderboard from the score store alone; nothing is scored.")
    parser.add_argument(
        "--output",
        nargs="+",
        type=path_text,
        default=[str(RunOptions.output)],
        metavar="DIR",
        help="results folders, whose stores are read together; files are written into the first",
    )
    add_shared_options(parser, "html", "raw-names", "json", "margin", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``leaderboard``, prints its tables and says what was written."""
    from bench.report.html.pages import check_page, write_leaderboard_page
    from bench.report.leaderboard import board_reports, boards_json, print_boards, write_boards
    from bench.results.leaderboard import read_comparisons
    from bench.results.unread import nothing_stored

    console, outputs, page = make_console(arguments), list(map(Path, arguments.output)), check_page(arguments.html)
    comparisons, output = read_comparisons(*outputs), outputs[0]
    reports = board_reports(comparisons, arguments.margin)
    files = write_boards(reports, output, arguments.raw_names)
    files = (*files, write_leaderboard_page(comparisons, page, arguments.margin)) if page else files
    print_boards(reports, console)
    print_written(arguments, files, lambda: boards_json(reports))
    return exit_code(nothing_stored(comparison.panel for comparison in comparisons))
