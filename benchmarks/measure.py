"""Runs commands, takes their time and memory, and sums repeats up.

Nothing heavy is imported here: see :func:`run_command`.
"""

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KILO = 1 if sys.platform == "darwin" else 1024
MIB = 2**20


@dataclass(frozen=True)
class Timed:
    """A command that has ended.

    Args:
        seconds: From its start to its end.
        peak_bytes: Largest resident memory of any one of its processes.
        output: What it printed.
        cost: What the suite or a script says of its own loop; empty for other commands.
        processor_seconds: Of all cores together, which others on the machine hardly change.
    """

    seconds: float
    peak_bytes: int
    output: str
    cost: Mapping[str, Any] = field(default_factory=dict)
    processor_seconds: float = 0.0


def refuse(message: str) -> NoReturn:
    """Ends the program for a user's mistake: one line, exit code 2."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


def check_checkout(folder: Path | None) -> None:
    """Refuses what is given as another checkout of the suite, but is none."""
    if folder and not (folder / "bench" / "__main__.py").is_file():
        refuse(f"--against must be a checkout of the suite, got {folder}.")


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, code: int = 0, root: Path = ROOT
) -> Timed:
    """Runs a command to its end.

    ``wait4`` gives the largest resident memory of the command and of the processes that it waited for. On Linux it
    is never less than that of the process that started the command, so the measuring process must stay small.

    Args:
        arguments: The command.
        environment: Variables to set beside those of this process.
        code: How it must end.
        root: The checkout of the suite that it is of.

    Raises:
        SystemExit: The command ended otherwise; its last lines are shown.
    """
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(_search_path(root)), **(environment or {})}
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(arguments, cwd=root, env=variables, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != code:
        last = "\n".join(text.splitlines()[-15:])
        raise SystemExit(f"{' '.join(arguments)}\nended with code {process.returncode}:\n{last}")
    return Timed(seconds, usage.ru_maxrss * KILO, text, processor_seconds=usage.ru_utime + usage.ru_stime)


def _search_path(root: Path) -> list[str]:
    """Puts this checkout first: an installed one may be another."""
    return [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]


def run_suite(
    arguments: Sequence[str],
    output: Path | None = None,
    environment: Mapping[str, str] | None = None,
    root: Path = ROOT,
) -> Timed:
    """Runs ``python -m bench`` and reads what its run says of its cost.

    Args:
        arguments: The words after ``python -m bench``, without ``--output``.
        output: The results' folder, new and empty so that everything is computed; by default one that is then deleted.
        environment: Variables to set beside those of this process.
        root: The checkout of the suite that is run.

    Raises:
        SystemExit: The command failed, or the folder held results before.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = output or Path(scratch)
        timed = run_command(
            [sys.executable, "-m", "bench", *arguments, "--output", str(folder)], environment, root=root
        )
        facts = json.loads((find_run(folder, arguments) / "run.json").read_text())
    return Timed(timed.seconds, timed.peak_bytes, timed.output, facts["cost"])


def find_run(output: Path, arguments: Sequence[str]) -> Path:
    """Finds the folder of the only run that a results folder holds.

    Beside it there may be a run in float32 on some of the images, by which the suite measures what another precision
    does to the scores; it is told by its precision.

    Raises:
        SystemExit: There is no such run, or several.
    """
    precision = arguments[arguments.index("--precision") + 1] if "--precision" in arguments else "32-true"
    runs = {file.parent: json.loads(file.read_text()) for file in output.glob("scores/*/*/run.json")}
    found = [run for run, facts in runs.items() if "cost" in facts and facts["options"]["precision"] == precision]
    if len(found) != 1:
        raise SystemExit(f"{output} holds {len(found)} finished runs in {precision}, expected 1: give a new folder.")
    return found[0]


@functools.cache
def suite_offers(option: str) -> bool:
    """Says whether ``compare`` has an option."""
    return option in run_command([sys.executable, "-m", "bench", "compare", "--help"]).output


def run_vit(folder: Path, *options: str) -> None:
    """Makes weights and images with ``vit.py``, in a process of its own."""
    run_command([sys.executable, str(HERE / "vit.py"), "--output", str(folder), *options])


def alternate(contestants: Mapping[str, Callable[[], Timed]], repeats: int) -> dict[str, list[Timed]]:
    """Runs every contestant so many times, in turn, every other time in the opposite order.

    A machine that slows down or speeds up meanwhile then does not favour one of them.
    """
    results: dict[str, list[Timed]] = {name: [] for name in contestants}
    for repeat in range(repeats):
        for name in list(contestants)[:: -1 if repeat % 2 else 1]:
            results[name].append(contestants[name]())
            print(f"  {name}, repeat {repeat + 1}: {results[name][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return results


def spread(values: Sequence[float], digits: int = 2, unit: str = "") -> str:
    """Writes the median and the range.

    Examples:
        >>> spread([1.0, 3.0, 2.0], unit=" s")
        '2.00 s (1.00 to 3.00)'
    """
    middle = f"{statistics.median(values):,.{digits}f}{unit}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Divides repeat by repeat, so that each ratio is of two measurements made next to each other."""
    return [numerator / denominator for numerator, denominator in zip(numerators, denominators, strict=True)]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a Markdown table; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
