"""Time and peak memory of ``python -m bench leaderboard`` on a store of many rows, made up of random scores.

Beside another checkout where one is given::

    python benchmarks/leaderboard.py                       # 10 million rows: 100,000 images x 5 x 4 x 5
    python benchmarks/leaderboard.py --against ../before
    python benchmarks/leaderboard.py --images 1000000 --unmerged --repeats 1   # 100 million rows
"""

import argparse
import functools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from machine import describe_machine
from measure import HERE, MIB, ROOT, Timed, alternate, check_checkout, markdown_table, ratios, run_command, spread

START = "start"


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how large the store is."""
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--detectors", type=int, default=5)
    parser.add_argument("--conditions", type=int, default=4, choices=range(1, 5))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", type=int, default=1, help="number of data sets")
    parser.add_argument("--unmerged", action="store_true", help="a part for each condition and seed, as a killed run's")


def run_leaderboard(output: Path, root: Path) -> Timed:
    """Runs the command once."""
    return run_command([sys.executable, "-m", "bench", "leaderboard", "--output", str(output)], root=root)


def run_phases(output: Path, root: Path) -> Mapping[str, Sequence[float]]:
    """Runs the command once more, and returns seconds and memory of its phases."""
    timed = run_command(
        [sys.executable, str(HERE / "timed_phases.py"), "leaderboard", "--output", str(output)], root=root
    )
    phases: dict[str, list[float]] = json.loads(timed.output.splitlines()[-1])
    return phases


def rows_of(results: Mapping[str, Sequence[Timed]]) -> list[list[str]]:
    """Writes a row for each checkout."""
    first = [timed.seconds for timed in results[next(iter(results))]]
    return [
        [
            name,
            spread([timed.seconds for timed in repeats], 1, " s"),
            spread([timed.processor_seconds for timed in repeats], 1, " s"),
            f"{max(timed.peak_bytes for timed in repeats) / MIB:,.0f} MiB",
            spread(ratios([timed.seconds for timed in repeats], first)),
        ]
        for name, repeats in results.items()
    ]


def parse_options() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_sizes(parser)
    parser.add_argument("--output", type=Path, help="keep the store here, and use the one that is there")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of the command (default 3)")
    parser.add_argument("--against", type=Path, help="another checkout of the suite, for ratios: its seconds over ours")
    options = parser.parse_args()
    check_checkout(options.against)
    return options


def main() -> None:
    """Makes the store and times the command."""
    options = parse_options()
    with tempfile.TemporaryDirectory() as scratch:
        output = (options.output or Path(scratch)).resolve()
        if not (output / "scores").exists():
            run_command([sys.executable, str(HERE / "made_store.py"), "--output", str(output), *_sizes(options)])
        roots = {"here": ROOT, **({"there": options.against.resolve()} if options.against else {})}
        contestants = {name: functools.partial(run_leaderboard, output, root) for name, root in roots.items()}
        results = alternate(contestants, options.repeats)
        phases = {name: run_phases(output, root) for name, root in roots.items()}
    rows = options.images * options.detectors * options.conditions * options.seeds * options.sets
    print(f"{describe_machine()}\nSetting: {rows:,} rows, {options.images:,} images, {options.sets} data set(s);")
    print(f"medians of {options.repeats} repeats (range).\n")
    head = ["checkout", "whole command", "processor time", "peak memory", "seconds over ours"]
    print(markdown_table(head, rows_of(results)))
    print("\nOne more run, by phases: seconds, and the peak memory up to their end.\n")
    names = list(dict.fromkeys(name for of_run in phases.values() for name in of_run))
    head = ["phase", *(text for name in phases for text in (f"{name}", f"{name}: peak memory"))]
    print(markdown_table(head, [[name, *_cells(phases.values(), name)] for name in names]))


def _sizes(options: argparse.Namespace) -> list[str]:
    sizes = ("images", "detectors", "conditions", "seeds", "sets")
    words = [word for name in sizes for word in (f"--{name}", str(getattr(options, name)))]
    return [*words, "--unmerged"] if options.unmerged else words


def _cells(runs: Sequence[Mapping[str, Sequence[float]]], name: str) -> list[str]:
    cells = []
    for phases in runs:
        seconds, peak = phases.get(name, (0.0, 0.0))
        cells += [f"{seconds:.1f} s", f"{peak / MIB:,.0f} MiB" if peak else "-"]
    return cells


if __name__ == "__main__":
    main()
