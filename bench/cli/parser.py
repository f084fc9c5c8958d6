"""Parsers whose errors are one line, and options made from dataclasses and their docstrings."""

import inspect
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentParser, Namespace

from bench.cli.config import NONE
from bench.cli.help import HelpFormatter, epilog
from bench.cli.printing import announce
from bench.cli.readers import path_text, whole
from bench.cli.shared import DETECTORS, EVERY, ORDER, RUN_GROUPS, SHARED, TITLES
from bench.errors import BenchError
from bench.report.docstrings import argument_meanings, docstring_sections
from bench.report.escaping import printable
from bench.report.words import named
from bench.scoring.options import MOST, RunOptions, Written, check_names
from bench.scoring.specs import check_detectors, with_checkpoints
from detectors.errors import UnknownNameError, did_you_mean

PATHS = ("DIR", "FILE")
"""Placeholders of options whose values are paths."""


class OneLineParser(ArgumentParser):
    """A parser whose errors are one line and exit code 2, and whose help ends with examples and exit codes.

    Args:
        examples: Calls, as the words after ``python -m bench``.
        partial: What exit code 1 says; empty where the command has none.
        **options: What jsonargparse takes.
    """

    def __init__(self, *, examples: Sequence[str] = (), partial: str = "", **options: Any) -> None:  # noqa: ANN401 - jsonargparse's own
        super().__init__(formatter_class=HelpFormatter, epilog=epilog(examples, partial), **options)
        self.examples = tuple(examples)
        self._positionals.title = "arguments"

    def titled(self, title: str) -> Any:  # noqa: ANN401 - a group, of a class that is jsonargparse's own
        """Returns the group of this title in the help, made where there is none."""
        if title == self._optionals.title:
            return self
        return next((group for group in self._action_groups if group.title == title), None) or (
            self.add_argument_group(title)
        )

    def format_help(self, formatter: Any = None) -> str:  # noqa: ANN401 - argparse's own
        """Writes the help, groups in their order: those of one command alone after its detectors."""
        places = {title: place for place, title in enumerate(ORDER)}
        self._action_groups = sorted(
            self._action_groups, key=lambda group: places.get(str(group.title), places[DETECTORS])
        )
        return super().format_help(formatter)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Prints what is wrong and ends the program."""
        words = self._told(" ".join(message.split()))
        print(f"error: {printable(words)}", file=sys.stderr)
        raise SystemExit(2)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Ends the program, once what it printed is out."""
        sys.stdout.flush()
        super().exit(status, message)
        raise AssertionError("argparse does not come back")

    def _told(self, message: str) -> str:
        """Says it as the rest of the program does, with the nearest name there is."""
        if choice := re.fullmatch(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message):
            known = re.findall(r"[\w-]+", choice[3])
            if choice[1].startswith("--"):
                return f"{choice[1]} must be one of {', '.join(known)}, got {choice[2]!r}."
            return str(UnknownNameError(choice[1].lower(), choice[2], known))
        if lacking := re.match(r'expected "(\w+\.)?subcommand"', message):
            kind, whose = ("an action", f" {lacking[1][:-1]}") if lacking[1] else ("a command", "")
            return f"Name {kind}; {self._command}{whose} --help lists them."
        if option := re.match(r"unrecognized arguments: (--[^ =]+)", message):
            return self._unknown(option[1])
        return re.sub(r"\b(compare|robustness|score|fit|sweep)\.(?=\w)", "--", message)

    def _unknown(self, flag: str) -> str:
        """Says that there is no such option, or that it does nothing here."""
        known = [name for action in self._actions for name in action.option_strings]
        if flag.removeprefix("--").replace("-", "_") in EVERY:
            return f"{flag} is an option of other commands and would do nothing here. See {self._command} --help."
        return f"Unknown option {flag!r}.{did_you_mean(flag, known)} See {self._command} --help."

    @property
    def _command(self) -> str:
        return self.prog.replace(" [options]", "")


