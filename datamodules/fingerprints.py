"""Finds images that are the same to the eye."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

Hashes = NDArray[np.uint64]
Rows = NDArray[np.intp]

BITS = 64
_SIDE, _LOW = 32, 8


def perceptual_hash(image: Image.Image) -> int:
    """Computes a hash of 64 bits that resizing, compression and small edits change in few bits.

    The luma is scaled to 32 x 32 (Lanczos) and transformed by a type II DCT; a bit says whether one of the 8 x 8 lowest
    frequencies lies above their median. Bits are read row by row from the highest on, as by ``imagehash.phash``.
    Coefficients are rounded to a thousandth of a grey level first, so that a flat picture has a hash of its own
    and not one of rounding errors.

    Args:
        image: A picture of any mode that converts to grey.

    Returns:
        The hash, 0 .. 2^64 - 1.
    """
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low = np.round(dctn(np.asarray(grey, dtype=np.float64), type=2)[:_LOW, :_LOW], 3)
    bits = np.packbits(low > np.median(low))
    return int.from_bytes(bits.tobytes())


def near_pairs(hashes: Hashes, distance: int = 4) -> NDArray[np.intp]:
    """Lists the pairs of hashes that differ in few bits.

    Two hashes that differ in at most ``d`` bits agree in at least one of ``d + 1`` bands of bits, so only pairs that
    agree in a band are compared. Memory grows with the number of hashes and of pairs found.

    Args:
        hashes: ``(n,)`` hashes.
        distance: Greatest number of bits in which the two differ.

    Returns:
        ``(pairs, 2)`` rows, the smaller first, sorted.

    Raises:
        ValueError: If the distance leaves no bits to compare by.
    """
    if not 0 <= distance < BITS:
        raise ValueError(f"distance must be from 0 to {BITS - 1} bits, got {distance}.")
    found = [np.empty((0, 2), dtype=np.intp)]
    for mask in _bands(distance + 1):
        for first, second in _sharing(hashes & mask):
            near = np.bitwise_count(hashes[first] ^ hashes[second]) <= distance
            found.append(np.sort(np.stack([first[near], second[near]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _bands(count: int) -> Iterator[np.uint64]:
    edges = [BITS * band // count for band in range(count + 1)]
    for low, high in pairwise(edges):
        yield np.uint64((1 << high) - (1 << low))


def _sharing(keys: Hashes) -> Iterator[tuple[Rows, Rows]]:
    """Yields all pairs of rows of equal keys: neighbours in sorted order, then rows two apart, and so on."""
    order = np.argsort(keys, kind="stable")
    ordered, start = keys[order], np.arange(len(keys))
    for step in range(1, len(keys)):
        start = start[start + step < len(keys)]
        start = start[ordered[start] == ordered[start + step]]
        if len(start) == 0:
            return
        yield order[start], order[start + step]
