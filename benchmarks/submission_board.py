"""Time and peak memory of ``leaderboard --submissions`` on a results repository of made-up scores.

Run as ``python benchmarks/submission_board.py`` (ten submissions of 100,000 images each, one seed, of ten submitters,
the last of whom confirms the first), or with ``--seeds 3``, ``--images 10000``. The page is written, too.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from machine import describe_machine
from measure import MIB, markdown_table, run_command, spread

HERE = Path(__file__).resolve().parent


def make_repository(root: Path, images: int, submissions: int, seeds: int) -> None:
    """Writes a task, and submissions of random scores to it; the last are the first one's scores but for rounding."""
    import numpy as np
    import polars as pl
    from made_store import GENERATORS, REALS, make_images

    from bench.store.contrasts import ContrastRule
    from bench.store.sharing.submission import Submission, fingerprint_of, write_submission
    from bench.store.sharing.task import freeze, write_task

    rules = tuple(ContrastRule(generator, (REALS,)) for generator in GENERATORS)
    protocol = {"resize": 256}
    frozen = freeze(
        make_images(images, "made-up"), {"clean": rules}, name="made-up", title="made-up", protocol=protocol
    )
    (root / "tasks").mkdir(parents=True)
    write_task(frozen.task, root / "tasks" / "made-up.json")
    table, rng = frozen.task.images, np.random.default_rng(0)
    first: Submission | None = None
    for number in range(submissions):
        covered = {
            "detector": {"detector": f"detector-{number}", "options": {}},
            "run": {"protocol": '{"resize": 256}'},
        }
        shift = table["label"].to_numpy() * (0.5 + 0.1 * number)
        scores = pl.concat(
            table.select("sha256", score=rng.normal(shift, 1), seed=pl.lit(seed, pl.Int64), condition=pl.lit("clean"))
            for seed in range(seeds)
        )
        made = Submission(
            folder=root / "submissions" / f"submitter-{number}" / "detector",
            detector=f"detector-{number}",
            method=f"detector-{number}",
            options={},
            facts=covered,
            fingerprint=fingerprint_of(covered),
            trained_on=None,
            versions={"python": "3.11", "fauxbench": "0.1"},
            task=frozen.task.named,
            repository=f"https://example.org/submitter-{number}/scores",
            imported=False,
            scores=scores,
        )
        first = first or made
        if 0 < number == submissions - 1:
            rounded = first.scores.with_columns(pl.col("score") * (1 + 1e-7))
            made = replace(first, folder=made.folder, repository=made.repository, scores=rounded)
        write_submission(made)


def main() -> None:
    """Makes the repository, in a process of its own, and times the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--submissions", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make_repository(arguments.make, arguments.images, arguments.submissions, arguments.seeds)
        return
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("images", "submissions", "seeds")]
    with tempfile.TemporaryDirectory() as scratch:
        root, output = Path(scratch) / "repository", Path(scratch) / "board"
        # What makes the scores is large, and a command is never measured to be smaller than what started it.
        run_command([sys.executable, __file__, "--make", str(root), *sizes])
        command = [sys.executable, "-m", "bench", "leaderboard", "--submissions", str(root), "--output", str(output)]
        timed = [run_command([*command, "--html", str(root / "page.html")]) for _ in range(arguments.repeats)]
    rows = [
        [
            f"{arguments.submissions} x {arguments.images:,}",
            str(arguments.seeds),
            spread([one.seconds for one in timed], 1, " s"),
            spread([one.processor_seconds for one in timed], 1, " s"),
            f"{max(one.peak_bytes for one in timed) / MIB:,.0f} MiB",
        ]
    ]
    print(f"{describe_machine()}\n")
    print(markdown_table(("submissions x images", "seeds", "whole command", "processor time", "peak memory"), rows))


if __name__ == "__main__":
    main()
