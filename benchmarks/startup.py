"""Measures how long the suite takes where there is nothing to compute.

Help, a mistyped detector, the list of detectors, a comparison of the demo whose scores are all stored, the leaderboard
of that store and where a number of it comes from, five times each in turn; beside another checkout where one is given::

    python benchmarks/startup.py
    python benchmarks/startup.py --against ../before
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine import describe_machine
from measure import MIB, ROOT, Timed, alternate, check_checkout, markdown_table, ratios, refuse, run_command, spread

SCORED_NOTHING = "Scored now: 0."
THERE = ", there"


def run_bench(words: Sequence[str], expected: str = "", code: int = 0, root: Path = ROOT) -> Timed:
    """Runs ``python -m bench``.

    Args:
        words: The words after it.
        expected: What it must print.
        code: How it must end.
        root: The checkout of the suite.

    Raises:
        SystemExit: It prints something else: another thing was measured than was meant.
    """
    timed = run_command([sys.executable, "-m", "bench", *words], code=code, root=root)
    if expected not in " ".join(timed.output.split()):
        raise SystemExit(f"error: {' '.join(words)} did not print {expected!r}:\n{timed.output[-1000:]}")
    return timed


def main() -> None:
    """Fills a store, then times each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each command (default 5)")
    parser.add_argument("--limit", type=int, help="at most so many images of each source of the demo (default: all)")
    parser.add_argument("--against", type=Path, help="another checkout of the suite, for ratios: its seconds over ours")
    options = parser.parse_args()
    if options.repeats < 1:
        refuse(f"--repeats must be at least 1, got {options.repeats}.")
    check_checkout(options.against)
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
            "`list detectors`": (["list", "detectors"], "wepe"),
            "`compare`, everything stored": (words, SCORED_NOTHING),
            "`leaderboard` of that store": (["leaderboard", "--output", output], "rigid"),
            "`explain` of a number of it": (["explain", "demo", "rigid", "mean", "--output", output], "rigid"),
        }
        contestants = {}
        for name, command in commands.items():
            contestants[name] = functools.partial(run_bench, *command)
            if options.against:
                contestants[name + THERE] = functools.partial(run_bench, *command, root=options.against.resolve())
        results = alternate(contestants, options.repeats)
    setting = "the demo" if options.limit is None else f"the demo, {options.limit} images of each source"
    seconds = {name: [timed.seconds for timed in repeats] for name, repeats in results.items()}
    head, rows = ["`python -m bench ...`", "seconds", "peak memory"], []
    for name in commands:
        rows.append([name, spread(seconds[name], unit=" s"), _peak(results[name])])
        if options.against:
            there = name + THERE
            compared = spread(ratios(seconds[there], seconds[name]))
            rows[-1] += [spread(seconds[there], unit=" s"), _peak(results[there]), compared]
    head += ["seconds there", "peak memory there", "there over here"] if options.against else []
    print(f"{describe_machine()}\nSetting: {setting}; medians of {options.repeats} repeats (range).\n")
    print(markdown_table(head, rows))


def _peak(repeats: Sequence[Timed]) -> str:
    return f"{max(one.peak_bytes for one in repeats) / MIB:,.0f} MiB"


if __name__ == "__main__":
    main()
