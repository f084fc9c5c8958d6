"""``python -m bench import-scores``: brings scores that were made elsewhere into a store."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import announce, make_console, print_json
from bench.cli.readers import path_text
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``import-scores``."""
    parser = OneLineParser(
        description="Brings the scores that a closed detector or a service gave the images of a task into a store, so "
        "that tables show it beside what was scored here.",
        examples=(
            "import-scores oracle.csv --name oracle --task TASK.json --store results",
            "import-scores oracle.parquet --name oracle --task TASK.json --data-root images --real-high",
        ),
        partial="something is wrong with the scores, a line each; nothing was imported",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        type=path_text,
        help="CSV or Parquet file with the columns sha256 or path, score and, where there are several, seed and "
        "condition",
    )
    results = parser.titled("results")
    results.add_argument("--name", required=True, metavar="NAME", help="what tables call the detector")
    results.add_argument(
        "--task", required=True, type=path_text, metavar="FILE", help="the task whose images were scored"
    )
    results.add_argument(
        "--store",
        type=path_text,
        default=str(RunOptions.output),
        metavar="DIR",
        help="results folder to bring the scores into",
    )
    results.add_argument(
        "--data-root",
        type=path_text,
        metavar="DIR",
        help="folder that paths count from, where the store has not listed them",
    )
    results.add_argument(
        "--real-high", action="store_true", help="high scores mean real; by default they mean generated"
    )
    add_shared_options(parser, "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``import-scores``; a table with a fault ends with exit code 1, and nothing is imported."""
    announce(f"Reading {arguments.file}")
    from bench.report.sharing import imported_json, print_imported, print_refused
    from bench.scoring.foreign_scores import read_foreign
    from bench.scoring.importing import covering, import_scores
    from bench.store.sharing.task import read_task

    task, store, console = read_task(Path(arguments.task)), Path(arguments.store), make_console(arguments)
    data_root = Path(arguments.data_root) if arguments.data_root else None
    listings = covering(store, task)
    foreign = read_foreign(Path(arguments.file), task, listings, data_root, arguments.real_high)
    imported = None if foreign.faults else import_scores(foreign, arguments.name, task, store)
    if imported is None:
        print_refused(foreign, console)
    else:
        print_imported(imported, foreign.file, console)
    print_json(arguments, lambda: imported_json(imported, foreign))
    return 1 if foreign.faults else 0
