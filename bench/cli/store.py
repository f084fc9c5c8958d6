"""``python -m bench store``: examines the score store of a results folder, mends it, and puts stores together."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options, path_text
from bench.cli.printing import make_console, print_json
from bench.errors import BenchError
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``store``."""
    parser = OneLineParser(
        description="Examines every file of the score store in a results folder, or copies several stores into one. "
        "Exit code: 0, nothing is damaged; 1, something is, or was before --mend; 2, a mistake in the call."
    )
    parser.add_argument(
        "action",
        choices=["check", "merge"],
        help="check: what is damaged or left over; merge: copy several stores into --output, where equal "
        "content counts once",
    )
    parser.add_argument("folders", nargs="*", metavar="OUTPUT", help="results folders of compare (default: results)")
    parser.add_argument("--output", type=path_text, metavar="DIR", help="merge: the results folder to copy into")
    parser.add_argument(
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
