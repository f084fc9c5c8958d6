"""How far scores of one detector lie apart between processors: what the tolerance of confirmations is held against.

Run as ``python benchmarks/tolerance.py`` (six detectors on 48 images of the demo): once as the processor likes, once
without its AVX instructions, as one that has none would add. Differences are in spreads, as the board of submitted
scores measures them.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from machine import describe_machine
from measure import markdown_table, run_command

DETECTORS = ("wepe", "rigid", "mc-dropout", "aeroblade", "contrastive-blur", "hfi")
WITHOUT_AVX = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}


def cells_of(output: Path) -> dict[str, dict[tuple[str, int], object]]:
    """Reads the scores of each detector by condition and seed."""
    import bench

    (dataset,) = bench.read_store(output)
    found: dict[str, dict[tuple[str, int], object]] = {}
    for scoring, scores in zip(dataset.panel.scorings, dataset.panel.scores, strict=True):
        found.setdefault(scoring.detector, {})[scoring.condition, scoring.seed] = scores
    return found


def main() -> None:
    """Scores twice and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detectors", nargs="+", default=DETECTORS)
    parser.add_argument("--limit", type=int, default=16, help="images of each source")
    arguments = parser.parse_args()
    words = ["compare", "--dataset", "demo", "--limit", str(arguments.limit), "--detectors", *arguments.detectors]
    with tempfile.TemporaryDirectory() as scratch:
        stores = {"with": {}, "without": WITHOUT_AVX}
        for name, environment in stores.items():
            output = Path(scratch) / name
            command = [sys.executable, "-m", "bench", *words, "--output", str(output), "--quiet"]
            run_command(command, {"OMP_NUM_THREADS": "1", **environment})
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        from bench.results.submissions.agreement import TOLERANCE, difference_of

        first, second = (cells_of(Path(scratch) / name) for name in stores)
    rows = [[name, f"{difference_of(first[name], second[name]).spreads:.1e}"] for name in sorted(first)]
    print(f"{describe_machine()}\n")
    print(markdown_table(("detector", "largest difference, in spreads"), rows))
    print(f"\nTolerance: {TOLERANCE:g}.")


if __name__ == "__main__":
    main()
