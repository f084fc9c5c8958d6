"""Runs the scripts under ``benchmarks/``, in this process or as a user does."""

import contextlib
import importlib
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parents[2] / "benchmarks"


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Imports from a folder, as a script that lies there does."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def run_here(script: Path, *words: str) -> None:
    """Runs a script in this process, where the packages are imported already."""
    before = sys.argv
    sys.argv = [str(script), *words]
    try:
        with beside(script.parent):
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = before


def module(name: str) -> ModuleType:
    """Imports a module of the benchmarks."""
    with beside(HERE):
        return importlib.import_module(name)


def run_benchmark(name: str, *words: str) -> str:
    """Runs a benchmark as a user does; returns what it prints."""
    command = [sys.executable, str(HERE / f"{name}.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows_of(text: str) -> dict[str, list[str]]:
    """Reads the rows of the Markdown tables by their first cell, which later tables overwrite."""
    cells = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if "|" in line)
    return {row[0]: row[1:] for row in cells}
