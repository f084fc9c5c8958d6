"""Compares scores with locked ones, image by image, and metrics with locked metrics: pure functions of both.

A score matches where it differs from the locked one by at most ``1e-4 max(|locked|, s)``, with ``s`` the standard
deviation of its column's locked scores: relative to the score, so that a small shift of small scores is seen, and
where a score is near zero relative to the spread, below which nothing can change an order. A metric matches within
``1e-3``. An image is its path and its sha256: where a file changed, its score is missing, it has not drifted, and so
are the metrics that it counts in. Statistics are those of the locked scores (see ``bench.references.statistics``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.references.locks import Column, Lock
from bench.references.statistics import (
    AGREE,
    FEW_DRAWS,
    P_HOLM,
    Key,
    P,
    computed_twice,
    moved_statistics,
)
from bench.results.summary import MEAN, summarise
from bench.statistics.metrics import shown_metrics
from bench.statistics.number import finite
from bench.store.panel import Panel
from bench.store.schema import Scoring

Status = Literal["matches", "drifts", "missing"]
SCORE_TOLERANCE, METRIC_TOLERANCE = 1e-4, 1e-3
SCORES, STATISTICS, AGREEMENT = "scores", "statistics of the locked scores", "metrics computed twice"
COUNTED = (SCORES, STATISTICS, AGREEMENT)
"""Lines that count numbers rather than compare two."""
PAIRS, ALL = "pairs", "all"


@dataclass(frozen=True)
class Check:
    """A line of a verification.

    Args:
        detector: As the lock names it.
        generator: The generator or ``mean``; for scores, also a source of real images; ``all`` for statistics.
        metric: As in ``bench.statistics.metrics``, or one of ``COUNTED``.
        locked: The locked value; where they are counted, how many there are.
        now: The present value; where they are counted, how many of them match.
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
    """A score that is not the locked one; None where the image had, or has, none.

    Args:
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
        further: Of the further runs of the lock.
        command: Makes the locked run.
    """

    title: str
    checks: tuple[Check, ...]
    moved: tuple[Moved, ...] = ()
    notes: tuple[str, ...] = ()
    further: tuple["Verification", ...] = ()
    command: str = ""

    @property
    def all_checks(self) -> list[Check]:
        """The checks of all runs."""
        return [*self.checks, *(check for verification in self.further for check in verification.all_checks)]

    @property
    def ok(self) -> bool:
        """Whether everything locked is there and matches."""
        return all(check.status == "matches" for check in self.all_checks)


def numbers_of(panel: Panel) -> dict[tuple[str, str, str, str], float]:
    """Computes the metrics of a lock: by detector, condition, generator and metric."""
    return {
        (row.detector, row.condition, row.generator, metric): row.numbers[metric].value
        for row in summarise(panel, shown_metrics(), FEW_DRAWS).rows
        for metric in shown_metrics()
    }


