"""Settings of one detector, from the way in which they are written: ``rigid:noise=0.01,0.05,draws=1,4``."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from bench.errors import BenchError
from bench.scoring.specs import DetectorSpec, parse_detectors, with_checkpoints
from detectors.registry import find_detector

MOST_SETTINGS = 64
VIEW, MODEL = "view", "model"
NO_VIEW = (VIEW, "method")
_PARTS = re.compile(r",(?![^\[]*\])")
"""A comma that is in no brackets."""


@dataclass(frozen=True)
class SweptSetting:
    """One setting of a sweep.

    Args:
        text: The detector, as ``compare`` takes it.
        label: What tables call it.
        values: Of the options that are swept, as written.
        is_default: Whether all of these are the method's own.
    """

    text: str
    label: str
    values: Mapping[str, str]
    is_default: bool


def parse_sweep(text: str, views: str | None = None, checkpoints: Sequence[str] | None = None) -> list[SweptSetting]:
    """Reads a detector whose options have several values each; all combinations are settings.

    A part without ``=`` is another value of the option before it, and a value that holds commas stands in brackets:
    ``wepe:blocks=[0-3,6],[0-7],ratio=0.1,0.2`` are four settings.

    Args:
        text: The detector.
        views: Ways of cutting the picture with commas between them, as ``view=`` takes them; ``method`` is its own.
        checkpoints: Files of weights, as ``--checkpoint`` gives them.

    Raises:
        BenchError: There is one setting or more than 64, an ensemble, or a setting that cannot be.
        UnknownNameError: There is no such detector, option or view.

    Examples:
        >>> [setting.text for setting in parse_sweep("rigid:noise=0.01,0.05")]
        ['rigid:noise=0.01', 'rigid:noise=0.05']
        >>> [setting.is_default for setting in parse_sweep("rigid:noise=0.01,0.05")]
        [False, True]
    """
    name, colon, rest = text.strip().partition(":")
    options = _listed(text, rest if colon else "")
    if views is not None:
        if VIEW in options:
            raise BenchError(f"{text!r} gives views, and so does --view {views}: take one of the two.")
        options[VIEW] = views.split(",")
    count = 1
    for values in options.values():
        count *= len(values)
    if count < 2:
        raise BenchError(f"{text!r} is one setting: give an option several values, as in rigid:noise=0.01,0.05,0.1.")
    if count > MOST_SETTINGS:
        raise BenchError(f"{text!r} makes {count:,} settings, and a sweep at most {MOST_SETTINGS}: give fewer values.")
    if "" in options:
        options = {option or MODEL: values for option, values in options.items()}
    swept = [option for option, values in options.items() if len(values) > 1]
    chosen = [dict(zip(options, values, strict=True)) for values in product(*options.values())]
    texts = with_checkpoints([_written(name, values) for values in chosen], checkpoints)
    specs = parse_detectors(texts)
    if any(spec.members for spec in specs):
        raise BenchError(f"{text!r} is an ensemble: a sweep is of the settings of one detector.")
    return [
        SweptSetting(written, spec.label, {option: values[option] for option in swept}, _is_default(spec, swept))
        for written, spec, values in zip(texts, specs, chosen, strict=True)
    ]


def _listed(text: str, rest: str) -> dict[str, list[str]]:
    """Takes the options apart, each with its values; the model of a shorthand has no name."""
    options: dict[str, list[str]] = {}
    for part in _PARTS.split(rest) if rest else ():
        option, equals, value = part.partition("=") if not part.startswith("[") else ("", "", part)
        if equals and option.strip() in options:
            raise BenchError(f"{text!r} gives {option.strip()} twice: write its values after each other, with commas.")
        if equals:
            options[option.strip()] = [_bare(value)]
        else:
            options.setdefault(next(reversed(options), ""), []).append(_bare(part))
    return options


def _bare(value: str) -> str:
    value = value.strip()
    return value[1:-1] if value.startswith("[") and value.endswith("]") else value


def _written(name: str, values: Mapping[str, str]) -> str:
    parts = [f"{option}={value}" if option else value for option, value in values.items() if (option, value) != NO_VIEW]
    return f"{name}:{','.join(parts)}" if parts else name


def _is_default(spec: DetectorSpec, swept: Sequence[str]) -> bool:
    """Says whether the options that are swept have the values that the method has without them."""
    cls = find_detector(spec.name)
    defaults: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        parameters = inspect.signature(vars(base).get("__init__", object.__init__)).parameters
        defaults |= {name: parameter.default for name, parameter in parameters.items()}
    plain = [option for option in swept if option != VIEW or option in defaults]
    same = all(spec.options.get(option, defaults.get(option)) == defaults.get(option) for option in plain)
    return same and spec.view in ("", cls.view.fit)
