"""Runs of ``compare`` on a folder of images, as processes of their own: watched and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from forked_runs import ForkedRun
from PIL import Image

from bench.cli.plugins import load_plugins
from bench.report.comparison import write_comparison
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.options import RunOptions

Photograph = Callable[..., Image.Image]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""The processes of a test share a few cores; without it torchrun would say that it sets this."""
PATIENCE = 280
REAL, LIGHT = ("wepe", "rigid"), ("light-mean", "light-spread")
"""The detectors of a run: those of papers, or two that cost nothing and can be told to take their time."""
PLUGIN, SECONDS = Path(__file__).with_name("light_detectors.py"), "LIGHT_SECONDS_AN_IMAGE"
Process = subprocess.Popen[str] | ForkedRun


def folder_of(photograph: Photograph, root: Path, count: int) -> Path:
    """Makes so many images, every third one real; a single one is real."""
    for number in range(count):
        place = root / ("real/camera" if number % 3 == 0 else f"generated/model{number % 2}")
        place.mkdir(parents=True, exist_ok=True)
        photograph(number, (40, 32)).save(place / f"{number:03d}.png")
    return root


def words_of(root: Path, output: Path, *more: str, detectors: Sequence[str] = REAL) -> list[str]:
    """The command line after ``python``."""
    words = ["-m", "bench", "compare", "--detectors", *detectors, "--dataset", "folder", "--data-root", str(root)]
    words += ["--plugin", str(PLUGIN)] if detectors == LIGHT else []
    return [*words, "--output", str(output), "--accelerator", "cpu", "--num-workers", "0", "--resize", "64", *more]


def run_here(root: Path, output: Path, detectors: Sequence[str] = REAL, **options: int) -> Comparison:
    """Does what the command line does on one device, without the seconds that a process takes to start.

    One thread, as the processes have: on a busy machine threads wait for each other most of the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    settings = RunOptions("folder", str(root), resize=64, output=output, num_workers=0, accelerator="cpu", **options)
    try:
        if detectors == LIGHT:
            load_plugins([PLUGIN])
        result = compare(list(detectors), settings)
    finally:
        torch.set_num_threads(threads)
    assert result is not None
    write_comparison(result, output)
    return result


@contextlib.contextmanager
def started(words: list[str], seconds: float = 0.0, **environment: str) -> Iterator[Process]:
    """Starts a run in a session of its own; whatever is left of it in the end is killed.

    Args:
        words: The command line after ``python``; only ``-m bench`` is forked from a process that knows its modules.
        seconds: That an image takes, with the detectors that cost nothing.
        environment: Further variables.
    """
    variables = os.environ | ONE_THREAD | {SECONDS: str(seconds)} | environment
    if words[:2] == ["-m", "bench"]:
        with ForkedRun(words[2:], variables) as run:
            yield run
        return
    process = subprocess.Popen(
        [sys.executable, *words],
        env=variables,
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


def wait_until(process: Process, reached: Callable[[], object]) -> None:
    """Waits for a run to come so far; it must not end before."""
    deadline = time.monotonic() + PATIENCE / 2
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the run does not come so far"
        time.sleep(0.02)


def children_of(process: Process) -> list[int]:
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


def srun_variables(tasks: int) -> list[dict[str, str]]:
    """Imitates what srun tells each of some tasks on one node."""
    job = {"SLURM_JOB_ID": "1", "SLURM_JOB_NAME": "x", "SLURM_NODELIST": "localhost", "SLURM_NODEID": "0"}
    job |= {"SLURM_NTASKS": str(tasks), "SLURM_NTASKS_PER_NODE": str(tasks)}
    job |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    return [job | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)} for rank in range(tasks)]


def separately(words: list[str], variables: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Starts a process for each of some environments, waits for all, and returns what each printed."""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(started(words, **environment)) for environment in variables]
        told = [process.communicate(timeout=PATIENCE) for process in processes]
        assert all(process.returncode == 0 for process in processes), told
    return told


def complaints(told: str) -> str:
    """What a run wrote to standard error but for the lines that say what goes on, and the warnings of its tables."""
    lines = told.splitlines(keepends=True)
    return "".join(line for line in lines if not line.endswith(" ...\n") and not line.startswith("Warning: "))


def errors_in(told: str) -> list[str]:
    """The lines for the user; there must be no traceback beside them."""
    assert "Traceback" not in told, told
    return [line for line in told.splitlines() if line.startswith("error:")]


def mistaken(words: list[str]) -> tuple[int, str]:
    """The exit code of a run to its end, and what it complained of."""
    with started(words) as process:
        _, complained = process.communicate(timeout=PATIENCE)
    return process.returncode, complaints(complained)
