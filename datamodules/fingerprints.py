"""Finds images that are the same, byte for byte or to the eye."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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


def find_exact_duplicates(digests: Sequence[Hashable]) -> list[Rows]:
    """Groups rows of equal digests.

    Args:
        digests: ``(n,)``, for instance the sha256 of each file.

    Returns:
        The rows of each group of two and more, in ascending order, groups by their first row.

    Examples:
        >>> [group.tolist() for group in find_exact_duplicates(["b", "a", "b", "a", "c"])]
        [[0, 2], [1, 3]]
    """
    rows: dict[Hashable, list[int]] = {}
    for row, digest in enumerate(digests):
        rows.setdefault(digest, []).append(row)
    return [np.array(group, dtype=np.intp) for group in rows.values() if len(group) > 1]


def find_near_duplicates(hashes: ArrayLike, distance: int = 4) -> list[Rows]:
    """Groups rows whose hashes differ in few bits.

    Groups are chains: two rows share one if each step between them is at most ``distance`` wide, so the ends of a
    long chain may lie further apart.

    Args:
        hashes: ``(n,)`` hashes of 64 bits.
        distance: Greatest number of bits in which neighbours differ.

    Returns:
        The rows of each group of two and more, in ascending order, groups by their first row.

    Examples:
        >>> [group.tolist() for group in find_near_duplicates([0b0000, 0b1111 << 60, 0b0011, 0b1111], distance=2)]
        [[0, 2, 3]]
    """
    values, which = np.unique(np.asarray(hashes, dtype=np.uint64), return_inverse=True)
    left, right = near_pairs(values, distance).T
    links = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(len(values), len(values)))
    cluster = np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)[which] if len(values) else which
    order = np.argsort(cluster, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    return sorted((group for group in groups if len(group) > 1), key=lambda group: int(group[0]))


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
