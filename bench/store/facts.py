"""The text of ``run.json``: written with a checksum of its own, and read only where all that is used of it is right."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from bench.store.json_objects import fault_in, read_object

Facts = dict[str, Any]
FORMAT = 1
"""Number of the layout of these facts; raised when a reader must know."""
CHECKSUM, MEMBERS_CHECKSUM = "checksum", "members_checksum"
"""Keys of the CRC-32 of the other facts, as they are written, and of ``members.parquet``."""
COVERS, MADE_FROM = "covers", "made_from"
"""Of a detector: what its fingerprint covers, so that it can be computed again, and what identifies all of that before
the detector is built."""
NOT_KNOWN, TRAINED_ON = "not known", "trained_on"
"""Of a detector: the key of what it was trained on, and the word where that is not stated."""
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
    "covers?": {"detector": dict, "run": dict},
    "made_from?": str,
    "imported?": dict,
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
    **dict.fromkeys(("images?", "seconds?", "devices?", "backbone_passes?", "spared_block_passes?"), _NUMBER),
    **dict.fromkeys(("peak_bytes?", "peak_device_bytes?"), _NUMBER),
    "seconds_by_detector?": {...: _NUMBER},
    "seconds_by_device?": [_NUMBER],
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
    "imported?": dict,
    **dict.fromkeys(("command?", "time?", "commit?", "device?", "machine?", f"{MEMBERS_CHECKSUM}?"), str),
}
"""What is used of the facts, as :func:`bench.store.json_objects.fault_in` reads it."""


def facts_text(facts: Mapping[str, Any]) -> str:
    """Writes facts down with their checksum."""
    return f"{_text({**facts, CHECKSUM: _checksum(facts)})}\n"


def parse_facts(data: bytes) -> Facts:
    """Reads what :func:`facts_text` or an older version wrote; of another format only what means the same there.

    Raises:
        ValueError: It is something else; the message says what.
    """
    facts = read_object(data, _DEEPEST)
    given = facts.pop(CHECKSUM, None)
    if given is not None and given != _checksum(facts):
        raise ValueError("it does not have the checksum in it")
    if facts.get("format") != FORMAT:
        known = ((key, value) for key, value in facts.items() if f"{key}?" in _RUN)
        return {key: value for key, value in known if fault_in(value, _RUN[f"{key}?"], key) is None}
    fault = fault_in(facts, _RUN)
    if fault:
        raise ValueError(fault)
    return facts


def _text(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=2)


def _checksum(facts: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(_text(facts).encode()):08x}"
