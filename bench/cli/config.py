"""The file of ``--config``: flat YAML, option by option, read here so that nothing in it can run, loop or grow.

Values are texts, as on the command line, or lists of them: there are no aliases, no tags, no nesting and no file in a
file. Each is read by the option's own reader.
"""

import argparse
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ActionConfigFile  # type: ignore[attr-defined] # which names no __all__ for it

from bench.errors import BenchError
from bench.report.escaping import printable
from bench.scoring.options import RunOptions
from bench.store.facts import parse_facts
from detectors.errors import did_you_mean

MOST_BYTES = 65_536
"""Of a file."""
MOST_LETTERS = 4_096
"""Of a value."""
NONE = "none"
"""Written of an option that has no value though its default is one."""
ELSEWHERE = (
    "detectors",
    "checkpoint",
    "plugin",
    "dry_run",
    "estimate",
    "html",
    "seen_hashes",
    "raw_names",
    "json",
    "long",
    "quiet",
    "action",
)
"""Options beside those of a run that several commands have, so that one file can be for all of them."""
NULL, TRUE, FALSE = ("", "~", "null"), ("true", "yes", "on"), ("false", "no", "off")
Value = str | list[str]


class ConfigError(BenchError):
    """A file of ``--config`` is not one."""

    def __init__(self, file: str, wrong: str) -> None:
        super().__init__(f"--config {file}: {wrong}.")


class ConfigAction(ActionConfigFile):
    """Takes options from a file, in the place where it is named; words after it override them."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        cfg: argparse.Namespace,
        values: Any,  # noqa: ANN401 - argparse's own
        option_string: str | None = None,
    ) -> None:
        """Reads the file.

        Raises:
            ConfigError: It cannot be read, or an option in it cannot be.
        """
        others = (self.dest, "help", "print_config")
        actions = {action.dest: action for action in parser._actions if action.dest not in others}
        told = read_run(values, actions) if Path(values).suffix == ".json" else read_config(values)
        passed_by = []
        for name, value in told.items():
            if name not in actions and (name in ELSEWHERE or hasattr(RunOptions, name)):
                passed_by += [name] if _is_set(name, value) else []
                continue
            if name not in actions:
                near = did_you_mean(name, actions)
                raise BenchError(f"Unknown option {name!r} in the file of --config.{near} File: {values}.")
            try:
                taken = _taken(actions[name], value)
            except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
                raise ConfigError(values, f"{name}: {error}") from error
            if taken is not None:
                setattr(cfg, name, taken)
        if passed_by:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in passed_by)
            print(printable(f"note: {values}: passed by, as other commands have them: {names}"), file=sys.stderr)
        setattr(cfg, self.dest, [values])


def _is_set(name: str, value: Value) -> bool:
    """Says whether an option has another value than by default."""
    default = getattr(RunOptions, name, None)
    written = _written(list(default) if isinstance(default, tuple) else default)
    return value not in (written, "none", []) and (isinstance(value, list) or value.lower() not in (*NULL, *FALSE))


def read_run(file: str, known: Container[str]) -> dict[str, Value]:
    """Reads the options of a run, and the detectors that it was asked for, from what it kept of itself (``run.json``).

    Args:
        file: Its name.
        known: The options that this command takes; others are passed by.

    Raises:
        ConfigError: It is no such file.
    """
    try:
        facts = parse_facts(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not facts.get("options"):
        raise ConfigError(file, "is not the run.json of a run: it has no options")
    told = {**facts["options"], "detectors": facts.get("asked")}
    told["resize"] = NONE if told.get("resize", NONE) is None else told.get("resize")
    return {name: _written(value) for name, value in told.items() if name in known and value is not None}


def _written(value: object) -> Value:
    """Writes a value of JSON as on the command line."""
    return [str(part) for part in value] if isinstance(value, list) else str(value)


def read_config(file: str) -> dict[str, Value]:
    """Reads the options of a file as texts.

    Raises:
        ConfigError: It is no file of options, or a larger one than an honest one is.
    """
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MOST_BYTES:
        raise ConfigError(file, f"is larger than {MOST_BYTES:,} bytes, which no file of options is")
    try:
        return _options(yaml.parse(data.decode("utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except UnicodeDecodeError as error:
        raise ConfigError(file, f"is not UTF-8 (byte {error.start})") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(file, " ".join(str(error).replace('in "<unicode string>", ', "at ").split())) from error


def _options(events: Iterator[yaml.Event]) -> dict[str, Value]:
    """Reads a mapping of texts and lists of texts from the parts of a file.

    Raises:
        ValueError: It is something else.
    """
    options: dict[str, Value] = {}
    stream = (event for event in events if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent))
    if not isinstance(next(stream, None), yaml.MappingStartEvent):
        raise ValueError("holds no options, a line each as in 'seeds: 5'")
    for event in stream:
        if isinstance(event, yaml.MappingEndEvent):
            break
        name = _text(event, "the name of an option").replace("-", "_")
        if name in options:
            raise ValueError(f"gives {name} twice {_where(event)}")
        value = next(stream)
        if not isinstance(value, yaml.SequenceStartEvent):
            options[name] = _text(value, name)
            continue
        _check_plain(value, name)
        options[name] = [_text(part, name) for part in _until_the_end(stream)]
    if any(isinstance(event, yaml.DocumentStartEvent) for event in events):
        raise ValueError("holds several documents")
    return options


def _until_the_end(parts: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for part in parts:
        if isinstance(part, yaml.SequenceEndEvent):
            return
        yield part


def _text(event: yaml.Event, name: str) -> str:
    """Returns a text, as it stands in the file."""
    where = _check_plain(event, name)
    if not isinstance(event, yaml.ScalarEvent):
        raise ValueError(f"{name}: expected a text or a list of texts {where}")
    if len(event.value) > MOST_LETTERS:
        raise ValueError(f"{name}: longer than {MOST_LETTERS:,} letters {where}")
    return str(event.value)


def _check_plain(event: yaml.Event, name: str) -> str:
    """Refuses what stands for something else, and says where a part is."""
    where = _where(event)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise ValueError(f"{name}: an alias or anchor is not taken: write the value out {where}")
    if tag := getattr(event, "tag", None):
        raise ValueError(f"{name}: the tag {tag} is not taken {where}")
    return where


def _where(event: yaml.Event) -> str:
    return f"(line {event.start_mark.line + 1})" if event.start_mark else ""


def _taken(action: argparse.Action, value: Value) -> Any:  # noqa: ANN401 - what the option holds
    """Reads a value as an option's own reader does on the command line; None where it says that there is none."""
    if action.nargs in ("+", "*"):
        if isinstance(value, str) and value.lower() in NULL:
            return None
        if isinstance(value, str):
            raise ValueError(f"expected a list, as in [{value}]")
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected one value, got a list of {len(value)}")
    if action.const is True:
        if value.lower() not in (*TRUE, *FALSE):
            raise ValueError(f"expected true or false, got {value}")
        return value.lower() in TRUE
    if value.lower() in NULL and action.default is None:
        return None
    if action.choices and value not in action.choices:
        raise ValueError(f"expected one of {', '.join(action.choices)}, got {value}")
    return action.type(value) if callable(action.type) else value
