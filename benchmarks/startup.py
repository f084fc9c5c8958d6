"""Measures how long the suite takes where there is nothing to compute.

Help, a mistyped detector, a comparison of the demo whose scores are all stored, and the leaderboard of that store, five
times each in turn::

    python benchmarks/startup.py
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Sequence

from machine import describe_machine
from measure import MIB, Timed, alternate, markdown_table, refuse, run_command, spread

SCORED_NOTHING = "Scored now: 0."


def run_bench(words: Sequence[str], expected: str = "", code: int = 0) -> Timed:
    """Runs ``python -m bench``.

    Args:
        words: The words after it.
        expected: What it must print.
        code: How it must end.

    Raises:
        SystemExit: It prints something else: another thing was measured than was meant.
    """
    timed = run_command([sys.executable, "-m", "bench", *words], code=code)
    if expected not in " ".join(timed.output.split()):
        raise SystemExit(f"error: {' '.join(words)} did not print {expected!r}:\n{timed.output[-1000:]}")
    return timed


def main() -> None:
    """Fills a store, then times each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each command (default 5)")
    parser.add_argument("--limit", type=int, help="at most so many images of each source of the demo (default: all)")
    options = parser.parse_args()
    if options.repeats < 1:
        refuse(f"--repeats must be at least 1, got {options.repeats}.")
    with tempfile.TemporaryDirectory() as output:
        words = ["compare", "--detectors", "wepe", "rigid", "--dataset", "demo", "--output", output]
        words += [] if options.limit is None else ["--limit", str(options.limit)]
        run_bench(words)
        commands = {
            "`--help`": (["--help"], "usage:"),
            "`compare --help`": (["compare", "--help"], "usage:"),
            "`compare --detectors wpee`, a mistyped name": (
                ["compare", "--detectors", "wpee"],
                "Did you mean 'wepe'",
                2,
            ),
            "`compare`, everything stored": (words, SCORED_NOTHING),
            "`leaderboard` of that store": (["leaderboard", "--output", output], ""),
        }
        results = alternate(
            {name: functools.partial(run_bench, *command) for name, command in commands.items()}, options.repeats
        )
    setting = "the demo" if options.limit is None else f"the demo, {options.limit} images of each source"
    rows = [
        [name, spread([one.seconds for one in repeats], unit=" s"), _peak(repeats)] for name, repeats in results.items()
    ]
    print(f"{describe_machine()}\nSetting: {setting}; medians of {options.repeats} repeats (range).\n")
    print(markdown_table(["`python -m bench ...`", "seconds", "peak memory"], rows))


def _peak(repeats: Sequence[Timed]) -> str:
    return f"{max(one.peak_bytes for one in repeats) / MIB:,.0f} MiB"


if __name__ == "__main__":
    main()
