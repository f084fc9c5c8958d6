"""Whether a threshold holds elsewhere: fitted under one condition or on one data set, measured under another.

Row ``i`` of the matrix fits a threshold to the held-out real images of cell ``i``; column ``j`` measures it on the
other half of the real groups of cell ``j``, also where ``i = j``. Which half a group is in follows from its name alone,
so what one cell holds out is not measured in another that has the same groups: the same images under another condition,
or data sets that share a source under the same names. The same photograph under two names is not recognised.

Each data set has one threshold for all its generators. Within a data set whose generators face the same real images,
the matrix thus says nothing across generators: its FPR is the same for all of them, and its TPR their mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.results.thresholds.halves import SHARES, Halves, Thresholds, count, fit_at_fpr, take
from bench.results.thresholds.intervals import (
    BOOTSTRAP,
    CLOPPER_PEARSON,
    binomial_fpr,
    fewest_groups,
    same_reals,
    share_number,
    union,
)
from bench.results.thresholds.rules import Floats, Weights
from bench.statistics.bootstrap import Interval, no_interval_reason
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number
from bench.store.panel import Panel, Part

RATES = ("fpr", "tpr")


@dataclass(frozen=True)
class Cell:
    """Scores that a threshold is fitted to, and measured on.

    Args:
        name: What tables say, such as the data set or the condition; unique in a matrix.
        panel: The scores.
        detector: The detector's label there.
        condition: What was done to the images.
    """

    name: str
    panel: Panel
    detector: str
    condition: str


@dataclass(frozen=True)
class Transfer:
    """What the threshold of one cell does in another.

    Args:
        fitted_on: Name of the cell that gave the threshold.
        measured_on: Name of the cell it was measured on.
        n_held_out: Number of real images it was fitted to.
        n_real: Number of real images measured.
        n_generated: Number of generated images measured.
        fpr: Realised false positive rate, mean over generators and seeds.
        tpr: Realised true positive rate, mean over generators and seeds.
        fpr_interval: How the interval of the FPR came about.
        reason: Why there are no rates, or None.
    """

    fitted_on: str
    measured_on: str
    n_held_out: int
    n_real: int
    n_generated: int
    fpr: Number
    tpr: Number
    fpr_interval: str = BOOTSTRAP
    reason: str | None = None


@dataclass(frozen=True)
class TransferMatrix:
    """Realised rates for every pair of cells.

    Args:
        detector: The detector's label.
        rule: Title of the rule, such as ``fpr:5``.
        names: The cells.
        entries: By (fitted on, measured on).
    """

    detector: str
    rule: str
    names: tuple[str, ...]
    entries: Mapping[tuple[str, str], Transfer]

    @property
    def empty(self) -> bool:
        """Whether there is no rate at all."""
        return all(entry.reason for entry in self.entries.values())


def transfer_between(cells: Sequence[Cell], halves: Sequence[Halves], share: float, title: str) -> TransferMatrix:
    """Measures the threshold of each cell in every cell.

    Only seeds that both cells have are used; each seed keeps its own threshold.

    Args:
        cells: Of one detector, each with a name of its own; at least one.
        halves: Of each cell's panel.
        share: The FPR that thresholds are fitted for.
        title: Of the rule.
    """
    sides = [_Side(cell, half, share) for cell, half in zip(cells, halves, strict=True)]
    names = tuple(cell.name for cell in cells)
    columns = {target.cell.name: _column(target, sides) for target in sides}
    entries = {(row, column): columns[column][row] for row in names for column in names}
    return TransferMatrix(cells[0].detector, title, names, entries)


class _Side:
    """A cell with its threshold and the images it measures."""

    def __init__(self, cell: Cell, halves: Halves, share: float) -> None:
        self.cell, self.halves = cell, halves
        parts = halves.parts(cell.detector, cell.condition)
        self.fitted = fit_at_fpr(halves, parts, share)
        self.parts = {name: take(part, ~halves.held[part.rows]) for name, part in parts.items()}
        self.everyone = union(list(self.parts.values())) if self.parts else None
        self.seeds = [cell.panel.scorings[i].seed for i in cell.panel.seeds(cell.detector, cell.condition)]


def _column(target: _Side, sources: Sequence[_Side]) -> dict[str, Transfer]:
    """Measures every threshold in one cell, whose draws are made once and not kept."""
    weights = {name: target.halves.measured.weights(part.rows) for name, part in target.parts.items()}
    return {source.cell.name: _measured(source, target, weights) for source in sources}


def _measured(source: _Side, target: _Side, weights: Mapping[str, Weights]) -> Transfer:
    seeds = [seed for seed in source.seeds if seed in target.seeds]
    undefined = [f"{name}: {why}" for name, part in target.parts.items() if (why := undefined_reason(part.labels))]
    reason = source.fitted if isinstance(source.fitted, str) else None
    reason = reason or (None if seeds else "no seed in common") or (undefined[0] if undefined else None)
    if reason or isinstance(source.fitted, str) or target.everyone is None:
        nothing = Number(np.nan, reason=reason or "no generator to face")
        return Transfer(source.cell.name, target.cell.name, 0, 0, 0, nothing, nothing, reason=nothing.reason)
    everyone = target.everyone
    own = [source.seeds.index(seed) for seed in seeds]
    fitted = replace(source.fitted, points=source.fitted.points[own], drawn=source.fitted.drawn[own])
    chosen = [target.seeds.index(seed) for seed in seeds]
    parts = {name: replace(part, scores=part.scores[chosen]) for name, part in target.parts.items()}
    numbers, exact = _rates(parts, weights, everyone, fitted)
    return Transfer(
        fitted_on=source.cell.name,
        measured_on=target.cell.name,
        n_held_out=fitted.n,
        n_real=everyone.n_real,
        n_generated=everyone.n_generated,
        fpr=numbers["fpr"],
        tpr=numbers["tpr"],
        fpr_interval=CLOPPER_PEARSON if exact else BOOTSTRAP,
    )


def _rates(
    parts: Mapping[str, Part], weights: Mapping[str, Weights], everyone: Part, fitted: Thresholds
) -> tuple[dict[str, Number], Interval | None]:
    """Averages the rates over generators; the FPR's interval is Clopper-Pearson's where all face the same reals."""
    points: dict[str, list[Floats]] = {rate: [] for rate in RATES}
    drawn: dict[str, list[Floats]] = {rate: [] for rate in RATES}
    exact = None
    for name, part in parts.items():
        counts, replicates = count(part, fitted.points[:, None]), count(part, fitted.drawn, weights[name])
        exact = binomial_fpr(part, counts)
        for rate in RATES:
            points[rate].append(SHARES[rate](counts)[:, 0])
            drawn[rate].append(SHARES[rate](replicates).mean(axis=0))
    reason = no_interval_reason(everyone.groups.tolist(), everyone.labels.tolist())
    reason = reason or fitted.no_interval
    numbers = {}
    for label, rate in enumerate(RATES):
        fewest = min(fewest_groups(part, [label]) for part in parts.values())
        means = np.mean(points[rate], axis=0), np.mean(drawn[rate], axis=0)
        numbers[rate] = share_number(*means, fewest, reason)
    exact = exact if same_reals(list(parts.values())) else None
    if exact is not None:
        fpr = numbers["fpr"]
        numbers["fpr"] = Number(fpr.value, exact, fpr.seeds_sd)
    return numbers, exact
