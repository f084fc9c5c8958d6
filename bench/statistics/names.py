"""Hashes of names, and of lists of them."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def hash_of(names: Iterable[str]) -> str:
    """Returns the sha256 of names in order, each ended by a zero byte."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def name_hash(name: str) -> int:
    """Returns 64 bits of a name: orders and splits that must rest on names alone go by it.

    Examples:
        >>> name_hash("prompt-1")
        11034733224755904639
    """
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest())


def codes_of(names: Sequence[str] | pl.Series) -> NDArray[np.uint64]:
    """Returns a number of 64 bits for each name, the same for the same name within a process.

    NumPy's own arrays of text take four bytes for each character of the longest name: gigabytes for a million paths.
    """
    series = names if isinstance(names, pl.Series) else pl.Series(names, dtype=pl.String)
    return series.hash(seed=0).to_numpy()
