"""``python -m bench verify``: compares what a run gives with a lock, or a store's runs with the papers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, non_negative, positive
from bench.scoring.options import RunOptions

if TYPE_CHECKING:
    from rich.console import Console

    from bench.references.locks import Lock

DEMO, PAPER = "demo", "paper"
MACHINE = ("data_root", "weights", "batch_size", "num_workers", "accelerator")
"""Options that a lock leaves to the user."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``verify``."""
    default = RunOptions()
    parser = OneLineParser(
        description="Compares what the score store holds, or a rerun gives, with locked numbers: score by score and "
        "metric by metric. Exit code 1 where something drifted or is missing."
    )
    parser.add_argument(
        "--reference",
        default=DEMO,
        metavar="demo|paper|FILE",
        help="demo: this suite's own locked numbers; paper: what papers report; FILE: any lock, or one that holds "
        'a run alone and is filled by --update: {"format": 1, "detectors": ["wepe"], "options": {"seeds": 5}}',
    )
    parser.add_argument("--rerun", action="store_true", help="score the images again, rather than read the store")
    parser.add_argument(
        "--update", dest="renew", action="store_true", help="rerun and lock what it gives; needs --reason"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why the numbers change; kept in the lock")
    parser.add_argument(
        "--output",
        metavar="DIR",
        help=f"folder of the score store (default: {default.output}; a temporary one to rerun)",
    )
    machine = parser.add_argument_group("machine, to rerun")
    machine.add_argument("--data-root", metavar="DIR", help="the dataset's folder; not needed for demo")
    machine.add_argument("--weights", metavar="FILE", help="file with the backbone's weights (default: published)")
    machine.add_argument(
        "--batch-size", type=positive, default=default.batch_size, metavar="N", help="images in a batch"
    )
    machine.add_argument("--num-workers", type=non_negative, metavar="N", help="processes that decode")
    machine.add_argument("--accelerator", default=default.accelerator, help="kind of device: auto, cpu, gpu, mps")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``verify`` and prints its tables."""
    from rich.console import Console

    from bench.errors import BenchError

    console, reason = Console(), " ".join((arguments.reason or "").split())
    if arguments.renew and not reason:
        raise BenchError("--update needs --reason TEXT, which says why the numbers change.")
    if reason and not arguments.renew:
        raise BenchError("--reason goes with --update: nothing is written without it.")
    if arguments.reference == PAPER:
        return _verify_paper(arguments, console)
    from bench.references.locks import read_lock

    file = _demo_lock() if arguments.reference == DEMO else Path(arguments.reference)
    lock = read_lock(file)
    if arguments.renew:
        return _update(lock, file, reason, arguments, console)
    from bench.references.verify import recompute, rerun, verify
    from bench.report.verification import print_verification

    output = Path(arguments.output) if arguments.output else None
    if arguments.rerun:
        found = rerun(lock, _machine(arguments), output, progress=console.is_terminal)
    else:
        found = recompute(lock, output or RunOptions.output)
    verification = verify(lock, found, file.name)
    print_verification(verification, console)
    return 0 if verification.ok else 1


def _machine(arguments: Namespace) -> dict[str, Any]:
    return {name: arguments[name] for name in MACHINE}


def _demo_lock() -> Path:
    import bench.references

    return Path(str(bench.references.__file__)).with_name(f"{DEMO}.json")


def _verify_paper(arguments: Namespace, console: "Console") -> int:
    from bench.errors import BenchError
    from bench.references.paper import verify_paper
    from bench.report.verification import print_paper

    if arguments.rerun or arguments.renew:
        raise BenchError("--reference paper reads the store: --rerun and --update go with a lock.")
    verification = verify_paper(Path(arguments.output or RunOptions.output))
    print_paper(verification, console)
    return 0 if verification.ok else 1


def _update(lock: "Lock", file: Path, reason: str, arguments: Namespace, console: "Console") -> int:
    """Locks what a rerun gives; the demo's numbers are the suite's own, so their change belongs into its changelog."""
    import os

    from bench.errors import BenchError
    from bench.references.locks import write_lock
    from bench.references.verify import make_lock, rerun, verify
    from bench.report.verification import print_verification

    if not os.access(file, os.W_OK):
        raise BenchError(f"Cannot write the lock {file}.")
    output = Path(arguments.output) if arguments.output else None
    found = rerun(lock, _machine(arguments), output, progress=console.is_terminal)
    if lock.columns:
        print_verification(verify(lock, found, file.name), console)
    write_lock(make_lock(lock, found, reason), file)
    print(f"Locked: {file}.")
    if arguments.reference == DEMO:
        print(f"For CHANGELOG.md, under Changed: - Locked demo numbers: {reason}")
    return 0
