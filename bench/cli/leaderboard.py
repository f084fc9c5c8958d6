"""``python -m bench leaderboard``: makes the leaderboard from the score store, or from submitted scores."""

from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import announce, long_hint, make_console, print_written
from bench.cli.readers import path_text
from bench.cli.unread import UNREAD, exit_code
from bench.errors import BenchError
from bench.scoring.options import RunOptions

if TYPE_CHECKING:
    from bench.report.release_dates import Dates
    from bench.results.seen_images import TrainingImages


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Makes the leaderboard from the score store alone, or from scores that others submitted; nothing "
        "is scored.",
        examples=(
            "leaderboard --html board.html",
            "leaderboard --submissions results-repository --output board",
        ),
        partial=f"{UNREAD}, or a submission was refused",
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
    results.add_argument(
        "--submissions",
        type=path_text,
        metavar="DIR",
        help="make the boards from the submissions of a results repository (tasks/*.json, "
        "submissions/<submitter>/<detector>/) in place of a store; every number is computed again from their scores",
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
    if arguments.submissions:
        return _run_submissions(arguments)
    announce(f"Reading {', '.join(arguments.output)}")
    from bench.report.board_files import boards_json, write_boards
    from bench.report.html.targets import check_page
    from bench.report.leaderboard import board_reports
    from bench.report.printed_boards import print_boards
    from bench.results.across.findings import across_sets
    from bench.results.leaderboard import read_comparisons
    from bench.results.seen_images import mark_seen
    from bench.results.unread import nothing_stored

    console, outputs, page = make_console(arguments), list(map(Path, arguments.output)), check_page(arguments.html)
    dates, seen = _dates(arguments), _seen(arguments)
    if arguments.data_root and page is None:
        raise BenchError("--data-root is for the pictures of a page: add --html FILE.")
    comparisons, output = [mark_seen(comparison, seen) for comparison in read_comparisons(*outputs)], outputs[0]
    if arguments.data_root:
        from bench.results.stored_images import with_images  # with what reads data sets

        comparisons = with_images(comparisons, list(map(Path, arguments.data_root)))
    reports, across = board_reports(comparisons, arguments.margin, dates), across_sets(comparisons)
    files = write_boards(reports, output, arguments.raw_names, across)
    if page:
        from bench.report.html.pages import write_leaderboard_page  # draws, which takes half a second to import

        files = (*files, write_leaderboard_page(comparisons, page, arguments.margin, dates, across))
    print_boards(reports, console, across, arguments.long)
    print_written(arguments, files, lambda: boards_json(reports, across), long_hint(arguments))
    return exit_code(nothing_stored(comparison.panel for comparison in comparisons))


def _run_submissions(arguments: Namespace) -> int:
    """Makes the boards of a results repository."""
    output = _output_of_submissions(arguments)
    announce(f"Reading {arguments.submissions}")
    from bench.report.html.targets import check_page
    from bench.report.leaderboard import board_reports
    from bench.report.printed_boards import print_boards
    from bench.report.submissions import (
        print_refused,
        print_submissions,
        refused_tables,
        submissions_json,
        write_submissions,
    )
    from bench.results.across.findings import across_sets
    from bench.results.seen_images import mark_seen
    from bench.results.submissions.boards import read_submissions

    console, page = make_console(arguments), check_page(arguments.html)
    dates, seen = _dates(arguments), _seen(arguments)
    submissions = read_submissions(Path(arguments.submissions))
    comparisons = [mark_seen(comparison, seen) for comparison in submissions.comparisons]
    reports, across = board_reports(comparisons, arguments.margin, dates), across_sets(submissions.newest)
    files = write_submissions(submissions, reports, output, arguments.raw_names, across)
    if page:
        refused = refused_tables(submissions)
        from bench.report.html.pages import write_leaderboard_page

        files = (*files, write_leaderboard_page(comparisons, page, arguments.margin, dates, across, refused))
    print_boards(reports, console, across, arguments.long)
    print_submissions(submissions, console, arguments.long)
    print_written(arguments, files, lambda: submissions_json(submissions, reports, across), long_hint(arguments))
    return print_refused(submissions)


def _output_of_submissions(arguments: Namespace) -> Path:
    """Returns where the files go.

    Raises:
        BenchError: An option is for a store alone, or the folder has a store, whose own board would be lost.
    """
    if arguments.data_root:
        raise BenchError("--data-root is for a store's images, and a task has none: leave it out with --submissions.")
    if len(arguments.output) > 1:
        raise BenchError(f"--submissions writes into one folder, --output names {len(arguments.output)}: give one.")
    output = Path(arguments.output[0])
    if (output / "scores").is_dir():
        raise BenchError(
            f"{output} has a store of scores, and its own board would be overwritten: give --output another folder."
        )
    return output


def _dates(arguments: Namespace) -> "Dates":
    from bench.report.release_dates import Dates
    from bench.results.release_dates import check_date

    return Dates(arguments.by_date, arguments.split_date and check_date(arguments.split_date))


def _seen(arguments: Namespace) -> "TrainingImages | None":
    from bench.results.seen_images import read_hashes

    return read_hashes(Path(arguments.seen_hashes)) if arguments.seen_hashes else None
