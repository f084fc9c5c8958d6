"""Parsers whose errors are one line, and options made from dataclasses and their docstrings."""

import inspect
import math
import re
import sys
from argparse import SUPPRESS, Action, ArgumentDefaultsHelpFormatter, ArgumentTypeError
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentParser, Namespace

from bench.cli.config import MOST_BYTES, NONE, ConfigAction
from bench.report.docstrings import argument_meanings, docstring_sections
from bench.report.escaping import printable
from bench.scoring.options import MARGIN, MOST, RunOptions, Written, check_names
from bench.scoring.specs import check_detectors, with_checkpoints
from detectors.errors import MOST_DRAWS, UnknownNameError, did_you_mean


class OptionValueError(ArgumentTypeError, ValueError):
    """A value that an option cannot take; a command line wants the first kind of error, a file the second."""


def difference(value: object) -> float:
    """Reads a difference of two AUROCs, above 0 and up to 1."""
    try:
        margin = float(str(value))
    except ValueError:
        margin = math.nan
    if not 0 < margin <= 1:
        raise OptionValueError(f"expected a difference above 0 and up to 1, got {value}")
    return margin


def path_text(value: object) -> str:
    """Reads a path, which is not empty: an empty one would be the current folder."""
    if not str(value):
        raise OptionValueError("expected a path, got ''")
    return str(value)


PATHS = ("DIR", "FILE")
"""Placeholders of options whose values are paths."""
GROUPS = {"dataset": "data", "backbone": "model", "batch_size": "machine", "output": "results"}
"""Where a group of the shared options begins in the help."""
LONGEST = 64
"""Letters of a mistaken number that are shown; no number has so many."""
FLAG: dict[str, Any] = {"action": "store_true"}
SHARED: dict[str, dict[str, Any]] = {
    "config": {
        "action": ConfigAction,
        "metavar": "FILE",
        "help": f"YAML file of options, up to {MOST_BYTES // 1024} KiB, or a run.json; words after it override it",
    },
    "detectors": {
        "nargs": "+",
        "required": True,
        "metavar": "NAME[:OPTION=VALUE,...]",
        "help": "detectors to compare, for instance wepe:rule=tensor_std,ratio=0.2 rigid; rigid+wepe fuses z-scores, "
        "fuse=minp:rigid+wepe and fuse=stouffer:rigid+wepe by p-values from held-out real images; view=FIT among a "
        "detector's options cuts its own picture, as in rigid:view=native; n, draws and "
        f"directions are at most {MOST_DRAWS:,}",
    },
    "checkpoint": {
        "nargs": "+",
        "metavar": "NAME=FILE",
        "help": "weights of the trained detectors, for instance npr=NPR.pth univfd=fc_weights.pth",
    },
    "plugin": {
        "nargs": "+",
        "type": path_text,
        "metavar": "FILE",
        "help": "Python files that register detectors or data sets of your own; packages can do so by entry points",
    },
    "dry-run": {
        **FLAG,
        "help": "print the plan (images, conditions, passes, memory, what the store has) and score nothing",
    },
    "html": {"type": path_text, "metavar": "FILE", "help": "also write everything as one page that opens from disk"},
    "json": {**FLAG, "help": "print one JSON object and nothing else"},
    "margin": {
        "type": difference,
        "default": MARGIN,
        "metavar": "D",
        "help": "difference from a paper's number that a match must be able to find; beyond it is too wide to tell",
    },
    "seen-hashes": {
        "type": path_text,
        "metavar": "FILE",
        "help": "sha256 of a training set's images, one a line or a column sha256 of a CSV or Parquet file: a note "
        "says how many of the images at hand are among them, and what AUROC is without them",
    },
    "raw-names": {
        **FLAG,
        "help": "write names into CSV as they are, without the apostrophe before one that begins with = + - or @, "
        "which a spreadsheet would take for a formula",
    },
    "long": {**FLAG, "help": "print every generator, paired tests and all notes, not a row a detector alone"},
    "quiet": {**FLAG, "help": "print nothing; files are written as ever"},
}
"""Options that several commands take beside those of a run: what argparse wants to know of each."""


class HelpFormatter(ArgumentDefaultsHelpFormatter):
    """Shows defaults where there are any; types are said in words."""

    def _get_help_string(self, action: Action) -> str | None:
        return action.help if action.default in (None, False, SUPPRESS) else super()._get_help_string(action)


