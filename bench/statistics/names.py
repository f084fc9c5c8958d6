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


def codes_of(names: Sequence[str] | pl.Series) -> NDArray[np.uint64]:
    """Returns a number of 64 bits for each name, the same for the same name within a process.

    NumPy's own arrays of text take four bytes for each character of the longest name: gigabytes for a million paths.
    """
    series = names if isinstance(names, pl.Series) else pl.Series(names, dtype=pl.String)
    return series.hash(seed=0).to_numpy()
