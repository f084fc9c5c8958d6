"""The text of ``run.json``: written with a checksum of its own, and read only where all that is used of it is right."""

import json
import zlib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any

Facts = dict[str, Any]
FORMAT = 1
"""Number of the layout of these facts; raised when a reader must know."""
CHECKSUM, MEMBERS_CHECKSUM = "checksum", "members_checksum"
"""Keys of the CRC-32 of the other facts, as they are written, and of ``members.parquet``."""
_DEEPEST = 20
_NUMBER = int | float

_DETECTOR = {
    **dict.fromkeys(("name", "paper", "view", "view_mode", "label", "precision"), str),
    "version": int,
    "options": dict,
    "backbone?": {"name": str, "weights": str},
    "held_out?": [str],
    "members?": [str],
    "trained_on?": [str],
    "passes?": _NUMBER,
}
_DATA = {
    **dict.fromkeys(("name?", "title?", "preprocessing?", "paths_sha256?", "set?", "identity?", "partial?"), str),
    "revision?": str,
    "images?": int,
    "notes?": [str],
    "apart?": [str],
    "release_dates?": {...: str},
    "protocol?": dict,
    "wanted?": {...: int},
    "contrasts?": {...: {...: [str]}},
}
_COST = {
    **dict.fromkeys(("images?", "seconds?", "devices?", "backbone_passes?"), _NUMBER),
    **dict.fromkeys(("peak_bytes?", "peak_device_bytes?"), _NUMBER),
    "seconds_by_detector?": {...: _NUMBER},
    "scores_by_detector?": {...: _NUMBER},
}
_RUN: dict[str, Any] = {
    "format?": int,
    "data?": _DATA,
    "detectors?": {...: _DETECTOR},
    "cost?": _COST,
    "options?": dict,
    "asked?": [str],
    "sweep?": {"settings?": [str], "default?": str},
    "versions?": dict,
    **dict.fromkeys(("command?", "time?", "commit?", "device?", "machine?", f"{MEMBERS_CHECKSUM}?"), str),
}
"""What is used of the facts: a type, a list of one, or an object by key; ``?`` may be missing or null, ``...`` is any
key."""


def facts_text(facts: Mapping[str, Any]) -> str:
    """Writes facts down with their checksum."""
    return f"{_text({**facts, CHECKSUM: _checksum(facts)})}\n"


def parse_facts(data: bytes) -> Facts:
    """Reads what :func:`facts_text` or an older version wrote; of another format only what means the same there.

    Raises:
        ValueError: It is something else; the message says what.
    """
    try:
        facts = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
        if not isinstance(facts, dict):
            raise ValueError("it holds no object")
        if _depth_exceeds(facts, _DEEPEST):
            raise ValueError("it is nested too deep")
        given = facts.pop(CHECKSUM, None)
        if given is not None and given != _checksum(facts):
            raise ValueError("it does not have the checksum in it")
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if facts.get("format") != FORMAT:
        known = ((key, value) for key, value in facts.items() if f"{key}?" in _RUN)
        return {key: value for key, value in known if _fault(value, _RUN[f"{key}?"], key) is None}
    fault = _fault(facts, _RUN)
    if fault:
        raise ValueError(fault)
    return facts


def _text(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=2)


def _checksum(facts: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(_text(facts).encode()):08x}"


def _once(pairs: Sequence[tuple[str, Any]]) -> Facts:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice")
    return found


def _depth_exceeds(value: Any, most: int) -> bool:  # noqa: ANN401 - any value that JSON knows
    level = [value]
    for _ in range(most):
        held = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in held for item in items]
    return bool(level)


def _fault(value: Any, kind: Any, name: str = "") -> str | None:  # noqa: ANN401 - any value that JSON knows
    """Says what in a value is not of its kind, or nothing."""
    if isinstance(kind, type | UnionType):
        return None if isinstance(value, kind) else f"{name} is {_shown(value)}"
    if not isinstance(value, type(kind)):
        return f"{name} is {_shown(value)}"
    if isinstance(kind, list):
        return next(filter(None, (_fault(item, kind[0], name) for item in value)), None)
    kinds = dict.fromkeys(value, kind[...]) if ... in kind else kind
    for key, held in kinds.items():
        plain = str(key).removesuffix("?") if ... not in kind else key
        if value.get(plain) is None and plain != key:
            continue
        if plain not in value:
            return f"{name} has no {plain}".strip()
        fault = _fault(value[plain], held, f"{name}.{plain}".lstrip("."))
        if fault:
            return fault
    return None


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else f"{text[:40]}..."
