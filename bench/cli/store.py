"""``python -m bench store``: examines the score store of a results folder, mends it, and puts stores together."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import make_console, print_json
from bench.cli.readers import path_text
from bench.errors import BenchError
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``store``."""
    parser = OneLineParser(
        description="Examines every file of the score store in a results folder, or copies several stores into one.",
        examples=("store check results --mend", "store merge mine/results others/results --output merged"),
        partial="check: something is damaged, or was before --mend",
    )
    parser.add_argument(
        "action",
        choices=["check", "merge"],
        help="check: what is damaged or left over; merge: copy several stores into --output, where equal "
        "content counts once",
    )
    parser.add_argument("folders", nargs="*", metavar="OUTPUT", help="results folders of compare (default: results)")
    parser.titled("results").add_argument(
        "--output", type=path_text, metavar="DIR", help="merge: the results folder to copy into"
    )
    parser.titled("results").add_argument(
        "--mend",
        action="store_true",
        help="rename damaged files to NAME.damaged, and remove what killed runs left; no scores are deleted",
    )
    add_shared_options(parser, "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``store``; a store in which something is damaged ends with exit code 1."""
    if arguments.action == "merge":
        return _merge(arguments)
    from bench.report.store import check_json, print_check
    from bench.store.check import check_store

    folders = arguments.folders or [str(RunOptions.output)]
    if len(folders) > 1 or arguments.output:
        raise BenchError("store check takes one folder, and no --output.")
    with phase("Reading every file of the store"):
        check = check_store(Path(folders[0]), arguments.mend)
    print_check(check, make_console(arguments))
    print_json(arguments, lambda: check_json(check))
    return 0 if check.is_sound else 1


def _merge(arguments: Namespace) -> int:
    from bench.report.store import merge_json, print_merge
    from bench.store.merging import merge_stores

    if len(arguments.folders) < 2 or not arguments.output or arguments.mend:
        raise BenchError("store merge takes two or more results folders and --output DIR: store merge A B --output C.")
    with phase("Copying the stores"):
        merged = merge_stores(list(map(Path, arguments.folders)), Path(arguments.output))
    print_merge(merged, make_console(arguments))
    print_json(arguments, lambda: merge_json(merged))
    return 0
