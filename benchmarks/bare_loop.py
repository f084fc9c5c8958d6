"""Measures what the suite adds to the forward passes.

The suite scores a folder with WePe and RIGID, three passes an image: clean, perturbed, noisy. The bare loop
(``forwards.py``) runs the same three networks on tensors that were read, cut, normalised and made noisy before, and
keeps nothing: with these passes no loop is faster. Both have the same network, batch size, threads and memory setting.
Their ratio in images a second is taken within one run, with alternating repeats::

    python benchmarks/bare_loop.py --repeats 5
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from machine import describe_machine
from measure import HERE, Timed, alternate, markdown_table, ratios, run_command, run_suite, spread
from setting import add_setting_options, make_setting

BARE, SUITE = "bare loop", "suite"


def run_bare(arguments: Sequence[str]) -> Timed:
    """Runs ``forwards.py`` and reads its cost."""
    timed = run_command([sys.executable, str(HERE / "forwards.py"), *arguments])
    return replace(timed, cost=json.loads(timed.output.splitlines()[-1]))


def report(results: dict[str, list[Timed]]) -> str:
    """Writes the table, with the two ratios below."""
    rows = []
    for name, repeats in results.items():
        images = repeats[0].cost["images"]
        rows.append(
            [
                name,
                f"{repeats[0].cost['backbone_passes'] / images:.2f}",
                spread([one.cost["seconds"] for one in repeats], unit=" s"),
                spread([images / one.cost["seconds"] for one in repeats]),
                spread([one.seconds for one in repeats], unit=" s") if name == SUITE else "-",
            ]
        )
    head = ["", "passes an image", "its loop", "images a second in the loop", "whole command"]
    bare = [one.cost["seconds"] for one in results[BARE]]
    loop = spread(ratios(bare, [one.cost["seconds"] for one in results[SUITE]]), 3)
    whole = spread(ratios(bare, [one.seconds for one in results[SUITE]]), 3)
    return (
        f"{markdown_table(head, rows)}\n\n"
        f"Images a second of the suite over those of the bare loop: {loop} in the suite's test loop, "
        f"{whole} with its whole command (start, listing, tables) against the bare loop alone."
    )


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_setting_options(parser)
    parser.add_argument("--batch-size", type=int, default=32, help="images in a batch (default 32)")
    parser.add_argument("--num-workers", type=int, help="processes that decode for the suite (default: its own)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        setting = make_setting(options, Path(scratch))
        network = ["--backbone", setting.backbone, "--weights", str(setting.weights)]
        batch = ["--batch-size", str(options.batch_size)]
        data = ["--dataset", "folder", "--data-root", str(setting.images), "--view", "common", *network, *batch]
        workers = [] if options.num_workers is None else ["--num-workers", str(options.num_workers)]
        results = alternate(
            {
                BARE: lambda: run_bare(["--images", str(setting.images), *network, *batch]),
                SUITE: lambda: run_suite(["compare", "--detectors", "wepe", "rigid", *data, *workers]),
            },
            options.repeats,
        )
    print(f"{describe_machine()}\n{setting.describe(results[BARE][0].cost['images'], options.repeats)}\n")
    print(report(results))


if __name__ == "__main__":
    main()
