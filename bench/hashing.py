"""Hashes of lists of names."""

import hashlib
from collections.abc import Iterable


def hash_of(names: Iterable[str]) -> str:
    """Returns the sha256 of names in order, each ended by a zero byte."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
