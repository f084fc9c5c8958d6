"""``python -m bench verify``: compares what a run gives with a lock, or a store's runs with the papers."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_options, add_shared_options
from bench.cli.printing import announce, make_console, print_json, shows_progress
from bench.cli.readers import path_text
from bench.errors import BenchError
from bench.scoring.options import RunOptions

if TYPE_CHECKING:
    from rich.console import Console

    from bench.references.locks import Lock

DEMO, PAPER = "demo", "paper"
MACHINE = ("data_root", "weights", "batch_size", "num_workers", "accelerator")
"""Options that a lock leaves to the user."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``verify``."""
    parser = OneLineParser(
        description="Compares what the score store holds, or a rerun gives, with locked numbers: score by score and "
        "metric by metric, and what the statistics make of the locked scores.",
        examples=("verify --rerun", "verify --reference paper --output results"),
        partial="something drifted or is missing",
    )
    numbers = parser.titled("numbers")
    numbers.add_argument(
        "--reference",
        type=path_text,
        default=DEMO,
        metavar="demo|paper|FILE",
        help="demo: this suite's own locked numbers; paper: what papers report; FILE: any lock, or one that holds "
        'a run alone and is filled by --update: {"format": 1, "detectors": ["wepe"], "options": {"seeds": 5}}; '
        '"further" may hold a list of other runs',
    )
    numbers.add_argument("--rerun", action="store_true", help="score the images again, rather than read the store")
    numbers.add_argument(
        "--update",
        dest="renew",
        action="store_true",
        help="rerun and lock what it gives, the further runs of the lock and all statistics included; needs --reason",
    )
    numbers.add_argument("--reason", metavar="SENTENCE", help="why the numbers change; kept in the lock")
    parser.titled("results").add_argument(
        "--output",
        type=path_text,
        metavar="DIR",
        help=f"folder of the score store (default: {RunOptions.output}; a temporary one to rerun)",
    )
    add_shared_options(parser, "json", "margin", "quiet")
    add_options(parser, RunOptions, MACHINE, {"machine, to rerun": MACHINE})
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``verify`` and prints its tables."""
    reason = " ".join((arguments.reason or "").split())
    if arguments.renew and not reason:
        raise BenchError("--update needs --reason TEXT, which says why the numbers change.")
    if reason and not arguments.renew:
        raise BenchError("--reason goes with --update: nothing is written without it.")
    if arguments.reference == PAPER:
        return _verify_paper(arguments)
    announce(f"Reading the lock {arguments.reference}")
    from bench.references.locks import read_lock
    from bench.references.verify import recompute, rerun, verify
    from bench.report.verification import print_verification, verification_json

    console = make_console(arguments)
    file = _demo_lock() if arguments.reference == DEMO else Path(arguments.reference)
    lock = read_lock(file)
    if arguments.renew:
        return _update(lock, file, reason, arguments, console)
    output = Path(arguments.output) if arguments.output else None
    if arguments.rerun:
        rescored = rerun(lock, _machine(arguments), output, progress=shows_progress(console))
    else:
        rescored = recompute(lock, output or RunOptions.output)
    verification = verify(lock, rescored, file.name)
    print_verification(verification, console)
    print_json(arguments, lambda: verification_json(verification))
    return 0 if verification.ok else 1


def _machine(arguments: Namespace) -> dict[str, Any]:
    return {name: arguments[name] for name in MACHINE}


def _demo_lock() -> Path:
    import bench.references

    return Path(str(bench.references.__file__)).with_name(f"{DEMO}.json")


def _verify_paper(arguments: Namespace) -> int:
    announce(f"Reading {arguments.output or RunOptions.output}")
    from bench.references.paper import verify_paper
    from bench.report.verification import paper_json, print_paper

    if arguments.rerun or arguments.renew:
        raise BenchError("--reference paper reads the store: --rerun and --update go with a lock.")
    verification = verify_paper(Path(arguments.output or RunOptions.output), arguments.margin)
    print_paper(verification, make_console(arguments))
    print_json(arguments, lambda: paper_json(verification))
    return 0 if verification.ok else 1


def _update(lock: "Lock", file: Path, reason: str, arguments: Namespace, console: "Console") -> int:
    """Locks what a rerun gives; the demo's numbers are the suite's own, so their change belongs into its changelog."""
    from bench.references.locks import write_lock
    from bench.references.verify import make_lock, rerun, verify
    from bench.report.table import print_line
    from bench.report.verification import print_verification

    if not os.access(file, os.W_OK):
        raise BenchError(f"Cannot write the lock {file}.")
    output = Path(arguments.output) if arguments.output else None
    rescored = rerun(lock, _machine(arguments), output, progress=shows_progress(console))
    write_lock(make_lock(lock, rescored, reason), file)
    if lock.filled:
        print_verification(verify(lock, rescored, file.name), console)
    print_line(f"Locked: {file}.", console)
    if arguments.reference == DEMO:
        print_line(f"For CHANGELOG.md, under Changed: - Locked demo numbers: {reason}", console)
    print_json(arguments, lambda: {"locked": file})
    return 0
