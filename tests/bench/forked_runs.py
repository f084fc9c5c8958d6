"""Runs of the command line in processes of their own, forked from one that has imported the suite already.

A Python that starts afresh takes five seconds to import torch and Lightning. These processes have their own output,
signals, exit code and end, as those that a user starts; only their imports were made before.
"""

import contextlib
import importlib.util
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Thread
from typing import IO

PRELOADED = (
    "bench.results.comparing",
    "bench.report.comparison",
    "bench.report.html.pages",
    "bench.report.own_files",
    "bench.report.loggers.session",
    "bench.results.reference_set",
    "bench.scoring.files",
    "bench.studies.run",
    "detectors.wepe",
    "detectors.rigid",
)
KILLED = 20.0
"""Seconds to wait for the end of what was killed."""


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, __name__])
    return context


class ForkedRun:
    """A run of ``python -m bench``, with the part of ``subprocess.Popen`` that tests need.

    Args:
        words: What stands behind ``python -m bench``; or ``-c`` and code, as for ``python``.
        environment: All variables.
        text: Whether its output is text rather than bytes.
    """

    def __init__(self, words: Sequence[str], environment: dict[str, str], text: bool = True) -> None:
        self._folder = Path(tempfile.mkdtemp())
        for name in ("out", "err"):
            os.mkfifo(self._folder / name)
        arguments = (list(words), environment, str(Path.cwd()), str(self._folder))
        self._process = _context().Process(target=_run, args=arguments)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        mode = "r" if text else "rb"
        self.stdout: IO[str] = open(self._folder / "out", mode)  # noqa: PTH123, SIM115 - closed in __exit__
        self.stderr: IO[str] = open(self._folder / "err", mode)  # noqa: PTH123, SIM115

    def poll(self) -> int | None:
        """The exit code, where it has ended."""
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("bench", timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Reads all that it writes and waits for its end."""
        told = ["", ""]

        def read(position: int, stream: IO[str]) -> None:
            told[position] = stream.read()

        readers = [Thread(target=read, args=part, daemon=True) for part in enumerate((self.stdout, self.stderr))]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return told[0], told[1]

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def __enter__(self) -> "ForkedRun":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join(KILLED)
        self.stdout.close()
        self.stderr.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _run(words: list[str], environment: dict[str, str], cwd: str, folder: str) -> None:
    """Becomes the run."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL if number != signal.SIGPIPE else signal.SIG_IGN)  # as Python starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(Path(folder, name), os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as the process, as do the others
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    multiprocessing.set_start_method("fork", force=True)  # as where a run is started by a shell
    import torch

    if "OMP_NUM_THREADS" in environment:
        torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    if words[0] == "-c":
        exec(words[1], {"__name__": "__main__"})
        sys.stdout.flush()
        from bench.__main__ import leave

        leave(0)
    entry = importlib.util.find_spec("bench.__main__")
    assert entry is not None
    sys.modules["__main__"].__spec__ = entry  # from which Lightning makes the command of further processes
    sys.argv = [str(entry.origin), *words]
    from bench.__main__ import start

    start()
