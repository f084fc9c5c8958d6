"""How detectors stand degraded images: curves of the mean AUROC over the levels of a degradation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.results.numbers import MEAN, Row, Summary
from bench.store.schema import CLEAN
from datamodules import DataOptionError
from datamodules.degradations import parse_condition

# What the level of a degradation measures, and the level that leaves an image as it is, where there is one.
AXES: dict[str, tuple[str, float | None]] = {
    "jpeg": ("quality", None),
    "webp": ("quality", None),
    "blur": ("sigma in pixels", 0.0),
    "noise": ("standard deviation", 0.0),
    "resize": ("factor", 1.0),
    "resize px": ("short side in pixels", None),
    "crop": ("share of each side", 1.0),
}


@dataclass(frozen=True)
class Curve:
    """The mean AUROC of every detector at every level of one kind of degradation.

    Args:
        kind: The condition without its level, for instance ``blur,kernel=9@generated``.
        axis: What the level measures.
        points: ``(level, row)`` by detector, sorted by level; the clean images are one of them if they have a level.
        clean: The row of the clean images by detector.
    """

    kind: str
    axis: str
    points: dict[str, list[tuple[float, Row]]]
    clean: dict[str, Row]

    @property
    def detectors(self) -> list[str]:
        """All detectors of the summary, also those without a point here, so that each has its place in every curve."""
        return list(dict.fromkeys([*self.clean, *self.points]))

    @property
    def levels(self) -> list[float]:
        """The levels that any detector has, ascending."""
        return sorted({level for own in self.points.values() for level, _ in own})

    @property
    def untouched(self) -> float | None:
        """The level that leaves an image as it is, where there is one."""
        return AXES[re.split("[,@]", self.kind)[0]][1]

    @property
    def incomplete(self) -> dict[str, str]:
        """Why a detector's curve is not to be compared with the others: levels, or images, that it lacks."""
        most = max(_images(row) for own in self.points.values() for _, row in own)
        found = {}
        for detector in self.detectors:
            own = dict(self.points.get(detector, []))
            known = {*own, self.untouched} if detector in self.clean else own
            absent = [f"{level:g}" for level in self.levels if level not in known]
            fewer = [f"{level:g}" for level, row in own.items() if _images(row) < most]
            if absent:
                found[detector] = f"no scores at level {', '.join(absent)}"
            elif fewer:
                found[detector] = f"fewer images than elsewhere at level {', '.join(fewer)}"
        return found


def _images(row: Row) -> int:
    return row.n_real + row.n_generated + row.n_unreadable


def robustness_curves(summary: Summary) -> list[Curve]:
    """Arranges the conditions that are one degradation each; chains and matched images are no points of a curve."""
    means = list(mean_rows(summary))
    clean = {row.detector: row for row in means if row.condition == CLEAN}
    kinds: dict[str, dict[str, list[tuple[float, Row]]]] = {}
    bases = {}
    for row in means:
        found = _kind_and_level(row.condition)
        if found is not None:
            kind, bases[kind], level = found
            kinds.setdefault(kind, {}).setdefault(row.detector, []).append((level, row))
    return [_curve(kind, AXES[bases[kind]], points, clean) for kind, points in kinds.items()]


def _curve(
    kind: str, axis: tuple[str, float | None], points: dict[str, list[tuple[float, Row]]], clean: dict[str, Row]
) -> Curve:
    measure, untouched = axis
    for detector, own in points.items():
        if untouched is not None and detector in clean:
            own.append((untouched, clean[detector]))
        own.sort(key=lambda point: point[0])
    return Curve(kind, measure, points, clean)


def _kind_and_level(condition: str) -> tuple[str, str, float] | None:
    """Splits ``blur:2,kernel=9`` into kind ``blur,kernel=9``, axis ``blur`` and level 2; None otherwise."""
    try:
        steps = parse_condition(condition).steps
    except DataOptionError:
        return None
    match = re.match(r"([a-z]+):([0-9.]+)(px)?(.*)", condition)
    if len(steps) != 1 or match is None:
        return None
    name = match[1] + (" px" if match[3] else "")
    return name + match[4], name, float(match[2])


def mean_rows(summary: Summary) -> Iterator[Row]:
    """Takes the mean of each detector under each condition, which is the only row where there is one generator."""
    chosen: dict[tuple[str, str], Row] = {}
    for row in summary.rows:
        if row.generator == MEAN or (row.detector, row.condition) not in chosen:
            chosen[row.detector, row.condition] = row
    yield from chosen.values()