class LockedScores:
    """Locked scores and present ones side by side, ``(columns, images)``.

    Args:
        lock: The lock.
        panel: The run, whose images have ``sha256``. Those that are not in the lock, by path and sha256, are left out.
    """

    def __init__(self, lock: Lock, panel: Panel) -> None:
        images = panel.images.select("path", "sha256").iter_rows()
        known = [path in lock.images and lock.images[path].sha256 == sha256 for path, sha256 in images]
        self.lock, self.panel = lock, panel.only(np.array(known, dtype=np.bool_))
        self.sources = np.array([image.source for image in lock.images.values()], dtype=object)
        self.locked = np.array([image.scores for image in lock.images.values()], dtype=np.float64).T
        self.now = np.full(self.locked.shape, np.nan)
        present = np.zeros(self.locked.shape, dtype=np.bool_)
        position = {path: number for number, path in enumerate(lock.images)}
        at = np.array([position[path] for path in self.panel.images["path"]], dtype=np.intp)
        self.at = at
        rows = {Column.of(scoring): row for row, scoring in enumerate(self.panel.scorings)}
        for number, column in enumerate(lock.columns):
            if column in rows:
                self.now[number, at] = self.panel.scores[rows[column]]
                present[number, at] = self.panel.present[rows[column]]
        self.missing = ~present & np.isfinite(self.locked)
        self.times = np.where(self.missing, 0.0, _times(self.locked, self.now))

    @property
    def moved(self) -> list[Moved]:
        """The scores that drifted, the farthest first."""
        paths = list(self.lock.images)
        moved = [
            Moved(
                self.lock.columns[column],
                paths[image],
                finite(float(self.locked[column, image])),
                finite(float(self.now[column, image])),
                float(self.times[column, image]),
            )
            for column, image in np.argwhere(self.times > 1)
        ]
        return sorted(moved, key=lambda score: (-score.times, score.path, score.column.detector))

    def score_checks(self) -> list[Check]:
        """Counts by detector, condition and source, all seeds together."""
        checks = []
        for detector, condition in dict.fromkeys((column.detector, column.condition) for column in self.lock.columns):
            columns = self._columns(detector, condition)
            for source in sorted(set(self.sources)):
                cells = np.ix_(columns, np.flatnonzero(self.sources == source))
                times, missing = self.times[cells], int(self.missing[cells].sum())
                drifted = int((times > 1).sum())
                notes = []
                if drifted:
                    notes.append(f"{drifted:,} moved, the farthest by {times.max():.3g} times what is tolerated")
                if missing:
                    notes.append(f"{missing:,} missing")
                status: Status = "drifts" if drifted else "missing" if missing else "matches"
                counts = (times.size, times.size - drifted - missing)
                checks.append(Check(detector, condition, source, SCORES, status, *counts, "; ".join(notes)))
        return checks

    def metric_checks(self) -> list[Check]:
        """Compares the metrics; one that lacks an image of the lock is missing, since it is about others."""
        now, checks = numbers_of(self.panel), []
        generators = {number.generator for number in self.lock.numbers} - {MEAN}
        for number in self.lock.numbers:
            key = (number.detector, number.condition, number.generator, number.metric)
            others = set() if number.generator == MEAN else generators - {number.generator}
            missing = self.missing[self._columns(number.detector, number.condition)].any(axis=0)
            lacking = int((missing & ~np.isin(self.sources, list(others))).sum())
            if lacking or key not in now:
                note = f"{lacking:,} images lack a score" if lacking else ""
                checks.append(Check(*key, "missing", number.value, None, note))
                continue
            value = finite(now[key])
            if number.value is None or value is None:
                same = number.value is value
            else:
                same = abs(value - number.value) <= METRIC_TOLERANCE
            checks.append(Check(*key, "matches" if same else "drifts", number.value, value))
        return checks

    @property
    def locked_panel(self) -> Panel:
        """The locked scores as a panel, of the images that are there."""
        scores = self.locked[:, self.at]
        scorings = tuple(Scoring(c.detector, "", c.seed, c.condition) for c in self.lock.columns)
        return replace(self.panel, scorings=scorings, scores=scores, present=np.isfinite(scores))

    def statistics_checks(self) -> list[Check]:
        """Counts by detector and condition; nothing of a lock that holds no statistics."""
        locked = {(n.detector, n.condition, n.generator, n.metric): n.value for n in self.lock.statistics}
        conditions = {column.condition for column in self.lock.columns}
        if locked and (len(self.at) < len(self.lock.images) or not conditions <= set(self.panel.contrasts)):
            note = "images or conditions of the lock are not there"
            return [Check(ALL, ALL, ALL, STATISTICS, "missing", len(locked), 0, note)]
        if not locked:
            return []
        panel = self.locked_panel
        moved = {
            key: f"{locked[key]} locked, {'none' if value is None else f'{value:.7g}'} now"
            for key, value in moved_statistics(panel, self.lock.statistics).items()
        }
        twice = computed_twice(panel)
        apart = {key: f"{a:.7g} and {b:.7g}" for key, (a, b) in twice.items() if not abs(a - b) < AGREE}
        return [*_counted(locked, moved, STATISTICS), *_counted(twice, apart, AGREEMENT)]

    def _columns(self, detector: str, condition: str) -> NDArray[np.intp]:
        chosen = [(column.detector, column.condition) == (detector, condition) for column in self.lock.columns]
        return np.flatnonzero(chosen)


def _counted(keys: Iterable[Key], wrong: Mapping[Key, str], metric: str) -> list[Check]:
    """Counts numbers by detector and condition, all pairs of detectors together, and names the first wrong one."""
    cells: dict[tuple[str, str], list[Key]] = {}
    for key in keys:
        cells.setdefault((PAIRS if key[3] in (P, P_HOLM) else key[0], key[1]), []).append(key)
    checks = []
    for (detector, condition), members in cells.items():
        bad = [key for key in members if key in wrong]
        note = f"{bad[0][0]}, {bad[0][2]}, {bad[0][3]}: {wrong[bad[0]]}" if bad else ""
        counts = (len(members), len(members) - len(bad))
        checks.append(Check(detector, condition, ALL, metric, "drifts" if bad else "matches", *counts, note))
    return checks


def _times(locked: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns differences in units of what is tolerated; infinite where only one of both is a score."""
    spread = [[np.std(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0] for column in locked]
    tolerated = SCORE_TOLERANCE * np.fmax(np.abs(locked), np.array(spread))
    difference = np.abs(now - locked)
    times = np.divide(difference, tolerated, out=np.full(locked.shape, np.inf), where=tolerated > 0)
    times[difference == 0] = 0.0
    alone = np.isfinite(locked) != np.isfinite(now)
    return np.where(alone, np.inf, np.where(np.isfinite(locked), times, 0.0))
