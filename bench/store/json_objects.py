"""JSON from files that others wrote: an object, each key once, not nested too deep, of a stated layout."""

import json
import math
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, NoReturn


def read_object(data: bytes, deepest: int, strict: bool = False) -> dict[str, Any]:
    """Reads an object.

    Args:
        data: The text, UTF-8.
        deepest: Levels of nesting below it.
        strict: Whether NaN, infinite numbers and letters that are no Unicode are refused, too.

    Raises:
        ValueError: It is something else; the message says what.
    """
    numbers: dict[str, Any] = {"parse_constant": _no_number, "parse_float": _finite} if strict else {}
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_once, **numbers)
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
        if _depth_exceeds(found, deepest):
            raise ValueError("it is nested too deep")
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if strict and b"\\ud" in data.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def fault_in(value: Any, kind: Any, name: str = "") -> str | None:  # noqa: ANN401 - any value that JSON knows
    """Says what in a value is not of its kind, or nothing.

    A kind is a type, a list of one, or an object by key; a key that ends in ``?`` may be missing or null, and ``...``
    is any key.
    """
    if isinstance(kind, type | UnionType):
        return None if isinstance(value, kind) else f"{name} is {_shown(value)}"
    if not isinstance(value, type(kind)):
        return f"{name} is {_shown(value)}"
    if isinstance(kind, list):
        return next(filter(None, (fault_in(item, kind[0], name) for item in value)), None)
    kinds = dict.fromkeys(value, kind[...]) if ... in kind else kind
    for key, held in kinds.items():
        plain = str(key).removesuffix("?") if ... not in kind else key
        if value.get(plain) is None and plain != key:
            continue
        if plain not in value:
            return f"{name} has no {plain}".strip()
        fault = fault_in(value[plain], held, f"{name}.{plain}".lstrip("."))
        if fault:
            return fault
    return None


def keys_beside(value: Mapping[str, Any], kind: Mapping[Any, Any]) -> list[str]:
    """Returns the keys of an object that its kind does not know."""
    return sorted(set(value) - {str(key).removesuffix("?") for key in kind})


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}, which is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it holds a number that is too large")
    return value


def _depth_exceeds(value: Any, most: int) -> bool:  # noqa: ANN401 - any value that JSON knows
    level = [value]
    for _ in range(most):
        held = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in held for item in items]
    return bool(level)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else f"{text[:40]}..."
