"""Reads detectors as they are written on the command line: ``wepe:rule=tensor_std,ratio=0.2``."""

import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import BenchError
from detectors import Detector, UnknownNameError, list_detectors


@dataclass(frozen=True)
class DetectorSpec:
    """A detector as asked for.

    Args:
        name: The detector's name.
        options: Its options, typed.
        label: How it was written, which is how the tables call it.
        members: The detectors of an ensemble; none for a single one.
    """

    name: str
    options: Mapping[str, Any]
    label: str
    members: tuple["DetectorSpec", ...] = ()


def parse_detector(text: str) -> DetectorSpec:
    """Reads ``name`` or ``name:option=value,option=value``, or several of these joined by ``+``, an ensemble.

    A part without ``=`` belongs to the value before it, so that ``wepe:blocks=0-3,6,ratio=0.2`` reads as meant.

    Raises:
        UnknownNameError: No such detector or option.
        BenchError: A value is not of the option's type.

    Examples:
        >>> parse_detector("wepe:blocks=0-3,6,ratio=0.2").options
        {'blocks': '0-3,6', 'ratio': 0.2}
    """
    if "+" in text:
        return _ensemble(text)
    name, _, rest = text.strip().partition(":")
    registry = list_detectors()
    if name not in registry:
        raise UnknownNameError("detector", name, registry)
    written: dict[str, str] = {}
    for part in rest.split(",") if rest else ():
        option, equals, value = part.partition("=")
        if equals:
            if option.strip() in written:
                raise BenchError(f"{text!r} gives {option.strip()} twice.")
            written[option.strip()] = value.strip()
        elif written:
            written[next(reversed(written))] += f",{part.strip()}"
        else:
            raise BenchError(f"Cannot read {part!r} in {text!r}: write detector:option=value,option=value.")
    types_of = _option_types(registry[name])
    for option in written:
        if option not in types_of:
            raise UnknownNameError(f"option of {name}", option, types_of)
    options = {option: _typed(value, types_of[option], f"{name}:{option}") for option, value in written.items()}
    return DetectorSpec(name, options, text.strip())


def _ensemble(text: str) -> DetectorSpec:
    members = tuple(parse_detector(part) for part in text.split("+"))
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        raise BenchError(f"{text!r} fuses a detector with itself: an ensemble takes different detectors.")
    options = {member.name: tuple(sorted(member.options.items())) for member in members}
    return DetectorSpec("+".join(names), options, text.strip(), members)


def parse_detectors(texts: list[str]) -> list[DetectorSpec]:
    """Reads several detectors; the same one twice is a mistake.

    Raises:
        BenchError: Nothing is given, or something twice.
    """
    specs = [parse_detector(text) for text in texts]
    if not specs:
        raise BenchError(f"Name at least one detector: {', '.join(list_detectors())}.")
    for position, spec in enumerate(specs):
        if any((spec.name, spec.options) == (other.name, other.options) for other in specs[:position]):
            raise BenchError(f"{spec.label!r} is given twice.")
    return specs


def _option_types(detector: type[Detector]) -> dict[str, Any]:
    hints = get_type_hints(detector.__init__)
    parameters = inspect.signature(detector.__init__).parameters.values()
    return {p.name: hints[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "seed"}


def _takes_any_text(kind: object) -> bool:
    return kind is str or get_origin(kind) is Literal


def _typed(value: str, hint: Any, option: str) -> Any:  # noqa: ANN401 - any annotation a detector may have
    """Reads a value as the first alternative of its type that takes it; a text takes all."""
    alternatives = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for alternative in sorted(alternatives, key=_takes_any_text):
        if get_origin(alternative) is Literal or alternative is str:
            return value
        if alternative is bool and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if alternative in (int, float):
            try:
                return alternative(value)
            except ValueError:
                continue
        if alternative is type(None) and value.lower() in ("none", "null"):
            return None
    kinds = " or ".join(getattr(kind, "__name__", str(kind)) for kind in alternatives)
    raise BenchError(f"{option} takes {kinds}, got {value!r}.")
