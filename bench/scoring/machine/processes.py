"""The processes of a run, one a device: who does what alone, and what happens when one of them ends.

Lightning starts the other processes by running the command line again, once for each further device; ``torchrun`` and
``srun`` start all of them at once. Either way the first process alone makes the demo, lists the images, reads the store
and writes tables, and tells the others what came of it.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType, TracebackType
from typing import Any, ClassVar, TypeVar, cast

import lightning as L
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.distributed import _set_num_threads_if_needed  # what Lightning's own launcher calls
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

from bench.errors import BenchError
from bench.scoring.machine import signals
from bench.scoring.machine.signals import GOES_ON

Result = TypeVar("Result")
WAIT = timedelta(hours=24)
"""How long a process waits for the others: the first one may list millions of files meanwhile."""
PATIENCE = 20.0
"""Seconds that a process has to stop by itself after another one has ended."""
LOOK_EVERY = 0.5
FAILED_BEFORE = "AIGI_BENCH_FAILED_BEFORE"
"""Variable that tells the others how many of the first process's tasks failed before it started them."""


class StoppedError(BenchError):
    """The run of a Python program was told to stop, by SIGTERM; what was scored is in the store."""

    exit_code: ClassVar[int] = 128 + signal.SIGTERM


class ElsewhereError(BenchError):
    """Another process of the run failed and has said why; this one ends without a word."""

    silent: ClassVar[bool] = True


class _Start:
    """What this program has started, whichever of its trainers did: a command may make several.

    Attributes:
        children: The other processes of this node.
        lost: What ended the first of them that ended before its time; empty where it has said so itself.
        failed: Tasks of the first process that failed before.
        to_skip: Tasks that failed on the first process before it started this one.
    """

    children: ClassVar[list[subprocess.Popen[bytes]]] = signals.FOLLOWERS
    lost: ClassVar[str | None] = None
    failed = 0
    to_skip = int(os.environ.pop(FAILED_BEFORE, "0"))


class SplitStrategy(DDPStrategy):
    """One process a device, as Lightning's ``ddp``; but when one ends, the others keep what they have and end, too.

    Lightning's own observer kills the first process, and nothing ends the others when that one is killed.
    """

    def __init__(self) -> None:
        super().__init__(timeout=WAIT)

    def _configure_launcher(self) -> None:
        environment = self.cluster_environment
        assert environment is not None
        self._launcher: Any = _Launcher(environment, self.num_processes, self.num_nodes)


class _Launcher(_SubprocessScriptLauncher):
    """Starts the other processes of this node and watches them."""

    def launch(self, function: Callable[..., Any], *args: Any, trainer: L.Trainer | None = None, **kwargs: Any) -> Any:  # noqa: ANN401
        """Starts the others, unless they run already, and calls a function."""
        environment = self.cluster_environment
        environment.validate_settings(num_devices=self.num_processes, num_nodes=self.num_nodes)
        if not environment.creates_processes_externally:
            self._call_children_scripts()
            _Start.children.extend(self.procs)
            threading.Thread(target=_watch, daemon=True, name="watch-processes").start()
        elif isinstance(environment, LightningEnvironment) and environment.local_rank() > 0:
            threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="watch-parent").start()
        _set_num_threads_if_needed(num_processes=self.num_processes)
        return function(*args, **kwargs)


def _watch() -> None:
    """Ends this process some time after one that it started has failed, if it does not do so itself."""
    while True:
        codes = [process.poll() for process in _Start.children]
        failed = [(device, code) for device, code in enumerate(codes, start=1) if code]
        if failed:
            device, code = failed[0]
            _Start.lost = f"The process of device {device} was killed by signal {-code}. {GOES_ON}" if code < 0 else ""
            time.sleep(PATIENCE)
            os._exit(BenchError.exit_code)
        if all(code == 0 for code in codes):
            return
        time.sleep(LOOK_EVERY)


def _end_with(parent: int) -> None:
    """Ends this process when its parent has ended: it would wait for it, holding a device."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os._exit(BenchError.exit_code)


class Processes:
    """The processes of a run, as a context: on a failure of the first one the others of its node are stopped."""

    def __init__(self, trainer: L.Trainer) -> None:
        self.strategy, self.trainer = trainer.strategy, trainer
        self.joined = trainer.world_size == 1
        self.stopping = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes tables."""
        return self.trainer.is_global_zero

    @property
    def here(self) -> int:
        """How many processes of the run share this machine."""
        return self.trainer.num_devices

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            return
        for child in _Start.children:
            child.terminate()
        deadline = time.monotonic() + PATIENCE
        for child in _Start.children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()

    def first_does(self, work: Callable[[], Result]) -> Result:
        """Has the first process do something, and returns on every process what came of it, which can be pickled.

        Before Lightning starts the others the first one is alone, so its mistakes are told once and cost nothing.

        Raises:
            ElsewhereError: It failed on the first process, and this is another.
        """
        if self.trainer.world_size == 1:
            return work()
        if _Start.to_skip:
            _Start.to_skip -= 1
            raise ElsewhereError("the first process failed")
        environment = getattr(self.strategy, "cluster_environment", None)
        alone = not self.joined and (environment is None or not environment.creates_processes_externally)
        if not alone:
            if not self.joined:
                self._join()
            if not self.is_first:
                result, done = self.strategy.broadcast(cast(tuple[Result, bool], (None, False)))
                if not done:
                    raise ElsewhereError("the first process failed")
                return result
        try:
            result = work()
        except BaseException:
            if alone:
                _Start.failed += 1
            else:
                self.strategy.broadcast((None, False))
            raise
        if alone:
            os.environ[FAILED_BEFORE] = str(_Start.failed)
            self._join()
        self.strategy.broadcast((result, True))
        return result

    def _join(self) -> None:
        launcher = self.strategy.launcher
        assert launcher is not None
        try:
            launcher.launch(self.strategy.setup_environment)
        except (RuntimeError, ValueError) as error:
            raise BenchError(f"The processes cannot join each other: {' '.join(str(error).split())}") from error
        self.joined = True

    def listen(self) -> None:
        """Notes SIGTERM from now on, and passes it on; :meth:`check` then stops the run between two batches.

        Lightning's own handler talks to the other devices from within the signal, and ends with exit code 0.
        """
        if threading.current_thread() is threading.main_thread() and not signals.heed_again():
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        for child in _Start.children:
            child.send_signal(number)

    def check(self) -> None:
        """Ends this process's part in the run where it must not go on.

        Raises:
            Stopped: The command line was told to stop.
            StoppedError: A Python program was.
            ElsewhereError: Another process has ended and said why, or does so.
            BenchError: Another process was killed and could say nothing.
        """
        signals.check()
        if _Start.lost is not None:
            raise BenchError(_Start.lost) if _Start.lost else ElsewhereError("another process failed")
        if self.stopping:
            message = f"Stopped by SIGTERM. {GOES_ON}"
            raise StoppedError(message) if self.is_first else ElsewhereError(message)

    def explain(self, error: BaseException) -> BenchError | None:
        """Says what to raise instead of a failure of the connection between processes; nothing for another error."""
        hints = ("gloo", "NCCL", "Connection", "recv", "TCPStore", "Broken pipe")
        if self.trainer.world_size == 1 or not any(hint in str(error) for hint in hints):
            return None
        for _ in range(int(3 / LOOK_EVERY)):
            try:
                self.check()
            except BenchError as reason:
                return reason
            time.sleep(LOOK_EVERY)
        if not self.is_first:
            return ElsewhereError("the first process has ended")
        return BenchError(f"Another process of the run has ended. {GOES_ON}")
