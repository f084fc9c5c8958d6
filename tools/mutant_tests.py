"""Runs the tests that reach a mutant, in a copy of the repository and in forks of a Python that has torch already.

All tests of a part are run once on the code as it is, with coverage's contexts, to learn which test runs which line,
and how long it takes. For a mutant those that run its line follow, the file named like it first, until one fails: the
quickest, as many as fit into ``BUDGET``. Where no test runs the line (at a module's top, or in a worker), those that
run the file do.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import coverage
import pytest

TESTS = {
    "bench/scoring": ("tests/bench/scoring", "tests/bench/results"),
    "bench/statistics": ("tests/bench/statistics", "tests/bench/results"),
    "bench/store": ("tests/bench/store", "tests/bench/scoring", "tests/bench/results"),
    "datamodules": ("tests/datamodules",),
    "detectors": ("tests/detectors", "tests/bench/report/test_detectors.py"),
}
"""Where the tests of each folder are, those that mirror it first."""
HEAVY_IMPORTS = (
    *("torch", "torchvision.models", "lightning", "timm", "open_clip", "polars", "pyarrow.dataset", "scipy.stats"),
    *("sklearn.metrics", "hypothesis.strategies"),
)
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-m", "not slow and not heavy", "--hypothesis-seed=0"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of plugins that a heavy import has imported
)
BUDGET = 30.0
"""Seconds of tests, as they take on the code as it is, that a mutant gets."""
PATIENCE = 4.0
"""A mutant's tests time out after this many times what they took, and ``START`` seconds."""
START = 60.0
NO_TESTS = 5
"""pytest's exit code where it found none."""


class TestRuns:
    """A copy of the repository, and what its tests reach.

    Args:
        root: Folder of the repository.
        files: Files of which mutants will be tried.

    Raises:
        SystemExit: A test fails on the code as it is.
    """

    __test__ = False

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.root, self.files = root, files

    def __enter__(self) -> "TestRuns":
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        self.copy = self.folder / "copy"
        try:
            _copy(self.root, self.copy)
            for name in HEAVY_IMPORTS:
                importlib.import_module(name)
            gc.freeze()  # or every fork's collections would go through all that
            self._learn()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def fate(self, file: str, text: str, line: int) -> tuple[str, int]:
        """Tells whether a test fails on a mutant.

        Args:
            file: Path in the repository.
            text: The file with the slip in it.
            line: Number of the changed line.

        Returns:
            "killed", "survived" or "timed out", and the number of tests chosen.
        """
        chosen = self._chosen(file, line)
        code = self._tried(file, text, chosen) if chosen else NO_TESTS
        return {None: "timed out", 0: "survived", NO_TESTS: "survived"}.get(code, "killed"), len(chosen)

    def _tried(self, file: str, text: str, chosen: Sequence[str]) -> int | None:
        path = self.copy / file
        original, stat = path.read_bytes(), path.stat()
        limit = START + PATIENCE * sum(self.seconds[test] for test in chosen)
        paths = list(dict.fromkeys(test.partition("::")[0] for test in chosen))
        path.write_text(text, encoding="utf-8")
        os.utime(path, (0, 0))  # so that it is not taken for what was compiled before
        try:
            return self._forked(lambda: pytest.main([*OPTIONS, *paths], [_Chosen(chosen)]), limit)
        finally:
            path.write_bytes(original)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    def _learn(self) -> None:
        """Runs the tests on the code as it is."""
        places = [
            place for part, places in TESTS.items() if any(f.startswith(part) for f in self.files) for place in places
        ]
        learnt = self.folder / "learnt.json"
        paths = [*dict.fromkeys(places), *self.files]
        if self._forked(lambda: _learnt(learnt, paths, self.files)) != 0:
            raise SystemExit((self.folder / "output").read_text(encoding="utf-8", errors="replace"))
        content = json.loads(learnt.read_text(encoding="utf-8"))
        self.seconds: Mapping[str, float] = content["seconds"]
        self.reached: Mapping[str, Mapping[str, list[str]]] = content["reached"]

    def _chosen(self, file: str, line: int) -> list[str]:
        lines = self.reached.get(file, {})
        contexts = lines.get(str(line)) or sorted({context for found in lines.values() for context in found})
        reaching = {context for context in contexts if context in self.seconds}
        set_up = {
            context.removesuffix("|setup").partition("::")[0] for context in contexts if context not in self.seconds
        }
        # What a fixture runs, all tests of its file may look at.
        able = [test for test in self.seconds if test in reaching or test.partition("::")[0] in set_up]
        taken: set[str] = set()
        left = BUDGET
        for test in sorted(able, key=lambda test: self.seconds[test]):
            left -= self.seconds[test]
            if left < 0 and taken:
                break
            taken.add(test)
        mirrored = f"tests/{Path(file).parent.as_posix()}/test_"

        def distance(test: str) -> tuple[bool, bool]:
            return not test.startswith((file, mirrored + Path(file).stem)), not test.startswith(mirrored)

        return sorted((test for test in able if test in taken), key=distance)

    def _forked(self, action: Callable[[], int], limit: float | None = None) -> int | None:
        """Runs something in a fork, in the copy, and returns its exit code; none if it takes longer than the limit.

        What is compiled without a limit, of the code as it is, is kept.
        """
        scratch = self.folder / "scratch"
        scratch.mkdir()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                self._settle(scratch)
                sys.dont_write_bytecode = limit is not None
                code = action()
            except BaseException:  # the fork ends here, whatever happens
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        try:
            return _waited(process, limit)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # also what it started
            shutil.rmtree(scratch, ignore_errors=True)

    def _settle(self, scratch: Path) -> None:
        os.setsid()
        output = os.open(self.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        os.chdir(self.copy)
        os.environ.update(
            TMPDIR=str(scratch), HYPOTHESIS_STORAGE_DIRECTORY=str(scratch / "hypothesis"), OMP_NUM_THREADS="1"
        )
        tempfile.tempdir = None
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.path[:] = [str(self.copy), *(path for path in sys.path if path and Path(path).resolve() != self.root)]
        for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
            del sys.modules[name]


class _Chosen:
    """Leaves out the tests that were not chosen."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = set(tests)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.tests]


class _Contexts:
    """Tells coverage which test runs, and keeps how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        self.measured.switch_context(f"{item.nodeid}|setup")
        yield
        self.measured.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def _learnt(result: Path, paths: Sequence[str], files: Sequence[str]) -> int:
    measured = coverage.Coverage(
        data_file=None, include=[str(Path(file).resolve()) for file in files], config_file=False
    )
    contexts = _Contexts(measured)
    measured.start()
    code = int(pytest.main([*OPTIONS, *paths], [contexts]))
    measured.stop()
    data = measured.get_data()
    reached = {file: data.contexts_by_lineno(str(Path(file).resolve())) for file in files}
    known = {
        file: {line: [one for one in ran if one] for line, ran in lines.items()} for file, lines in reached.items()
    }
    result.write_text(json.dumps({"seconds": contexts.seconds, "reached": known}), encoding="utf-8")
    return code


def _copy(root: Path, copy: Path) -> None:
    """Copies what git knows of a repository, and what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=root, check=True, capture_output=True
    )
    for name in listed.stdout.decode().split("\0"):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)


def _waited(process: int, limit: float | None) -> int | None:
    end = None if limit is None else time.monotonic() + limit
    while end is None or time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None
