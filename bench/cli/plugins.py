"""Loads detectors and data sets of others: files named with ``--plugin``, and installed packages.

A plugin registers what it brings when it is imported, with ``detectors.register`` or ``datamodules.register_dataset``.
An installed package names its module in the entry points' group ``fauxbench.plugins``:

    [project.entry-points."fauxbench.plugins"]
    my-plugin = "my_package.my_module"
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from bench.errors import BenchError
from bench.scoring.foreign_code import FILES, line_in, words_of
from bench.scoring.machine.signals import is_interruption

GROUPS = ("fauxbench.plugins", "aigi_bench.plugins")
"""The entry points' group, and the one under the suite's former name."""


def load_plugins(files: Sequence[str | Path] = ()) -> None:
    """Imports the plugins of installed packages, then the given files; what is imported already is left as it is.

    Args:
        files: Python files.

    Raises:
        BenchError: A plugin is missing or fails; the message names it.
    """
    points = {point.value: point for group in reversed(GROUPS) for point in entry_points(group=group)}
    for point in sorted(points.values(), key=lambda point: point.name):
        _load_point(point)
    for file in files:
        _load_file(Path(file))


def _load_point(point: EntryPoint) -> None:
    package = point.dist.name if point.dist else "an unknown package"
    try:
        point.load()
    except BaseException as error:
        if is_interruption(error):
            raise
        raise BenchError(
            f"The plugin {point.name!r} of the package {package} cannot be loaded: {words_of(error)}. Mend the package "
            f"or uninstall it."
        ) from error


def _load_file(file: Path) -> None:
    """Imports a file under its own name, its folder at the end of the search path.

    A worker process that does not share this one's memory finds the module the same way, and the file finds its
    neighbours.
    """
    if not file.is_file():
        raise BenchError(f"There is no plugin file {file}.")
    if file.suffix != ".py" or "." in file.stem:
        raise BenchError(f"A plugin is a Python file with a name such as my_detector.py, got {file}.")
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(file.stem)
    if spec is None or spec.origin is None or not _same(Path(spec.origin), file):
        origin = spec.origin if spec and spec.origin else "another module"
        raise BenchError(f"The name of the plugin {file} is taken by {origin}: rename the file.")
    FILES[str(file.resolve())] = str(file)
    try:
        importlib.import_module(file.stem)
    except BaseException as error:
        if is_interruption(error):
            raise
        line = line_in(error, file)
        where = "" if line is None else f" (line {line})"
        raise BenchError(f"The plugin {file} cannot be loaded: {words_of(error)}{where}.") from error


def _same(first: Path, second: Path) -> bool:
    return first.is_file() and first.samefile(second)
