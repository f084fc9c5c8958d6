"""Compares scores with locked ones, image by image, and metrics with locked metrics: pure functions of both.

A score matches where it differs from the locked one by at most ``1e-4 max(|locked|, s)``, with ``s`` the standard
deviation of its column's locked scores: relative to the score, so that a small shift of small scores is seen, and
where a score is near zero relative to the spread, below which nothing can change an order. A metric matches within
``1e-3``. An image is its path and its sha256: where a file changed, its score is missing, it has not drifted, and so
are the metrics that it counts in.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.references.locks import Column, Lock
from bench.results.summary import MEAN, summarise
from bench.statistics.metrics import shown_metrics
from bench.store.panel import Panel

Status = Literal["matches", "drifts", "missing"]
SCORE_TOLERANCE, METRIC_TOLERANCE = 1e-4, 1e-3
SCORES = "scores"
FEW_DRAWS = 2
"""Intervals are not compared, so no draws are wasted on them."""


@dataclass(frozen=True)
class Check:
    """One line of what was found.

    Args:
        detector: As the lock names it.
        condition: The degradation of the images.
        generator: The generator or ``mean``; for scores, also a source of real images.
        metric: As in ``bench.statistics.metrics``, or ``scores``.
        status: What became of it.
        locked: The locked value; for scores, how many there are.
        now: The present value; for scores, how many of them match.
        note: What else there is to say.
    """

    detector: str
    condition: str
    generator: str
    metric: str
    status: Status
    locked: float | None
    now: float | None
    note: str = ""


@dataclass(frozen=True)
class Moved:
    """A score that is not the locked one.

    Args:
        column: Whose score.
        path: The image.
        locked: The locked score; None where the image had none.
        now: The present score; None where it has none.
        times: The difference in units of what is tolerated; infinite where one of both is None.
    """

    column: Column
    path: str
    locked: float | None
    now: float | None
    times: float


@dataclass(frozen=True)
class Verification:
    """What a verification came to.

    Args:
        title: What was compared with what.
        checks: By detector, condition, generator and metric.
        moved: Scores that drifted, the farthest first.
        notes: What a reader must know, a sentence each.
    """

    title: str
    checks: tuple[Check, ...]
    moved: tuple[Moved, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything locked is there and matches."""
        return all(check.status == "matches" for check in self.checks)


def numbers_of(panel: Panel) -> dict[tuple[str, str, str, str], float]:
    """Computes the metrics of a lock: by detector, condition, generator and metric."""
    if not panel.scorings:
        return {}
    return {
        (row.detector, row.condition, row.generator, metric): row.numbers[metric].value
        for row in summarise(panel, shown_metrics(), FEW_DRAWS).rows
        for metric in shown_metrics()
    }


def locked_images(lock: Lock, panel: Panel) -> Panel:
    """Leaves the images that are in the lock, by path and sha256.

    Args:
        lock: The lock.
        panel: Its images have ``sha256``.
    """
    pairs = panel.images.select("path", "sha256").iter_rows()
    chosen = np.fromiter(
        (path in lock.images and lock.images[path].sha256 == sha256 for path, sha256 in pairs), dtype=np.bool_
    )
    return panel.only(chosen)


class LockedScores:
    """Locked scores and present ones side by side, ``(columns, images)``.

    Args:
        lock: The lock.
        panel: From :func:`locked_images`.
    """

    def __init__(self, lock: Lock, panel: Panel) -> None:
        self.columns, self.paths = lock.columns, list(lock.images)
        self.sources = np.array([image.source for image in lock.images.values()], dtype=object)
        self.locked = np.array([image.scores for image in lock.images.values()], dtype=np.float64).T
        self.now = np.full(self.locked.shape, np.nan)
        there = np.zeros(self.locked.shape, dtype=np.bool_)
        position = {path: number for number, path in enumerate(self.paths)}
        at = np.array([position[path] for path in panel.images["path"]], dtype=np.intp)
        rows = {Column(one.detector, one.condition, one.seed): row for row, one in enumerate(panel.scorings)}
        for number, column in enumerate(lock.columns):
            if column in rows:
                self.now[number, at] = panel.scores[rows[column]]
                there[number, at] = panel.present[rows[column]]
        self.missing = ~there & np.isfinite(self.locked)
        self.times = np.where(self.missing, 0.0, _times(self.locked, self.now))

    @property
    def moved(self) -> list[Moved]:
        """The scores that drifted."""
        return [
            Moved(
                self.columns[column],
                self.paths[image],
                _or_none(self.locked[column, image]),
                _or_none(self.now[column, image]),
                float(self.times[column, image]),
            )
            for column, image in np.argwhere(self.times > 1)
        ]

    def checks(self) -> list[Check]:
        """Counts by detector, condition and source, all seeds together."""
        found = []
        for detector, condition in dict.fromkeys((column.detector, column.condition) for column in self.columns):
            own = [i for i, one in enumerate(self.columns) if (one.detector, one.condition) == (detector, condition)]
            for source in sorted(set(self.sources)):
                of = np.ix_(np.array(own), np.flatnonzero(self.sources == source))
                found.append(_count(detector, condition, source, self.times[of], self.missing[of]))
        return found

    def lacking(self, detector: str, condition: str, others: set[str]) -> int:
        """Counts the images without a score of one detector under one condition, but for those of other sources."""
        own = [i for i, one in enumerate(self.columns) if (one.detector, one.condition) == (detector, condition)]
        of_others = np.isin(self.sources, list(others))
        return int((self.missing[own].any(axis=0) & ~of_others).sum())


def number_checks(lock: Lock, panel: Panel, table: LockedScores) -> list[Check]:
    """Compares the metrics; one that lacks an image of the lock is missing, since it is about others."""
    now, generators = numbers_of(panel), {number.generator for number in lock.numbers} - {MEAN}
    found = []
    for number in lock.numbers:
        key = (number.detector, number.condition, number.generator, number.metric)
        others = set() if number.generator == MEAN else generators - {number.generator}
        lacking = table.lacking(number.detector, number.condition, others)
        if lacking or key not in now:
            note = f"{lacking:,} images lack a score" if lacking else ""
            found.append(Check(*key, "missing", number.value, None, note))
            continue
        value = _or_none(now[key])
        if number.value is None or value is None:
            same = number.value is value
        else:
            same = abs(value - number.value) <= METRIC_TOLERANCE
        found.append(Check(*key, "matches" if same else "drifts", number.value, value))
    return found


def _times(locked: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns differences in units of what is tolerated; infinite where only one of both is a score."""
    spread = [[np.std(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0] for column in locked]
    tolerated = SCORE_TOLERANCE * np.fmax(np.abs(locked), np.array(spread))
    difference = np.abs(now - locked)
    times = np.divide(difference, tolerated, out=np.full(locked.shape, np.inf), where=tolerated > 0)
    times[difference == 0] = 0.0
    alone = np.isfinite(locked) != np.isfinite(now)
    return np.where(alone, np.inf, np.where(np.isfinite(locked), times, 0.0))


def _count(detector: str, condition: str, source: str, times: NDArray[np.float64], missing: NDArray[np.bool_]) -> Check:
    drifted, lacking = int((times > 1).sum()), int(missing.sum())
    notes = []
    if drifted:
        notes.append(f"{drifted:,} moved, the farthest by {times.max():.3g} times what is tolerated")
    if lacking:
        notes.append(f"{lacking:,} missing")
    status: Status = "drifts" if drifted else "missing" if lacking else "matches"
    matching = times.size - drifted - lacking
    return Check(detector, condition, source, SCORES, status, times.size, matching, "; ".join(notes))


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
