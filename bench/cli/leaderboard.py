"""``python -m bench leaderboard``: makes the leaderboard from the score store alone."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import announce, long_hint, make_console, print_written
from bench.cli.readers import path_text
from bench.cli.unread import UNREAD, exit_code
from bench.errors import BenchError
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Makes the leaderboard from the score store alone; nothing is scored.",
        examples=("leaderboard --html board.html", "leaderboard --output results others/results --by-date"),
        partial=UNREAD,
    )
    results = parser.titled("results")
    results.add_argument(
        "--output",
        nargs="+",
        type=path_text,
        default=[str(RunOptions.output)],
        metavar="DIR",
        help="results folders, whose stores are read together; files are written into the first",
    )
    add_shared_options(parser, "html", "seen-hashes", "raw-names", "json", "margin", "quiet", "long")
    results.add_argument(
        "--data-root",
        nargs="+",
        type=path_text,
        metavar="DIR",
        help="folders, .zip or .tar files that were scored: the page of --html then shows the most wrong images",
    )
    results.add_argument("--by-date", action="store_true", help="also list generators in the order of their release")
    results.add_argument(
        "--split-date",
        metavar="DATE",
        help="also give mean AUROCs over generators released before DATE and from it: YYYY, YYYY-MM or YYYY-MM-DD",
    )
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``leaderboard``, prints its tables and says what was written."""
    announce(f"Reading {', '.join(arguments.output)}")
    from bench.report.html.pages import check_page, write_leaderboard_page
    from bench.report.leaderboard import board_reports, boards_json, write_boards
    from bench.report.printed_boards import print_boards
    from bench.report.release_dates import Dates
    from bench.results.across.findings import across_sets
    from bench.results.leaderboard import read_comparisons
    from bench.results.release_dates import check_date
    from bench.results.seen_images import mark_seen, read_hashes
    from bench.results.stored_images import with_images
    from bench.results.unread import nothing_stored

    console, outputs, page = make_console(arguments), list(map(Path, arguments.output)), check_page(arguments.html)
    dates = Dates(arguments.by_date, arguments.split_date and check_date(arguments.split_date))
    if arguments.data_root and page is None:
        raise BenchError("--data-root is for the pictures of a page: add --html FILE.")
    seen = read_hashes(Path(arguments.seen_hashes)) if arguments.seen_hashes else None
    comparisons, output = [mark_seen(comparison, seen) for comparison in read_comparisons(*outputs)], outputs[0]
    comparisons = with_images(comparisons, list(map(Path, arguments.data_root or ())))
    reports, across = board_reports(comparisons, arguments.margin, dates), across_sets(comparisons)
    files = write_boards(reports, output, arguments.raw_names, across)
    files = (*files, write_leaderboard_page(comparisons, page, arguments.margin, dates, across)) if page else files
    print_boards(reports, console, across, arguments.long)
    print_written(arguments, files, lambda: boards_json(reports, across), long_hint(arguments))
    return exit_code(nothing_stored(comparison.panel for comparison in comparisons))
