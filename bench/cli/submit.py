"""``python -m bench submit``: writes the scores of a task as a folder for a pull request, and checks such folders."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_shared_options
from bench.cli.printing import announce, make_console, print_json, print_written
from bench.cli.readers import path_text
from bench.errors import BenchError
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions


def make_parser() -> ArgumentParser:
    """Makes the parser of ``submit``."""
    parser = OneLineParser(
        description="Writes one detector's scores of a task's images from a store into a folder, ready for a pull "
        "request; or checks such a folder, offline and without the images.",
        examples=(
            "submit --store results --task TASK.json --detector rigid --repository https://example.org/me "
            "--output submissions/me/rigid",
            "submit check submissions/me/rigid --task TASK.json",
        ),
        partial="check: something is wrong with the submission, a line each",
    )
    parser.add_argument("action", nargs="?", choices=["check"], help="check: say what is wrong with a submission")
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="the submission to check")
    results = parser.titled("results")
    results.add_argument(
        "--task",
        type=path_text,
        metavar="FILE",
        help="the task's file; a check looks for it in a folder tasks above the submission by default",
    )
    results.add_argument(
        "--store", type=path_text, metavar="DIR", help=f"results folder with the scores (default: {RunOptions.output})"
    )
    results.add_argument("--detector", metavar="LABEL", help="the detector, as tables name it")
    results.add_argument("--repository", metavar="URL", help="where you can be reached: your repository")
    results.add_argument("--output", type=path_text, metavar="DIR", help="the submission's folder")
    add_shared_options(parser, "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``submit``; a check that finds a fault ends with exit code 1."""
    own = ("store", "detector", "repository", "output")
    if arguments.action == "check":
        if arguments.folder is None or any(arguments.get(name) for name in own):
            raise BenchError("submit check takes a FOLDER and --task FILE, and nothing else.")
        return _check(arguments)
    lacking = [name for name in ("task", *own[1:]) if not arguments.get(name)]
    if lacking:
        raise BenchError(f"submit needs --{lacking[0]}: --task, --detector, --repository and --output are required.")
    store = Path(arguments.store or RunOptions.output)
    announce(f"Reading {store}")
    from bench.report.sharing import print_submitted, submitted_json
    from bench.scoring.submitting import make_submission
    from bench.store.sharing.submission import write_submission
    from bench.store.sharing.task import read_task

    task, folder = read_task(Path(arguments.task)), Path(arguments.output)
    submission = make_submission(store, task, arguments.detector, arguments.repository, folder)
    files = write_submission(submission)
    print_submitted(submission, task, make_console(arguments))
    print_written(arguments, files, lambda: submitted_json(submission))
    return 0


def _check(arguments: Namespace) -> int:
    from bench.report.sharing import checked_json, print_checked
    from bench.store.sharing.checking import check

    with phase("Checking the submission"):
        checked = check(Path(arguments.folder), Path(arguments.task) if arguments.task else None)
    print_checked(checked, make_console(arguments))
    print_json(arguments, lambda: checked_json(checked))
    return 1 if checked.faults else 0
