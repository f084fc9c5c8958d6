"""``python -m bench data``: lists the data sets, or examines every file of one."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options


def make_parser() -> ArgumentParser:
    """Makes the parser of ``data``."""
    parser = OneLineParser(description="Lists the data sets there are, or examines every file of one.")
    parser.add_argument("action", choices=["list", "check"], help="list: what there is; check: what is wrong with it")
    add_shared_options(parser, "plugin")
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``data``; a check that finds something wrong ends with exit code 1."""
    options = run_options(arguments)
    from rich.console import Console

    from bench.report.data import print_diagnosis, print_entries, write_diagnosis
    from datamodules.checks.catalogue import list_entries
    from datamodules.checks.diagnosis import check

    if arguments.action == "list":
        root = Path(options.data_root) if options.data_root else None
        print_entries(list_entries(root), Console(), with_found=root is not None)
        return 0
    from bench.scoring.build import create_datamodule

    datamodule = create_datamodule(options)
    options.make_output()
    diagnosis = check(datamodule, options.allow_one_class)
    print_diagnosis(diagnosis, Console())
    print(f"Written: {', '.join(map(str, write_diagnosis(diagnosis, options.output)))}.")
    return 0 if diagnosis.ok else 1