class OneLineParser(ArgumentParser):
    """A parser whose errors are one line and exit code 2."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - jsonargparse's own
        super().__init__(formatter_class=HelpFormatter, **options)

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
            kind = {"subcommand": "command"}.get(choice[1], choice[1])
            return str(UnknownNameError(kind, choice[2], re.findall(r"[\w-]+", choice[3])))
        if message.startswith('expected "subcommand"'):
            return f"Name a command; {self._command} --help lists them."
        if option := re.match(r"unrecognized arguments: (--[^ =]+)", message):
            known = [name for action in self._actions for name in action.option_strings]
            return f"Unknown option {option[1]!r}.{did_you_mean(option[1], known)} See {self._command} --help."
        return re.sub(r"\b(compare|robustness|score|fit|sweep)\.(?=\w)", "--", message)

    @property
    def _command(self) -> str:
        return self.prog.replace(" [options]", "")


def add_options(
    parser: ArgumentParser,
    options: type,
    names: Collection[str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> None:
    """Adds fields of a dataclass as options: the docstring says what they mean, the fields their types and defaults.

    Args:
        parser: Gets the options.
        options: The dataclass.
        names: The fields to take; all by default.
        groups: Titles of the help's groups, by the first field of each.
    """
    meanings, title, made = _meanings(options), "", dict[str, Any]()
    for field, hint in _hints(options):
        title = (groups or {}).get(field.name, title)
        if names is not None and field.name not in names:
            continue
        if title and title not in made:
            made[title] = parser.add_argument_group(title)
        flag = f"--{field.name.replace('_', '-')}"
        most = _unwrapped(hint)[1].most
        meaning = meanings[field.name] + ("" if most == MOST else f"; at most {most:,}")
        made.get(title, parser).add_argument(flag, help=meaning, **_argument(field, hint))


def add_run_options(parser: ArgumentParser, without: Collection[str] = ()) -> None:
    """Adds the options that all commands share, without some that a command has in its own way."""
    add_shared_options(parser, "config")
    names = [field.name for field in fields(RunOptions) if field.name not in without]
    add_options(parser, RunOptions, names, GROUPS)


def add_shared_options(parser: ArgumentParser, *names: str, **changes: Any) -> None:  # noqa: ANN401 - argparse's own
    """Adds options of :data:`SHARED` by their names; ``changes`` are what argparse is told otherwise of them."""
    for name in names:
        parser.add_argument(f"--{name}", **{**SHARED[name], **changes})


def add_output_option(parser: ArgumentParser) -> None:
    """Adds the folder of results alone."""
    add_options(parser, RunOptions, ["output"])


def run_options(arguments: Namespace) -> RunOptions:
    """Makes the shared options from parsed arguments; those that a command lacks keep their defaults."""
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


def chosen_detectors(arguments: Namespace) -> list[str]:
    """Returns the detectors that were asked for, with their checkpoints written into them.

    Raises:
        UnknownNameError: There is no such detector; nothing heavy was imported.
        BenchError: A checkpoint cannot be.
    """
    texts: Sequence[str] = arguments.detectors or ()
    check_detectors(texts)
    return with_checkpoints(texts, arguments.checkpoint)


def whole(least: int, other: str = "", most: int = MOST) -> Callable[[object], int | str]:
    """Makes the reader of a whole number, in the digits 0 to 9.

    Args:
        least: The least that it may be.
        other: A word that may stand in its place.
        most: The largest that it may be.
    """

    def read(value: object) -> int | str:
        if other and str(value).lower() in (other, "null"):
            return other
        text, or_other = str(value), f" or {other}" if other else ""
        if not re.fullmatch("[0-9]+", text) or (len(text) < LONGEST and int(text) < least):
            raise OptionValueError(f"expected a whole number of at least {least}{or_other}, got {text[:LONGEST]}")
        if len(text) >= LONGEST or int(text) > most:
            raise OptionValueError(f"expected a whole number of at most {most:,}{or_other}, got {text[:LONGEST]}")
        return int(text)

    return read


def _argument(field: "Field[Any]", hint: object) -> dict[str, Any]:
    """Returns what argparse wants to know of a field beside its meaning."""
    if hint is bool:
        return {"action": "store_true"}
    kind, written, may_be_none = _unwrapped(hint)
    required = field.default is MISSING
    default = None if required or field.default == () else field.default
    known: dict[str, Any] = {"metavar": written.placeholder, "required": required}
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


def _hints(options: type) -> Iterator[tuple["Field[Any]", object]]:
    hints = get_type_hints(options, include_extras=True)
    return ((field, hints[field.name]) for field in fields(options))


def _meanings(options: type) -> dict[str, str]:
    """Reads what the docstring says of each field, as a help says it."""
    meanings = argument_meanings(docstring_sections(inspect.getdoc(options) or "")[1]["Args"])
    return {name: _as_help(text) for name, text in meanings.items()}


def _as_help(text: str) -> str:
    first, rest = text[0], text[1:].removesuffix(".").replace("``", "").replace("%", "%%")
    return (first if text[1].isupper() or text[:2] == "W&" else first.lower()) + rest
