"""``python -m bench data``: lists the data sets, or examines every file of one."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, path_text, run_options
from bench.cli.printing import announce
from bench.scoring.machine.phases import phase


def make_parser() -> ArgumentParser:
    """Makes the parser of ``data``."""
    parser = OneLineParser(
        description="Lists the data sets there are, or examines every file of one; files are "
        "written where --output says, and nowhere by default."
    )
    parser.add_argument("action", choices=["list", "check"], help="list: what there is; check: what is wrong with it")
    parser.add_argument(
        "--write-groups",
        type=path_text,
        metavar="FILE",
        help="check: write a groups.csv for a folder: the groups declared, and copies, near-duplicates and frames of a "
        "video with them",
    )
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser)
    parser.set_defaults(output=None)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``data``; a check that finds something wrong ends with exit code 1."""
    options = run_options(arguments)
    announce(f"Loading {options.dataset}" if arguments.action == "check" else "Listing data sets")
    from rich.console import Console

    from bench.errors import BenchError
    from bench.report.data import check_groups, print_diagnosis, print_entries, write_diagnosis, write_groups
    from bench.report.table import print_files
    from datamodules.checks.catalogue import list_entries
    from datamodules.checks.diagnosis import check, list_for_check
    from datamodules.folder import FolderDataModule

    if arguments.action == "list":
        root = Path(options.data_root) if options.data_root else None
        print_entries(list_entries(root), Console(), with_found=root is not None)
        return 0
    from bench.scoring.build import create_datamodule

    datamodule = create_datamodule(options)
    if arguments.write_groups and not isinstance(datamodule, FolderDataModule):
        raise BenchError(f"--write-groups is for --dataset folder, which reads a groups.csv; got {options.dataset}.")
    target = check_groups(arguments.write_groups)
    declared = datamodule.declared_groups() if target and isinstance(datamodule, FolderDataModule) else {}
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
