"""What a command writes to standard output: tables for people, one JSON object for programs, or nothing."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import Namespace

if TYPE_CHECKING:
    from rich.console import Console

VERSION = 1
"""Of the layout of every JSON object; it changes where a name goes or gets another meaning."""


def make_console(arguments: Namespace) -> "Console":
    """Makes the console that tables are printed to; it prints nothing with ``--json`` and ``--quiet``."""
    from rich.console import Console

    return Console(quiet=arguments.json or arguments.quiet)


def shows_progress(console: "Console") -> bool:
    """Says whether somebody looks."""
    return console.is_terminal and not console.quiet


def print_written(
    arguments: Namespace, files: Sequence[Path], facts: Callable[[], Mapping[str, Any]], first: str = ""
) -> None:
    """Says which files were written, or prints the object of ``--json``, which names them, too.

    Args:
        arguments: The command's.
        files: What was written.
        facts: Makes what the object holds beside its version and the files.
        first: What is said before the files' names.
    """
    from bench.report.table import print_files

    print_files(files, make_console(arguments), first)
    print_json(arguments, lambda: {**facts(), "written": files})


def long_hint(arguments: Namespace) -> str:
    """Says what ``--long`` prints, where it was not asked for."""
    return "" if arguments.long else "--long prints every generator, paired tests and all notes. "


def written(files: Sequence[Path]) -> str:
    """Names the files that were written."""
    return f"Written: {', '.join(map(str, files))}."


def print_json(arguments: Namespace, facts: Callable[[], Mapping[str, Any]]) -> None:
    """Prints the object of ``--json``, where it is asked for.

    Args:
        arguments: The command's.
        facts: Makes what the object holds beside its version.
    """
    if arguments.json:
        print(json.dumps(_plain({"version": VERSION, **facts()}), allow_nan=False, default=str))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that JSON knows
    """Writes null where there is no number, as JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
