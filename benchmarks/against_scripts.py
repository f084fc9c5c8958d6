"""Measures the suite against the way it is done today: one script a detector, run one after another.

The scripts under ``plain/`` decode with Pillow one by one in one process, compute in eager float32, and make a clean
pass each. The suite runs in steps, so that its gains can be told apart: what it shares (decoding, clean passes, one
start), then processes that decode, then ``--compile``, then ``--precision bf16-mixed``. Scores must agree, passes are
counted, and for the steps that move scores it is shown how far::

    python benchmarks/against_scripts.py --what pair
    python benchmarks/against_scripts.py --what five
    python benchmarks/against_scripts.py --what ten --steps --repeats 1 --count 8
    python benchmarks/against_scripts.py --what sweep --cells 4
    python benchmarks/against_scripts.py --what aeroblade

``pair`` is WePe and RIGID; ``five`` adds MC-Dropout and both kinds of Gradient Cuff; ``ten``
adds MINDER, contrastive blur, ConV, WaRPAD and AEROBLADE, each with its own picture; ``sweep`` is WePe with 5 seeds on
clean images and 15 degradations, 80 cells of which the scripts run some, scaled up.
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from machine import describe_machine, usable_cores
from measure import (
    MIB,
    ROOT,
    Timed,
    alternate,
    find_run,
    markdown_table,
    ratios,
    refuse,
    run_suite,
    spread,
    suite_offers,
)
from score_files import Difference, difference, script_scores, suite_scores
from scripts import KEEP_MEMORY, WORKS, Cell, Work, run_scripts
from setting import Setting, add_setting_options, make_setting

SCRIPTS, KEEPING, BEFORE = "scripts", "scripts, freed memory kept", "suite before, sharing alone"
TOLERANCE = 1e-4
"""Largest relative difference of a score between the suite in float32 and the scripts."""


def suite_steps(workers: int, chosen: Sequence[str]) -> dict[str, list[str]]:
    """Returns the options of each step, which include those before it; what the suite does not offer is left out."""
    workers_of, options = ["--num-workers", "0"], list[str]()
    steps = {"suite, sharing alone": workers_of}
    for name, more in (("workers", []), ("compile", ["--compile"]), ("bf16", ["--precision", "bf16-mixed"])):
        if name not in chosen:
            continue
        if more and not suite_offers(more[0]):
            print(f"The suite has no {more[0]}: the step {name!r} is left out.", file=sys.stderr)
            continue
        workers_of = ["--num-workers", str(workers)] if name == "workers" else workers_of
        options = [*options, *more]
        steps[f"+ {name}"] = [*workers_of, *options]
    return steps


class Contest:
    """Scripts and steps of the suite, and where each one's scores are.

    Args:
        work: What is computed.
        cells: Those of its cells that the scripts run.
        setting: The network and the images.
        steps: The options of each step of the suite.
        scratch: A folder for scores.
        before: Another checkout of the suite, which then takes the first step, too.
    """

    def __init__(
        self,
        work: Work,
        cells: Sequence[Cell],
        setting: Setting,
        steps: Mapping[str, list[str]],
        scratch: Path,
        before: Path | None,
    ) -> None:
        self.before = before
        self.work, self.cells, self.setting, self.steps, self.scratch = work, cells, setting, steps, scratch
        self.runs: dict[str, Path] = {}
        # A cache of its own, so that the first run of a compiled step compiles.
        self.environment = {"TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor")}

    def contestants(self, keeping: bool) -> dict[str, Callable[[], Timed]]:
        """Returns what is to be timed."""
        scale = len(self.work.cells) / len(self.cells)
        run = functools.partial(run_scripts, self.cells, scale, self.setting, self.work.view)
        found: dict[str, Callable[[], Timed]] = {SCRIPTS: lambda: run(self.scratch / "scripts")}
        if keeping:
            found[KEEPING] = lambda: run(self.scratch / "keeping", KEEP_MEMORY)
        earlier = {BEFORE: functools.partial(self.run_step, BEFORE)} if self.before else {}
        return found | earlier | {name: functools.partial(self.run_step, name) for name in self.steps}

    def run_step(self, name: str, *more: str) -> Timed:
        """Runs a step of the suite, with more options if need be; everything is computed anew."""
        output = Path(tempfile.mkdtemp(dir=self.scratch))
        setting = self.setting
        data = ["--dataset", "folder", "--data-root", str(setting.images)]
        network = ["--backbone", setting.backbone, "--weights", str(setting.weights)]
        first = next(iter(self.steps.values()))
        arguments = [*self.work.suite_arguments, *data, *network, *self.steps.get(name, first), *more]
        root = self.before if name == BEFORE and self.before else ROOT
        timed = run_suite(arguments, output, self.environment, root)
        self.runs[name] = find_run(output, arguments)
        return timed

    def warm_up(self) -> dict[str, float]:
        """Runs what would be slower the first time.

        The first step on few images, which brings the packages' files into the system's cache for all; and each
        compiled step on all images, which compiles for every shape of a batch.

        Returns:
            The seconds of the first run of each compiled step.
        """
        self.run_step(next(iter(self.steps)), "--limit", "1")
        compiled = [name for name, options in self.steps.items() if "--compile" in options]
        return {name: self.run_step(name).seconds for name in compiled}

    def differences(self, detector: str) -> dict[str, Difference]:
        """Compares everyone's scores of a detector with those of the suite's first step, float32 and eager."""
        all_cells = self.work.cells
        reference = suite_scores(self.runs[next(iter(self.steps))], all_cells)
        found = {SCRIPTS: difference(script_scores(self.scratch / "scripts", self.cells), reference, detector)}
        for name in self.runs:
            found[name] = difference(suite_scores(self.runs[name], all_cells), reference, detector)
        return found


def time_table(results: Mapping[str, Sequence[Timed]]) -> str:
    """Writes times, and how many times faster each is than the scripts and than the row above."""
    rows, above = [], results[SCRIPTS]
    scripts = results[SCRIPTS]
    for name, repeats in results.items():
        loops, wholes = ([one.cost["seconds"] for one in repeats], [one.seconds for one in repeats])
        rows.append(
            [
                name,
                _passes(repeats[0]),
                spread(loops, unit=" s"),
                spread(ratios([one.cost["seconds"] for one in scripts], loops)),
                spread(ratios([one.cost["seconds"] for one in above], loops)),
                spread(wholes, unit=" s"),
                spread(ratios([one.seconds for one in scripts], wholes)),
                f"{max(one.peak_bytes for one in repeats) / MIB:,.0f} MiB",
            ]
        )
        above = repeats
    faster = ("loop: times faster than the scripts", "than the row above")
    whole = ("whole commands", "whole commands: times faster than the scripts")
    head = ["", "passes an image", "loop", *faster, *whole, "peak memory"]
    return markdown_table(head, rows)


def _passes(timed: Timed) -> str:
    cost = timed.cost
    passes = cost["passes"] if "passes" in cost else cost["backbone_passes"] / cost["images"]
    return f"{passes:.2f}" if passes else "-"


def score_table(found: Mapping[str, Mapping[str, Difference]]) -> str:
    """Writes how far everyone's scores are from the suite's in float32, eager."""
    head = ["", "", "AUROC", "largest relative difference", "median", "Spearman"]
    rows = [
        [detector, name, f"{one.auroc:.4f}", f"{one.largest:.1e}", f"{one.median:.1e}", f"{one.spearman:.6f}"]
        for detector, everyone in found.items()
        for name, one in everyone.items()
    ]
    return markdown_table(head, rows)


def print_agreement(largest: Sequence[float]) -> int:
    """Says whether scripts and suite agree, and returns the exit code: 1 where they do not."""
    agree = all(one <= TOLERANCE for one in largest)  # never so for nan
    words = "agree" if agree else "DO NOT AGREE"
    print(f"\nScripts and suite {words}: largest relative difference {max(largest):.1e}, allowed {TOLERANCE:.0e}.")
    return int(not agree)


def parse_options() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=list(WORKS), default="pair", help="what is computed (default pair)")
    parser.add_argument("--cells", type=int, help="cells that the scripts run, scaled up (default: all; sweep: 4)")
    steps = ("workers", "compile", "bf16")
    parser.add_argument("--steps", nargs="*", choices=steps, default=steps, help="steps of the suite after sharing")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="processes that decode (default: cores)")
    parser.add_argument("--no-kept-memory", action="store_true", help="leave out the scripts with freed memory kept")
    parser.add_argument("--before", type=Path, metavar="DIR", help="another checkout of the suite, to be timed beside")
    add_setting_options(parser)
    options = parser.parse_args()
    if options.before and not (options.before / "bench").is_dir():
        refuse(f"--before {options.before} holds no checkout of the suite.")
    if options.cells is not None and options.cells < 1:
        refuse(f"--cells must be at least 1, got {options.cells}.")
    return options


def main() -> int:
    """Runs everyone and prints the tables; the exit code is 1 where scores disagree."""
    options = parse_options()
    work = WORKS[options.what]
    cells = work.some(options.cells or (4 if options.what == "sweep" else len(work.cells)))
    with tempfile.TemporaryDirectory() as scratch:
        setting = make_setting(options, Path(scratch))
        steps = suite_steps(options.workers, options.steps)
        before = options.before and options.before.resolve()
        contest = Contest(work, cells, setting, steps, Path(scratch), before)
        first = contest.warm_up()
        results = alternate(contest.contestants(not options.no_kept_memory), options.repeats)
        found = {detector: contest.differences(detector) for detector in work.detectors}
    images = results[next(iter(steps))][0].cost["images"]
    print(f"{describe_machine()}\n{setting.describe(images, options.repeats)}")
    if len(cells) < len(work.cells):
        print(f"Scripts: {len(cells)} of {len(work.cells)} cells run, scaled to {len(work.cells)}.")
    for name, seconds in first.items():
        print(f"The first run of {name!r}, which compiles: {seconds:.1f} s for the whole command; not in the table.")
    print(f"\n{time_table(results)}\n\n{score_table(found)}")
    return print_agreement([everyone[SCRIPTS].largest for everyone in found.values()])


if __name__ == "__main__":
    sys.exit(main())
