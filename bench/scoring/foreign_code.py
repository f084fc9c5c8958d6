"""Failures in code from outside this package: detectors and data sets of plugins, named with file and line."""

import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from datamodules import registry as datasets
from detectors import registry as detectors

FILES: dict[str, str] = {}
"""The plugins' files that were named: as they were, by where they are."""


def words_of(error: BaseException) -> str:
    """Says what an error is: its kind, and its message where it has one."""
    return f"{type(error).__name__}: {error}".rstrip(".: ")


def line_in(error: BaseException, file: Path) -> int | None:
    """Returns the innermost line of a file that an error came through; None where it did not."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return next((frame.lineno for frame in frames if Path(frame.filename).resolve() == file.resolve()), None)


def plugin_failure(error: BaseException) -> str | None:
    """Says in a sentence which plugin failed, where and how; None where no code of one had a part in an error.

    What a process that reads images ran into comes as text alone.
    """
    files = foreign_files()
    for link in _chain(error):
        for file, name in files.items():
            if line := line_in(link, Path(file)):
                return f"The plugin {name} failed: {words_of(link)} (line {line})."
    told = re.findall(r'File "([^"\n]+)", line (\d+)', str(error)) if isinstance(error, Exception) else ()
    for written, number in reversed(told):
        if text := files.get(str(Path(written).resolve())):
            return f"The plugin {text} failed: {str(error).strip().splitlines()[-1]} (line {number})."
    return None


def foreign_files() -> dict[str, str]:
    """Returns the files of plugins, as a message names them, by where they are."""
    classes = (*detectors._registered.values(), *datasets._registered.values())
    modules = (sys.modules.get(cls.__module__) for cls in classes)
    named = (str(module.__file__) for module in modules if module is not None and getattr(module, "__file__", None))
    return {str(Path(file).resolve()): file for file in named} | FILES


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and what it came from."""
    link: BaseException | None = error
    for _ in range(sys.getrecursionlimit()):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__
