"""Measures how far ``compare --dry-run --estimate`` is off: the seconds that it says against those of the run.

Each pair is of two commands next to each other, both into new folders, on the demo::

    python benchmarks/estimate.py --repeats 5
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from machine import describe_machine
from measure import markdown_table, run_command, spread

GOAL = 0.3
"""How far the median may be off."""


def run_pair(words: list[str], scratch: Path) -> tuple[float, float]:
    """Returns the seconds that are estimated, and those that the run takes."""
    command = [sys.executable, "-m", "bench", "compare", *words, "--output"]
    told = run_command([*command, str(scratch / "estimated"), "--dry-run", "--estimate", "--json"])
    estimate = json.loads(told.output[told.output.index("{") :])["estimate"]
    run = run_command([*command, str(scratch / "run")])
    return estimate["start"] + estimate["scoring"], run.seconds


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=60, help="images of each source (default 60)")
    parser.add_argument("--detectors", nargs="+", default=["wepe", "rigid"])
    parser.add_argument("--repeats", type=int, default=5, help="pairs (default 5)")
    options = parser.parse_args()
    words = ["--detectors", *options.detectors, "--limit", str(options.limit)]
    pairs = []
    for number in range(options.repeats):
        with tempfile.TemporaryDirectory() as scratch:
            pairs.append(run_pair(words, Path(scratch)))
        print(f"  pair {number + 1}: {pairs[-1][0]:.1f} s, {pairs[-1][1]:.1f} s", file=sys.stderr, flush=True)
    found = [estimated / taken for estimated, taken in pairs]
    row = [" ".join(words), *(spread([pair[which] for pair in pairs], 1, " s") for which in (0, 1)), spread(found)]
    print(f"{describe_machine()}\nPairs: {options.repeats}; medians (range). Goal: at most {GOAL:.0%} off.\n")
    print(markdown_table(["`compare` on the demo", "estimated", "taken", "estimated over taken"], [row]))
    print(f"\nThe median is {'within' if abs(median(found) - 1) <= GOAL else 'NOT within'} the goal.")


if __name__ == "__main__":
    main()