def add_options(
    parser: OneLineParser,
    options: type,
    names: Collection[str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    **meanings: str,
) -> None:
    """Adds fields of a dataclass as options: the docstring says what they mean, the fields their types and defaults.

    Args:
        parser: Gets the options.
        options: The dataclass.
        names: The fields to take; all by default.
        groups: The fields under each title of the help; those of ``RunOptions`` by default.
        **meanings: What fields mean in this command, where it is something else.
    """
    hints, known = _hints(options), _meanings(options) | {name: _as_help(text) for name, text in meanings.items()}
    for title, held in (groups or RUN_GROUPS).items():
        for name in held:
            if names is None or name in names:
                most = _unwrapped(hints[name][1])[1].most
                meaning = known[name] + ("" if most == MOST else f"; at most {most:,}")
                flag = f"--{name.replace('_', '-')}"
                parser.titled(title).add_argument(flag, help=meaning, **_argument(*hints[name]))


def add_run_options(parser: OneLineParser, names: Collection[str] = EVERY, **meanings: str) -> None:
    """Adds options of a run, of all those there are by default, and the file that holds them."""
    add_shared_options(parser, "config")
    add_options(parser, RunOptions, names, None, **meanings)


def add_shared_options(parser: OneLineParser, *names: str, **changes: Any) -> None:  # noqa: ANN401 - argparse's own
    """Adds options of :data:`SHARED` by their names; ``changes`` are what argparse is told otherwise of them."""
    for name in names:
        parser.titled(TITLES[name]).add_argument(f"--{name}", **{**SHARED[name], **changes})
    if "config" in names:
        printing = parser._option_string_actions["--print_config"]
        printing.help = "print the options as a file for --config, and end; =skip_default leaves out the defaults"


def add_output_option(parser: OneLineParser) -> None:
    """Adds the folder of results alone."""
    add_options(parser, RunOptions, ["output"])


def run_options(arguments: Namespace) -> RunOptions:
    """Makes the shared options from parsed arguments; those that a command lacks keep their defaults.

    Raises:
        BenchError: A value cannot be, or a time is asked for without a plan.
    """
    if arguments.get("estimate") and not arguments.dry_run:
        raise BenchError("--estimate is for --dry-run: add it, or leave --estimate out.")
    options = RunOptions(**values_of(RunOptions, arguments))
    check_names(options)
    return options


def values_of(options: type, arguments: Namespace) -> dict[str, Any]:
    """Reads the fields of a dataclass from parsed arguments, as far as they were given or have a default."""
    values = {field.name: arguments.get(field.name) for field in fields(options)}
    return {
        name: None if value == NONE and name == "resize" else value
        for name, value in values.items()
        if value is not None
    }


def chosen_detectors(arguments: Namespace, beginning: str) -> list[str]:
    """Returns the detectors that were asked for, with their checkpoints written into them.

    Args:
        arguments: The command's.
        beginning: What is said, with the detectors' names, once these are known and before their code is imported.

    Raises:
        UnknownNameError: There is no such detector; nothing heavy was imported.
        BenchError: A checkpoint cannot be.
    """
    texts: Sequence[str] = arguments.detectors or ()
    check_detectors(texts)
    announce(f"{beginning} for {named(texts)}" if texts else beginning)
    return with_checkpoints(texts, arguments.checkpoint)


def _argument(field: "Field[Any]", hint: object) -> dict[str, Any]:
    """Returns what argparse wants to know of a field beside its meaning."""
    if hint is bool:
        return {"action": "store_true"}
    kind, written, may_be_none = _unwrapped(hint)
    required = field.default is MISSING
    default = None if required or field.default == () else field.default
    known: dict[str, Any] = {"metavar": written.placeholder or "|".join(written.choices), "required": required}
    if written.choices:
        known["choices"] = written.choices
    if written.placeholder in PATHS:
        known["type"] = path_text
    if get_origin(kind) is not None:
        known["nargs"] = "+"
    elif kind is int:
        known["type"] = whole(written.least, NONE if may_be_none and default is not None else "", written.most)
    elif kind is float:
        known["type"] = float
    return {**known, "default": str(default) if isinstance(default, Path) else default}


def _unwrapped(hint: Any) -> tuple[Any, Written, bool]:  # noqa: ANN401 - any annotation
    """Takes an annotation apart: the type, how it is written, and whether it may be None."""
    written, may_be_none = Written(), False
    while True:
        if get_origin(hint) is Annotated:
            hint, written = get_args(hint)
        elif NoneType in get_args(hint):
            (hint,), may_be_none = (kind for kind in get_args(hint) if kind is not NoneType), True
        else:
            return hint, written, may_be_none


@cache
def _hints(options: type) -> dict[str, tuple["Field[Any]", object]]:
    """Returns the fields with their annotations, by name."""
    hints = get_type_hints(options, include_extras=True)
    return {field.name: (field, hints[field.name]) for field in fields(options)}


@cache
def _meanings(options: type) -> dict[str, str]:
    """Reads what the docstring says of each field, as a help says it."""
    meanings = argument_meanings(docstring_sections(inspect.getdoc(options) or "")[1]["Args"])
    return {name: _as_help(text) for name, text in meanings.items()}


def _as_help(text: str) -> str:
    first, rest = text[0], text[1:].removesuffix(".").replace("``", "").replace("%", "%%")
    return (first if text[1].isupper() or text[:2] == "W&" else first.lower()) + rest
