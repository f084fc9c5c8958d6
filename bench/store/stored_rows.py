"""What the rows of a store say, gathered batch by batch in little memory: texts once an image, scores as numbers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.store.damage import CATEGORIES
from bench.store.schema import OK, SCHEMA

_IMAGE = ("dataset", "path", "sha256")
_FACTS = ("group", "generator", "label", "kind", "share")
_SLOTS = 4
"""Places of the table of images for each of them; a power of two is taken from there."""
Hashes = NDArray[np.uint64]
_FACTORS = np.random.default_rng(0).integers(1 << 63, size=(2, len(CATEGORIES)), dtype=np.uint64) * 2 + 1
"""Of the numbers of categories in a hash: odd and large, so that sums of them meet no more often than chance."""


class StoredImages:
    """Every image of the rows, with a number; an image is a path with a sha256."""

    def __init__(self) -> None:
        self.table = pl.DataFrame(schema={name: SCHEMA[name] for name in (*_IMAGE, *_FACTS)})
        self._hashes = self._told = np.empty(0, dtype=np.uint64)
        self._slots = np.full(1, -1, dtype=np.int32)
        self._sorted, self._order = self._hashes, np.empty(0, dtype=np.int64)
        self._texts = _Texts()

    def numbers(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """Numbers the images of some rows, ``(n,)``; what later rows say of an image counts."""
        facts = rows.select(self.table.columns)
        hashes, told = self._texts.hashes(facts, (_IMAGE, self.table.columns))
        numbers = self._find(hashes)
        if (numbers < 0).any():
            fresh = np.flatnonzero(numbers < 0)
            first = np.sort(fresh[np.unique(hashes[fresh], return_index=True)[1]])
            self.table = pl.concat([self.table, self._as_texts(facts, first)])
            self._told = np.concatenate([self._told, told[first]])
            self._add(hashes[first])
            numbers = self._find(hashes)
        differs = self._told[numbers] != told
        if differs.any():
            self._tell_anew(facts, numbers, told, np.unique(numbers[differs]))
        return numbers

    def _tell_anew(
        self, facts: pl.DataFrame, numbers: NDArray[np.int64], told: Hashes, images: NDArray[np.int64]
    ) -> None:
        """Takes what the last row of each of some images says."""
        rows = np.flatnonzero(np.isin(numbers, images))
        if not self.table[numbers[rows]].select(_IMAGE).equals(self._as_texts(facts, rows).select(_IMAGE)):
            raise BenchError("Two images of the store have one 64-bit hash; please report this.")
        last = np.zeros(len(self.table), dtype=np.int64)
        last[numbers[rows]] = rows  # of several rows of an image the last one stays
        place = np.arange(len(self.table))
        place[images] = len(self.table) + np.arange(len(images))
        self.table = pl.concat([self.table, self._as_texts(facts, last[images])])[place].rechunk()
        self._told[images] = told[last[images]]

    def _as_texts(self, facts: pl.DataFrame, rows: NDArray[np.int64]) -> pl.DataFrame:
        return facts[rows].cast(self.table.schema)

    def _add(self, hashes: Hashes) -> None:
        self._hashes = np.concatenate([self._hashes, hashes])
        self._order = np.argsort(self._hashes)
        self._sorted = self._hashes[self._order]
        self._slots = np.full(1 << int(_SLOTS * len(self._hashes)).bit_length(), -1, dtype=np.int32)
        self._slots[self._slot_of(self._hashes)] = np.arange(len(self._hashes), dtype=np.int32)

    def _find(self, hashes: Hashes) -> NDArray[np.int64]:
        """Looks images up by their slots, and by bisection those whose slot is another one's."""
        if not len(self._hashes):
            return np.full(len(hashes), -1, dtype=np.int64)
        numbers = self._slots[self._slot_of(hashes)].astype(np.int64)
        other = np.flatnonzero(self._hashes[numbers] != hashes)
        at = np.minimum(np.searchsorted(self._sorted, hashes[other]), len(self._sorted) - 1)
        numbers[other] = np.where(self._sorted[at] == hashes[other], self._order[at], -1)
        return numbers

    def _slot_of(self, hashes: Hashes) -> NDArray[np.int64]:
        return (hashes & np.uint64(len(self._slots) - 1)).astype(np.int64)


