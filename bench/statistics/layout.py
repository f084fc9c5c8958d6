"""Which groups the images of a contrast are in: what all seeds, metrics and detectors on the same images share."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEPT = 4
"""Unions that are kept: of the metrics of a detector, and of the condition before, in each of two threads."""


class Layout:
    """The groups of ``n`` images of both classes.

    Attributes:
        generated: ``(n,)``, which images are generated.
        groups: ``(C,)``, sorted.
        codes: ``(n,)`` the position of each image's group among them.
        n_groups: Numbers of groups with real and with generated images.
        classes: ``(C,)``, 1 for a group of real images, 2 of generated ones, 3 of both.
        freedom: ``(C,)`` degrees of freedom that each group carries.
    """

    def __init__(self, labels: NDArray[Any], groups: NDArray[Any]) -> None:
        self.generated = labels == 1
        self.groups, self.codes = coded(groups)
        if len(self.codes) != len(labels):
            raise ValueError(f"Every image needs a group, got {len(self.codes)} groups and {len(labels)} labels.")
        self.rows = np.flatnonzero(~self.generated), np.flatnonzero(self.generated)
        holds = [np.bincount(self.codes[its], minlength=len(self.groups)) > 0 for its in self.rows]
        self.n_groups = tuple(int(np.count_nonzero(groups)) for groups in holds)
        self.classes = holds[0] + 2 * holds[1].astype(np.int64)
        self._alone = len(self.groups) == len(labels) and bool((self.codes[1:] > self.codes[:-1]).all())

    @cached_property
    def freedom(self) -> Floats:
        """``1 - 1 / M`` in a class of ``M`` groups, the smaller one of both."""
        n_real, n_generated = self.n_groups
        of_class = np.array([1.0, n_real, n_generated, min(n_real, n_generated)])
        return np.asarray(1 - 1 / of_class[self.classes])

    @cached_property
    def _factors(self) -> Floats:
        """``(n,)`` the factor of each image's class."""
        of_real, of_generated = (math.sqrt(n / (n - 1)) if n > 1 else 1.0 for n in self.n_groups)
        return np.where(self.generated, of_generated, of_real)

    def summed(self, influences: Floats) -> Floats:
        """Sums ``(n,)`` influences of images within groups, those of each class with its factor."""
        scaled = influences * self._factors
        return scaled if self._alone else summed(self.codes, scaled, len(self.groups))


def coded(groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Returns the distinct groups, sorted, and the position of each image's group among them."""
    if groups.dtype.kind not in "iu" or not len(groups) or groups.min() < 0 or groups.max() > 10 * len(groups) + 1000:
        return np.unique(groups, return_inverse=True)
    there = np.bincount(groups) > 0
    return np.flatnonzero(there).astype(groups.dtype), (np.cumsum(there) - 1)[groups]


def summed(codes: NDArray[np.intp], values: Floats, n: int) -> Floats:
    """Sums values of each code."""
    return np.bincount(codes, weights=values, minlength=n).astype(np.float64)


@dataclass(frozen=True)
class Member:
    """The groups of a number: see `bench.statistics.influence.InfluenceValues`."""

    groups: NDArray[Any]
    classes: NDArray[np.int64]
    strata: NDArray[np.int64]
    freedom: Floats


@dataclass(frozen=True)
class Union:
    """The groups of several numbers together, and the position in them of the groups of each."""

    groups: NDArray[Any]
    classes: NDArray[np.int64]
    strata: NDArray[np.int64]
    freedom: Floats
    places: Sequence[NDArray[np.intp]]


_kept: OrderedDict[tuple[int, ...], tuple[Sequence[Member], Union]] = OrderedDict()
_keeping = Lock()


def union_of(members: Sequence[Member]) -> Union | None:
    """Puts several on the union of their groups, with the strata of all of them together; None where they are alike.

    Those of the last calls are kept: what stands on the same arrays has the same union.
    """
    first = members[0]
    if all(_alike(first, other) for other in members[1:]):
        return None
    key = tuple(id(array) for member in members for array in vars(member).values())
    with _keeping:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][1]
    groups, codes = coded(np.concatenate([member.groups for member in members]))
    places = np.split(codes, np.cumsum([len(member.groups) for member in members])[:-1])
    classes, strata = np.zeros((2, len(groups)), dtype=np.int64)
    freedom = np.ones(len(groups))
    for at, member in zip(places, members, strict=True):
        there = member.classes > 0
        classes[at] |= member.classes
        freedom[at[there]] = np.minimum(freedom[at[there]], member.freedom[there])
        code = np.zeros(len(groups), dtype=np.int64)
        code[at] = member.strata
        _, strata = coded(strata * (1 + code.max()) + code)
    union = Union(groups, classes, strata, freedom, places)
    with _keeping:
        _kept[key] = members, union  # members, so that no other array takes their addresses
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return union


def _alike(first: Member, other: Member) -> bool:
    pairs = ((getattr(first, name), getattr(other, name)) for name in ("groups", "classes", "strata"))
    return all(one is two or np.array_equal(one, two) for one, two in pairs)
