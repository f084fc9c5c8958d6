"""Claims: which process is computing which scores of a data set, so that no other computes them, too.

A claim is a small file in the data set's folder. Its owner touches it all the while and removes it at the end. One
whose owner was killed counts no more: on the same machine as soon as the process has ended, on another one that shares
the folder when the file was not touched for ``STALE`` seconds, for which the clocks must agree that far.
"""

import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.store.files import remove, write_atomically
from bench.store.owners import is_running, machine, start_of
from bench.store.schema import Scoring

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CLAIMS = ".claim-*.json"
STALE = 300.0
BEAT = 10.0
"""Seconds between two touches."""
LOOK_EVERY = 0.5
_LOCK, _LOCK_WAIT = ".claims.lock", 5.0
_HOST = re.compile(r"[\w.-]{1,255}")
Column = tuple[str, str, int]


@dataclass(frozen=True)
class Claim:
    """What a claim's file says; ``columns`` are fingerprints, conditions and seeds."""

    file: Path
    host: str
    machine: str
    process: int
    start: str
    detectors: tuple[str, ...]
    columns: frozenset[Column]

    @property
    def is_live(self) -> bool:
        """Whether its owner still computes."""
        try:
            age = time.time() - self.file.stat().st_mtime
        except FileNotFoundError:
            return False
        return is_running(self.process, self.start) if self.machine == machine() else age < STALE

    def wait(self) -> None:
        """Waits until its owner has done."""
        while self.is_live:
            time.sleep(LOOK_EVERY)


class Claims:
    """The claims on the scores in a data set's folder, at most one of them this run's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: Path | None = None
        self._done = threading.Event()

    def take(self, scorings: Iterable[Scoring]) -> Claim | None:
        """Claims scorings of the data set's images, unless another run has claimed one of them: that claim is returned.

        Raises:
            BenchError: The claim cannot be written.
        """
        scorings = list(scorings)
        columns = frozenset(_column(scoring) for scoring in scorings)
        with _alone(self.folder):
            live, stale = read_claims(self.folder)
            remove(stale)
            for claim in live:
                if not columns.isdisjoint(claim.columns):
                    return claim
            self._write(dict.fromkeys(scoring.detector for scoring in scorings), columns)
        return None

    def _write(self, detectors: Iterable[str], columns: frozenset[Column]) -> None:
        facts = {
            "host": socket.gethostname(),
            "machine": machine(),
            "process": os.getpid(),
            "start": start_of(os.getpid()),
            "detectors": list(detectors),
            "columns": sorted(columns),
        }
        name = f".claim-{machine()}-{os.getpid()}.{uuid.uuid4().hex[:12]}.json"
        self._file = write_atomically(self.folder / name, json.dumps(facts).encode())
        self._done.clear()
        threading.Thread(target=_beat, args=(self._file, self._done), daemon=True, name="claim").start()

    def release(self) -> None:
        """Gives up what this run has claimed."""
        self._done.set()
        if self._file is not None:
            remove([self._file])
        self._file = None


def read_claims(folder: Path) -> tuple[list[Claim], list[Path]]:
    """Reads the claims in a data set's folder: those whose owners still compute, and the files of the others."""
    live, stale = [], []
    for file in sorted(folder.glob(CLAIMS)):
        claim = _read(file)
        if claim is None or not claim.is_live:
            stale.append(file)
        else:
            live.append(claim)
    return live, stale


def _read(file: Path) -> Claim | None:
    try:
        facts = json.loads(file.read_bytes())
        columns = frozenset((str(name), str(condition), int(seed)) for name, condition, seed in facts["columns"])
        host = facts["host"] if _HOST.fullmatch(facts["host"]) else "another host"
        names = tuple(map(str, facts["detectors"]))
        return Claim(file, host, str(facts["machine"]), int(facts["process"]), str(facts["start"]), names, columns)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _column(scoring: Scoring) -> Column:
    return scoring.fingerprint, scoring.condition, scoring.seed


def _beat(file: Path, done: threading.Event) -> None:
    while not done.wait(BEAT):
        try:
            os.utime(file)
        except FileNotFoundError:
            return
        except OSError:
            continue  # a network's file system may be away for a while


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one process at a time in; where the file system knows no locks, or one hangs, all of them."""
    lock, deadline = folder / _LOCK, time.monotonic() + _LOCK_WAIT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            file = lock.open("a")
            if _is_locked(file.fileno(), lock) or time.monotonic() > deadline:
                break
            file.close()
            time.sleep(0.01)
    except OSError as error:
        raise BenchError(f"Cannot write {lock}: {error.strerror}.") from error
    with file:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # who opened it meanwhile sees that it has gone, and opens another


def _is_locked(descriptor: int, lock: Path) -> bool:
    """Locks a file, if nobody else has; it must still be the one of that name."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_ino == lock.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        return True  # no locks here