class StoredRows:
    """What all rows of a store say, gathered batch by batch.

    Attributes:
        images: The images.
        last_seen: ``(n_images,)``, which batch told of each last.
        scores: By fingerprint, condition and seed, numbers of images and their scores; nan for an unreadable image.
        labels: What the latest rows call each fingerprint.
        sources: By fingerprint and condition, how many rows each run gave.
    """

    def __init__(self) -> None:
        self.images = StoredImages()
        self.scores: dict[tuple[str, str, int], list[tuple[NDArray[np.uint32], NDArray[np.float64]]]] = {}
        self.labels: dict[str, str] = {}
        self.sources: dict[tuple[str, str], Counter[str]] = {}
        self.last_seen = np.empty(0, dtype=np.int32)
        self._batch, self._texts = 0, _Texts()

    def readable(self) -> list[str]:
        """Returns the sha256 of the images that have a score."""
        scored = np.zeros(len(self.images.table), dtype=np.bool_)
        for numbers, scores in (part for parts in self.scores.values() for part in parts):
            scored[numbers[np.isfinite(scores)]] = True
        return self.images.table["sha256"].filter(pl.Series(scored)).to_list()

    def add(self, rows: pl.DataFrame, run: str) -> None:
        """Adds rows of a run, by its name, that is not older than those before."""
        if rows.is_empty():
            return
        numbers = self.images.numbers(rows)
        self._batch += 1
        self.last_seen = np.pad(self.last_seen, (0, len(self.images.table) - len(self.last_seen)))
        self.last_seen[numbers] = self._batch
        images, readable = numbers.astype(np.uint32), (rows["status"] == OK).to_numpy()
        scores = np.where(readable, rows["score"].to_numpy(), np.nan)
        scorings = rows.select("fingerprint", "condition", "seed", "detector")
        (alike,) = self._texts.hashes(scorings, (scorings.columns[:3],))
        for part in _positions(alike):
            fingerprint, condition, seed, detector = scorings.row(int(part[-1]))
            self.scores.setdefault((fingerprint, condition, seed), []).append((images[part], scores[part]))
            self.labels[fingerprint] = detector
            self.sources.setdefault((fingerprint, condition), Counter())[run] += len(part)


class _Texts:
    """Numbers the texts of categories, and hashes rows by these numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def hashes(self, rows: pl.DataFrame, groups: Sequence[Sequence[str]]) -> list[Hashes]:
        """Hashes several groups of columns, each ``(n,)``; one and the same column in two groups differently."""
        categories = [pl.col(name).cast(pl.Categorical) for name in rows.columns if name in CATEGORIES]
        names = rows.select(category.drop_nulls().unique(maintain_order=True).implode() for category in categories)
        columns = [(place, name) for place, group in enumerate(groups) for name in group if name not in CATEGORIES]
        hashed = [pl.col(name).hash(number).alias(str(number)) for number, (_, name) in enumerate(columns)]
        values = rows.select(*(category.to_physical() for category in categories), *hashed)
        totals = [np.zeros(len(rows), dtype=np.uint64) for _ in groups]
        for number, (place, _) in enumerate(columns):
            totals[place] += values[str(number)].to_numpy()
        for name in names.columns:
            numbers = self._numbered(names[name][0], values[name])
            for place, group in enumerate(groups):
                if name in group:
                    totals[place] += numbers * _FACTORS[place, CATEGORIES.index(name)]
        return totals

    def _numbered(self, names: pl.Series, codes: pl.Series) -> Hashes:
        """Returns the numbers of the texts of a column, ``(n,)``; 0 where there is none."""
        known = names.to_physical().to_numpy()
        absent = int(known.max(initial=0)) + 1
        numbers = np.zeros(absent + 1, dtype=np.uint64)
        numbers[known] = [self._numbers.setdefault(name, len(self._numbers) + 1) for name in names.cast(pl.String)]
        found: Hashes = numbers[codes.fill_null(absent).to_numpy()]
        return found


def _positions(alike: Hashes) -> list[NDArray[np.intp]]:
    """Puts the positions of equal hashes together, in their order."""
    starts = np.flatnonzero(np.append(True, alike[1:] != alike[:-1]))
    kinds, kind = np.unique(alike[starts], return_inverse=True)
    if len(kinds) == len(starts):
        return np.split(np.arange(len(alike)), starts[1:])
    of_row = np.repeat(kind.astype(np.min_scalar_type(len(kinds))), np.diff(np.append(starts, len(alike))))
    return np.split(np.argsort(of_row, kind="stable"), np.cumsum(np.bincount(of_row))[:-1])
