"""Runs of ``compare`` on a folder of images, started as processes of their own: watched and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image

from bench.report.comparison import write_comparison
from bench.results.comparison import Comparison, compare
from bench.scoring.options import RunOptions

Photograph = Callable[..., Image.Image]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""The processes of a test share a few cores; without it torchrun would say that it sets this."""
PATIENCE = 280


def folder_of(photograph: Photograph, root: Path, count: int) -> Path:
    """Makes so many images, every third one real; a single one is real."""
    for number in range(count):
        place = root / ("real/camera" if number % 3 == 0 else f"generated/model{number % 2}")
        place.mkdir(parents=True, exist_ok=True)
        photograph(number, (40, 32)).save(place / f"{number:03d}.png")
    return root


def words_of(root: Path, output: Path, *more: str) -> list[str]:
    """The command line after ``python``."""
    words = ["-m", "bench", "compare", "--detectors", "wepe", "rigid", "--dataset", "folder", "--data-root", str(root)]
    return [*words, "--output", str(output), "--accelerator", "cpu", "--num-workers", "0", "--resize", "64", *more]


def run_here(root: Path, output: Path, **options: int) -> Comparison:
    """Does what the command line does on one device, without the seconds that a process takes to start.

    One thread, as the processes have: on a busy machine threads wait for each other most of the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    settings = RunOptions("folder", str(root), resize=64, output=output, num_workers=0, accelerator="cpu", **options)
    try:
        result = compare(["wepe", "rigid"], settings)
    finally:
        torch.set_num_threads(threads)
    assert result is not None
    write_comparison(result, output)
    return result


@contextlib.contextmanager
def started(words: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a run in a session of its own; whatever is left of it in the end is killed."""
    process = subprocess.Popen(
        [sys.executable, *words],
        env=os.environ | ONE_THREAD | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(process: subprocess.Popen[str], reached: Callable[[], object]) -> None:
    """Waits for a run to come so far; it must not end before."""
    deadline = time.monotonic() + PATIENCE / 2
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the run does not come so far"
        time.sleep(0.02)


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that it has started."""
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(child) for child in text.split()]


def is_alive(process_id: int) -> bool:
    """Says whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port() -> str:
    """A port of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def errors_in(told: str) -> list[str]:
    """The lines for the user; there must be no traceback beside them."""
    assert "Traceback" not in told, told
    return [line for line in told.splitlines() if line.startswith("error:")]


def mistaken(words: list[str]) -> tuple[int, str]:
    """The exit code of a run to its end, and what it complained of."""
    with started(words) as process:
        _, complained = process.communicate(timeout=PATIENCE)
    return process.returncode, complained
