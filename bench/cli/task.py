"""``python -m bench task``: freezes a data set into a task that others can submit scores to."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce, make_console, print_written
from bench.cli.readers import path_text, whole
from bench.cli.shared import IMAGES
from bench.errors import BenchError

FIELDS = (*IMAGES, "resize", "allow_one_class", "conditions", "match", "crop_seeds", "max_pixels", "num_workers")
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``task``."""
    parser = OneLineParser(
        description="Freezes the images that compare would choose with the same options into one file: their sha256, "
        "labels, generators and groups, and who faces whom; no image and no path.",
        examples=(
            "task freeze --dataset folder --data-root images --output TASK.json",
            "task freeze --dataset demo --conditions jpeg:75 --name demo --license CC0-1.0 --output tasks/demo.json",
        ),
    )
    parser.add_argument("action", choices=["freeze"], help="freeze: read every image and write the task")
    add_shared_options(parser, "plugin")
    name = "What to call the task; the data set's title by default."
    add_run_options(parser, FIELDS, name=name, conditions="Degradations that are to be scored beside the clean images.")
    results = parser.titled("results")
    results.add_argument("--output", type=path_text, required=True, metavar="FILE", help="the task's file")
    results.add_argument(
        "--version", type=whole(1), default=1, metavar="N", help="raised whenever the task of a name changes"
    )
    results.add_argument("--license", default="", metavar="NOTE", help="what to know of the images' licence")
    add_shared_options(parser, "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``task freeze``."""
    options = run_options(arguments)
    announce(f"Loading {options.dataset}")
    from dataclasses import replace

    from bench.report.sharing import frozen_json, print_frozen
    from bench.scoring.freezing import freeze_task
    from bench.store.sharing.task import is_name, write_task

    file = Path(arguments.output)
    if file.is_dir() or not file.parent.is_dir():
        raise BenchError(f"--output {file} is a folder, or is in none: give a file, as in TASK.json.")
    if options.name is not None and not is_name(options.name):
        raise BenchError(f"--name {options.name!r} cannot name a task: it must be short and printable.")
    frozen = freeze_task(replace(options, name=None), options.name, arguments.version, arguments.license)
    write_task(frozen.task, file)
    print_frozen(frozen, make_console(arguments))
    print_written(arguments, [file], lambda: frozen_json(frozen))
    return 0
