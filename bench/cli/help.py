"""How help is laid out: short usage, options in groups, examples and exit codes at the end, no line too wide."""

import re
import shutil
import textwrap
from argparse import (
    ONE_OR_MORE,
    OPTIONAL,
    PARSER,
    SUPPRESS,
    ZERO_OR_MORE,
    Action,
    ArgumentDefaultsHelpFormatter,
    Namespace,
)
from argparse import ArgumentParser as PlainParser
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.cli.streams import CLOSED_PIPE
from bench.errors import BenchError
from bench.scoring.machine.signals import NUMBERS

PROGRAM = "python -m bench"
WIDEST = 100
"""Columns of a help, however wide the terminal is."""
STOPPED = ", ".join(str(128 + number) for number in NUMBERS)
"""Exit codes as a shell gives them."""
COLUMN = 17
"""Where the meaning of an exit code begins."""
PATHS = ("DIR", "FILE", "PATH", "STORE", "OUTPUT")
"""Placeholders of what is a file or a folder."""
TOGETHER = "\N{NO-BREAK SPACE}"
"""Between words that stay on one line."""


def epilog(examples: Sequence[str], partial: str) -> str:
    """Writes what stands at the end of a command's help.

    Args:
        examples: The words after ``python -m bench``.
        partial: What exit code 1 says; empty where the command has none.
    """
    codes = {"0": "done", "1": partial, "2": "a mistake in the call, or no way to go on: one line says which"}
    codes |= {STOPPED: "stopped by Ctrl-C (SIGINT), SIGTERM or SIGHUP"}
    codes |= {str(CLOSED_PIPE): "the reader of the output has gone, as after | head"}
    lines = ["examples:", *(f"  {PROGRAM} {example}" for example in examples), ""] if examples else []
    return "\n".join(
        [*lines, "exit codes:", *(f"  {code:<{COLUMN - 3}} {told}" for code, told in codes.items() if told)]
    )


class HelpFormatter(ArgumentDefaultsHelpFormatter):
    """Shows defaults where there are any; types are said in words, several values by three dots."""

    def __init__(self, prog: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        options.setdefault("width", min(shutil.get_terminal_size().columns, WIDEST) - 2)
        super().__init__(prog, **options)

    def _get_help_string(self, action: Action) -> str | None:
        if isinstance(action.default, list):
            return f"{action.help} (default: {' '.join(action.default)})" if action.default else action.help
        return action.help if action.default in (None, False, SUPPRESS) else super()._get_help_string(action)

    def _format_usage(self, usage: str | None, actions: Iterable[Action], groups: Any, prefix: str | None) -> str:  # noqa: ANN401 - argparse's own
        """Names what must be given; the options are listed below it."""
        words = [self._prog.replace(" [options]", "")]
        if prefix == "":  # asked for by the parsers of its commands, which go on from here
            return words[0]
        for action in actions:
            if not action.option_strings and action.help is not SUPPRESS:
                words.append(self._format_args(action, self._get_default_metavar_for_positional(action)))
            elif action.required:
                value = self._format_args(action, self._get_default_metavar_for_optional(action))
                words.append(f"{action.option_strings[-1]} {value}")
        kept = [word.replace(" ", TOGETHER) for word in (*words[1:], "[OPTION ...]")]
        return _wrapped(" ".join(["usage:", words[0], *kept]), self._width, 8) + "\n\n"

    def _metavar_formatter(self, action: Action, default_metavar: str) -> Callable[[int], tuple[str, ...]]:
        if action.metavar is None and action.choices is not None:
            return lambda size: ("|".join(map(str, action.choices or ())),) * size
        return super()._metavar_formatter(action, default_metavar)

    def _format_args(self, action: Action, default_metavar: str) -> str:
        name = self._metavar_formatter(action, default_metavar)(1)[0]
        forms = {ONE_OR_MORE: f"{name} ...", ZERO_OR_MORE: f"[{name} ...]", OPTIONAL: f"[{name}]", PARSER: name}
        return forms.get(str(action.nargs)) or super()._format_args(action, default_metavar)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _wrapped(" ".join(text.split()), width).split("\n")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wraps a paragraph; of what has several lines, each line."""
        lines = text.split("\n")
        return "\n".join(_wrapped_line(line, width) for line in lines) if len(lines) > 1 else _wrapped(text, width)


def _wrapped(text: str, width: int, deeper: int = 0, end: str = "\n") -> str:
    """Wraps a paragraph, all lines but the first deeper; words with hyphens stay whole."""
    lines = textwrap.wrap(text, width, subsequent_indent=" " * deeper, break_on_hyphens=False)
    return end.join(lines).replace(TOGETHER, " ")


def _wrapped_line(line: str, width: int) -> str:
    """Wraps a line of the epilog: an example so that a shell reads its lines as one, the meaning of an exit code."""
    if not line.strip().startswith(PROGRAM):
        return _wrapped(line, width, COLUMN if line.startswith(" ") else 0)
    pairs = re.sub(r"(?<= )(--[\w-]+) (?!-)", rf"\1{TOGETHER}", line)
    return _wrapped(pairs, width - 2, 6, " \\\n")


class ShowVersion(Action):
    """Prints the versions of the suite, Python and torch, of which none is imported, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(option_strings, dest=SUPPRESS, default=SUPPRESS, nargs=0, **options)

    def __call__(self, parser: PlainParser, namespace: Namespace, *words: Any) -> None:  # noqa: ANN401 - argparse's own
        """Prints and ends."""
        import platform
        from importlib.metadata import version

        print(f"fauxbench {version('fauxbench')}, Python {platform.python_version()}, torch {version('torch')}")
        parser.exit()


class PrintCompletion(Action):
    """Prints the completion of a shell for the installed command ``fauxbench``, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(option_strings, dest=SUPPRESS, default=SUPPRESS, **options)

    def __call__(self, parser: PlainParser, namespace: Namespace, shell: Any, *words: Any) -> None:  # noqa: ANN401 - argparse's own
        """Prints and ends.

        Raises:
            BenchError: The library that makes completions is not here.
        """
        from importlib.util import find_spec

        if find_spec("shtab") is None:
            raise BenchError("Completion is made by shtab, which is not here: pip install 'fauxbench[completion]'.")
        import shtab

        parser.prog = "fauxbench"
        _complete_paths(parser)
        print(shtab.complete(parser, shell))
        parser.exit()


def _complete_paths(parser: Any) -> None:  # noqa: ANN401 - jsonargparse's, whose parsers of commands are its own affair
    """Has files or folders offered for the options of a parser, and of its commands', that take them."""
    import shtab

    for action in parser._actions:
        if action.metavar in PATHS:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
    for command in parser._subcommands_action._name_parser_map.values() if parser._subcommands_action else ():
        _complete_paths(command)
