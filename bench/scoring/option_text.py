"""Options behind the name of a detector or a dataset, ``name:option=value,option=value``, typed by its signature."""

import inspect
import re
import types
from collections.abc import Collection, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import BenchError
from bench.scoring.options import MOST
from detectors.errors import UnknownNameError

NUMBER = "[-+0-9.a-zA-Z]{1,64}"
"""Of what a number is written; ``int`` and ``float`` would take other alphabets' digits and underscores, too."""


def option_types(cls: type, without: Collection[str] = ()) -> dict[str, Any]:
    """Returns the annotation of every keyword-only argument of a class, its bases' included."""
    kinds: dict[str, Any] = {}
    for base in cls.__mro__:
        init = vars(base).get("__init__", object.__init__)
        parameters = inspect.signature(init).parameters.values()
        names = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
        if names:
            hints = get_type_hints(init)
            kinds |= {name: hints[name] for name in names if name not in kinds and name not in without}
    return kinds


def read_options(text: str, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Reads the options behind a name and gives each its type; a part without ``=`` belongs to the value before it.

    Args:
        text: All that was written.
        kinds: The annotation of each option there is.

    Raises:
        UnknownNameError: There is no such option.
        BenchError: A value is not of the option's type, or is given twice, or a part belongs to none.
    """
    name, colon, rest = text.strip().partition(":")
    if colon and not rest.strip():
        raise BenchError(f"No options follow the colon of {text!r}: write name or name:option=value.")
    written: dict[str, str] = {}
    for part in rest.split(",") if rest else ():
        option, equals, value = part.partition("=")
        if equals:
            if option.strip() in written:
                raise BenchError(f"{text!r} gives {option.strip()} twice.")
            written[option.strip()] = value.strip()
        elif written:
            written[next(reversed(written))] += f",{part.strip()}"
        elif {"model", "checkpoint"} <= kinds.keys():
            written["model"], at, file = part.strip().partition("@")
            written |= {"checkpoint": file} if at else {}
        else:
            raise BenchError(f"Cannot read {part!r} in {text!r}: write name:option=value,option=value.")
    for option in written:
        if option not in kinds:
            raise UnknownNameError(f"option of {name}", option, kinds)
    return {option: _typed(value, kinds[option], f"{name}:{option}") for option, value in written.items()}


def _typed(value: str, hint: Any, option: str) -> Any:  # noqa: ANN401 - any annotation
    """Reads a value as the first alternative of its type that takes it; a text takes all."""
    alternatives = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for alternative in alternatives:
        if alternative is bool and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if alternative in (int, float) and re.fullmatch(NUMBER, value):
            try:
                number = alternative(value)
            except ValueError:
                continue
            if isinstance(number, int) and abs(number) > MOST:
                raise BenchError(f"{option} must be at most {MOST:,}, got {value}.")
            return number
        if alternative is type(None) and value.lower() in ("none", "null"):
            return None
    if any(kind is str or get_origin(kind) is Literal for kind in alternatives):
        return value
    kinds = " or ".join(getattr(kind, "__name__", str(kind)) for kind in alternatives)
    raise BenchError(f"{option} takes {kinds}, got {value!r}.")
