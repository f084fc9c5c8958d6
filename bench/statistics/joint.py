"""Several data sets that may share groups of images: influences on common groups, and draws of all sets at once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import GroupBootstrap
from bench.statistics.influence import InfluenceValues

Floats = NDArray[np.float64]


def regrouped(influence: InfluenceValues, codes: NDArray[np.int64]) -> InfluenceValues:
    """Gives groups other codes; those of one code become one group.

    Args:
        influence: Whose groups are positions in ``codes``.
        codes: ``(N,)`` the new code of each group.
    """
    recoded = codes[influence.groups]
    if np.all(recoded[1:] > recoded[:-1]):
        return replace(influence, groups=recoded)
    groups, at = np.unique(recoded, return_inverse=True)
    classes, strata = np.zeros((2, len(groups)), dtype=np.int64)
    freedom = np.ones(len(groups))
    np.bitwise_or.at(classes, at, influence.classes)
    np.maximum.at(strata, at, influence.strata)
    np.minimum.at(freedom, at, influence.freedom)
    values = np.bincount(at, weights=influence.values, minlength=len(groups)).astype(np.float64)
    return replace(influence, groups=groups, values=values, classes=classes, strata=strata, freedom=freedom)


def drawn_aurocs(
    sets: Mapping[str, Sequence[InfluenceValues]], names: NDArray[Any], draws: int
) -> dict[str, NDArray[np.float64]]:
    """Draws groups of all sets and computes the AUROCs of all detectors in each draw.

    A group that several sets share is drawn once for all of them. Groups are drawn with replacement among those that
    lie in the same sets and hold the same classes, from a random stream of the sets' names, so that neither other sets
    nor the order matters. An AUROC moves by the influences of what is drawn (to the first order).

    Args:
        sets: By name, the AUROCs of its detectors, on groups that are positions in ``names``.
        names: ``(N,)`` the name of each group.
        draws: Their number.

    Returns:
        By the sets' names, ``(draws, K)`` AUROCs of its ``K`` detectors.
    """
    order = sorted(sets)
    within, classes = np.zeros((2, len(names)), dtype=np.int64)
    for bit, name in enumerate(order):
        for influence in sets[name]:
            within[influence.groups] |= 1 << bit
            classes[influence.groups] |= influence.classes
    drawn = {name: np.tile([influence.value for influence in sets[name]], (draws, 1)) for name in order}
    for pattern in np.unique(within[within > 0]).tolist():
        groups = np.flatnonzero(within == pattern)
        members = [name for bit, name in enumerate(order) if pattern >> bit & 1]
        columns = {name: _columns(sets[name], groups, len(names)) for name in members}
        start = 0
        for counts in _bootstrap(names[groups], classes[groups], members, draws).chunks(np.arange(len(groups))):
            stop = start + len(counts)
            weights = counts.astype(np.float64)
            for name in members:
                drawn[name][start:stop] += weights @ columns[name]
            start = stop
    return drawn


def _columns(influences: Sequence[InfluenceValues], groups: NDArray[np.intp], number: int) -> Floats:
    """Lays the influences of some groups side by side, ``(C, K)``."""
    table = np.zeros((number, len(influences)))
    for column, influence in enumerate(influences):
        table[influence.groups, column] = influence.values
    return table[groups]


def _bootstrap(names: NDArray[Any], classes: NDArray[np.int64], members: Sequence[str], draws: int) -> GroupBootstrap:
    """Makes the draws of the groups that lie in the same sets; each is one row, and further rows say its classes."""
    seed = int(hashlib.sha256("\0".join(members).encode("utf-8", "surrogateescape")).hexdigest()[:16], 16)
    first, both = (classes == 2).astype(np.int64), classes == 3
    groups, labels = [*names, *names[both]], [*first, *np.ones(int(both.sum()), dtype=np.int64)]
    return GroupBootstrap(groups, labels, draws, seed)
