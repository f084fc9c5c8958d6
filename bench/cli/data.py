"""``python -m bench data``: lists the data sets, or examines every file of one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce
from bench.cli.readers import path_text
from bench.cli.shared import IMAGES
from bench.scoring.machine.phases import phase
from bench.scoring.options import RunOptions

ACTIONS = {"list": "say which data sets there are", "check": "say what is wrong with one"}
LISTED = ("data_root",)
FIELDS = (*IMAGES, "allow_one_class", "num_workers", "max_pixels", "output")
"""The options of a run that mean something to ``check``."""


class DataParser(OneLineParser):
    """Takes the action behind its options, too."""

    def parse_args(self, args: Sequence[str] | None = None, *others: Any, **options: Any) -> Namespace:  # type: ignore[override] # noqa: ANN401 - jsonargparse's own
        """Parses the words, the action first."""
        words = list(args or ())
        action = next((word for word in words if word in ACTIONS), None)
        if action and words[0].startswith("--"):
            words.remove(action)
            words.insert(0, action)
        return super().parse_args(words, *others, **options)


def make_parser() -> OneLineParser:
    """Makes the parser of ``data``, without its actions: see :func:`add_actions`."""
    return DataParser(
        description="Lists the data sets there are, or examines every file of one.",
        examples=("data list", "data check --dataset folder --data-root images"),
        partial="check: something is wrong with the data set",
    )


def add_actions(parser: ArgumentParser) -> None:
    """Adds the parsers of ``list`` and ``check``, once their own parser has its place."""
    actions = parser.add_subcommands(title="actions", metavar="ACTION", description=None)
    for name, make in (("list", _list_parser), ("check", _check_parser)):
        actions.add_subcommand(name, make(), help=ACTIONS[name])


def _list_parser() -> OneLineParser:
    parser = OneLineParser(
        description="Lists the data sets there are, and which of their folders are under a root.",
        examples=("data list", "data list --data-root /data"),
    )
    add_options(parser, RunOptions, LISTED, data_root="Folder to look for them in.")
    add_shared_options(parser, "plugin")
    return parser


def _check_parser() -> OneLineParser:
    parser = OneLineParser(
        description="Examines every file of a data set and says what is wrong; files are written where --output says, "
        "and nowhere by default.",
        examples=(
            "data check --dataset folder --data-root images",
            "data check --dataset folder --data-root images --write-groups images/groups.csv --output results",
        ),
        partial="something is wrong with the data set",
    )
    parser.titled("results").add_argument(
        "--write-groups",
        type=path_text,
        metavar="FILE",
        help="write a groups.csv for a folder: the groups declared, and copies, near-duplicates and frames of a "
        "video with them",
    )
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser, FIELDS, output="Folder that tables are written into.")
    parser.set_defaults(output=None)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``data``; a check that finds something wrong ends with exit code 1."""
    action = arguments.subcommand
    return {"list": _list, "check": _check}[action](arguments[action])


def _list(arguments: Namespace) -> int:
    announce("Listing data sets")
    from rich.console import Console

    from bench.report.data import print_entries
    from datamodules.checks.catalogue import list_entries

    root = Path(arguments.data_root) if arguments.data_root else None
    print_entries(list_entries(root), Console(), with_found=root is not None)
    return 0


def _check(arguments: Namespace) -> int:
    options = run_options(arguments)
    announce(f"Loading {options.dataset}")
    from rich.console import Console

    from bench.errors import BenchError
    from bench.report.data import check_groups, print_diagnosis, write_diagnosis, write_groups
    from bench.report.table import print_files
    from bench.scoring.build import create_datamodule
    from datamodules.checks.diagnosis import check, list_for_check
    from datamodules.folder import FolderData

    datamodule = create_datamodule(options)
    if arguments.write_groups and not isinstance(datamodule, FolderData):
        raise BenchError(f"--write-groups is for --dataset folder, which reads a groups.csv; got {options.dataset}.")
    target = check_groups(arguments.write_groups)
    declared = datamodule.declared_groups() if target and isinstance(datamodule, FolderData) else {}
    with phase("Listing the images"):
        list_for_check(datamodule)
    output = options.make_output() if arguments.output else None
    with phase("Reading every file"):
        diagnosis, console = check(datamodule, options.allow_one_class), Console()
    files = list(write_diagnosis(diagnosis, output, arguments.raw_names)) if output else []
    if target:
        files.append(write_groups(diagnosis, declared, target))
    print_diagnosis(diagnosis, console)
    if files:
        print_files(files, console)
    return 0 if diagnosis.ok else 1
