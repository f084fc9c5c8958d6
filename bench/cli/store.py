"""``python -m bench store``: examines the score store of a results folder, and mends it."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import make_console, print_json


def make_parser() -> ArgumentParser:
    """Makes the parser of ``store``."""
    parser = OneLineParser(
        description="Examines every file of the score store in a results folder. Exit code: 0, nothing is damaged; 1, "
        "something is, or was before --mend; 2, a mistake in the call."
    )
    parser.add_argument("action", choices=["check"], help="check: what is damaged or left over")
    parser.add_argument("folder", nargs="?", default="results", metavar="OUTPUT", help="results folder of compare")
    parser.add_argument(
        "--mend",
        action="store_true",
        help="rename damaged files to NAME.damaged, and remove what killed runs left; no scores are deleted",
    )
    add_shared_options(parser, "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``store``; a store in which something is damaged ends with exit code 1."""
    from bench.report.store import check_json, print_check
    from bench.store.check import check_store

    check = check_store(Path(arguments.folder), arguments.mend)
    print_check(check, make_console(arguments))
    print_json(arguments, lambda: check_json(check))
    return 0 if check.is_sound else 1
