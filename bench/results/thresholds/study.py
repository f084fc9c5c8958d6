"""Operating points of every data set of a store, and whether a threshold holds elsewhere.

A threshold is fitted under one condition or on one data set, a cell, and measured under another. Row ``i`` of the
matrix fits one to the held-out real images of cell ``i``; column ``j`` measures it on the other half of the real groups
of cell ``j``, also where ``i = j``. Which half a group is in follows from its name alone, so what one cell holds out is
not measured in another that has the same groups: the same images under another condition, or data sets that share a
source under the same names. The same photograph under two names is not recognised.

Each data set has one threshold for all its generators. Within a data set whose generators face the same real images,
the matrix thus says nothing across generators: its FPR is the same for all of them, and its TPR their mean.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bench.errors import BenchError
from bench.results.stored_detectors import chosen_detectors
from bench.results.summary import DRAWS, Row, summarise
from bench.results.thresholds.calibration import Calibration, calibration
from bench.results.thresholds.halves import Halves, Thresholds, fit_at_fpr, union
from bench.results.thresholds.points import OperatingPoint, operating_points
from bench.results.thresholds.rules import FPR, Rule, Weights, parse_rule
from bench.results.thresholds.shares import BOOTSTRAP, CLOPPER_PEARSON, mean_shares, measure
from bench.scoring.machine.phases import phase
from bench.statistics.bootstrap import groups_reason
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number
from bench.store.panel import Panel, Part
from bench.store.schema import CLEAN

RATES = ("fpr", "tpr")
LOW_RATES = ("partial_auroc_5_fpr", "eer", "tpr_at_1_fpr")
"""Metrics without a threshold that say what a detector does where false alarms must be rare."""


@dataclass(frozen=True)
class Cell:
    """Scores that a threshold is fitted to, and measured on; the name is what tables say, unique in a matrix."""

    name: str
    halves: Halves
    detector: str
    condition: str

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The images to measure, by generator that means are about."""
        parts = self.halves.measured_parts(self.detector, self.condition)
        return {name: parts[name] for name in self.halves.averaged(self.condition)}

    @cached_property
    def everyone(self) -> Part:
        """The images to measure; there must be a generator to face."""
        return union(list(self.parts.values()))

    @cached_property
    def seeds(self) -> list[int]:
        """The detector's seeds."""
        panel = self.halves.panel
        return [panel.scorings[i].seed for i in panel.seeds(self.detector, self.condition)]


@dataclass(frozen=True)
class Transfer:
    """What the threshold of one cell does in another: realised rates, means over generators and seeds.

    Args:
        n_held_out: Number of real images that the threshold was fitted to.
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
    """Realised rates for every pair of cells, by (fitted on, measured on)."""

    detector: str
    rule: str
    names: tuple[str, ...]
    entries: Mapping[tuple[str, str], Transfer]

    @property
    def empty(self) -> bool:
        """Whether there is no rate at all."""
        return all(entry.reason for entry in self.entries.values())


@dataclass(frozen=True)
class ThresholdStudy:
    """Operating points of every data set, and transfer matrices across data sets and conditions.

    Args:
        points: By data set.
        matrices: One for each rule ``fpr:P`` and each detector with two and more data sets or conditions.
        calibrations: By data set, of the detectors whose scores are probabilities.
        low_rates: By data set, rows whose numbers have `LOW_RATES`; of all images, since nothing is fitted.
    """

    points: Mapping[str, Sequence[OperatingPoint]]
    matrices: Sequence[TransferMatrix]
    calibrations: Mapping[str, Sequence[Calibration]] = field(default_factory=dict)
    low_rates: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@phase("Measuring thresholds")
def study_thresholds(
    panels: Mapping[str, Panel],
    rules: Sequence[str],
    detectors: Collection[str] | None = None,
    probabilities: Collection[str] = (),
    draws: int = DRAWS,
    prevalences: Sequence[float] = (),
    calibrate_with: Sequence[int] = (),
) -> ThresholdStudy:
    """Measures detectors under threshold rules, and thresholds of ``fpr:P`` across data sets and conditions.

    Args:
        panels: By title of the data set.
        rules: ``fpr:P``, ``best`` or ``fixed:T``, at least one.
        detectors: Labels of the only detectors to take; all where it is None.
        probabilities: Labels of the detectors whose scores are probabilities, for ``fixed:T`` and calibration.
        draws: Number of bootstrap draws.
        prevalences: Shares of generated images, in (0, 1), at which to tell the precision of every threshold.
        calibrate_with: Numbers of real groups, each at least 1; to so many alone each rule ``fpr:P`` is fitted, too.

    Raises:
        BenchError: No rule is given, a rule is unknown or not for a detector, a detector is in no data set, or there is
            no rule to fit to few groups.
    """
    parsed = list(dict.fromkeys(parse_rule(rule) for rule in rules))
    if not parsed:
        raise BenchError("No threshold rule is given: write for instance --rule fpr:5 best.")
    if calibrate_with and not any(rule.kind == FPR for rule in parsed):
        raise BenchError(
            "--calibrate-with is about the rules fpr:P, and none is given: add for instance --rules fpr:5."
        )
    from_few = [rule.calibrated_with(k) for rule in parsed if rule.kind == FPR for k in dict.fromkeys(calibrate_with)]
    chosen = chosen_detectors(panels, detectors)
    chosen_detectors(panels, probabilities)
    halves = {title: Halves(panel, draws) for title, panel in panels.items()}
    points: dict[str, list[OperatingPoint]] = {}
    calibrations: dict[str, list[Calibration]] = {}
    cells: dict[str, list[Cell]] = {detector: [] for detector in chosen}
    for title, panel in panels.items():
        points[title], calibrations[title] = [], []
        for detector, condition in panel.cells:
            if detector not in chosen:
                continue
            probability = detector in probabilities
            for rule in (*parsed, *from_few):
                points[title] += operating_points(halves[title], detector, condition, rule, probability, prevalences)
            if probability:
                calibrations[title] += calibration(halves[title], detector, condition, probability)
            name = title if condition == CLEAN else f"{title}, {condition}"
            name = condition if len(panels) == 1 else name
            cells[detector].append(Cell(name, halves[title], detector, condition))
    matrices = [
        transfer_between(cells[detector], rule)
        for rule in parsed
        if rule.kind == FPR
        for detector in chosen
        if len(cells[detector]) > 1
    ]
    low_rates = {
        title: [row for row in summarise(panel, LOW_RATES, draws).rows if row.detector in chosen]
        for title, panel in panels.items()
    }
    return ThresholdStudy(points, matrices, calibrations, low_rates)


def transfer_between(cells: Sequence[Cell], rule: Rule) -> TransferMatrix:
    """Measures the threshold that ``fpr:P`` gives in each cell of one detector in every cell.

    Only seeds that both cells have are used; each seed keeps its own threshold.
    """
    fitted = [fit_at_fpr(cell.halves, cell.detector, cell.condition, rule.value) for cell in cells]
    columns: dict[str, dict[str, Transfer]] = {}
    for target in cells:
        # A column's draws are made once and not kept.
        weights = {name: target.halves.measured.weights(part) for name, part in target.parts.items()}
        columns[target.name] = {
            source.name: _measured(source, thresholds, target, weights)
            for source, thresholds in zip(cells, fitted, strict=True)
        }
    names = tuple(cell.name for cell in cells)
    entries = {(row, column): columns[column][row] for row in names for column in names}
    return TransferMatrix(cells[0].detector, rule.title, names, entries)


def _measured(source: Cell, fitted: Thresholds, target: Cell, weights: Mapping[str, Weights]) -> Transfer:
    seeds = [seed for seed in source.seeds if seed in target.seeds]
    undefined = [f"{name}: {why}" for name, part in target.parts.items() if (why := undefined_reason(part.labels))]
    reason = fitted.refused or (None if seeds else "no seed in common") or (undefined[0] if undefined else None)
    if not target.parts:
        reason = reason or "no generator to face"
    if reason:
        nothing = Number(np.nan, reason=reason)
        return Transfer(source.name, target.name, 0, 0, 0, nothing, nothing, reason=reason)
    in_source, in_target = ([cell.seeds.index(seed) for seed in seeds] for cell in (source, target))
    thresholds = replace(fitted, points=fitted.points[in_source], drawn=fitted.drawn[in_source])
    parts = {name: replace(part, scores=part.scores[in_target]) for name, part in target.parts.items()}
    shares = mean_shares(
        list(parts.values()), [measure(part, thresholds, weights[name]) for name, part in parts.items()]
    )
    reason = groups_reason(*target.everyone.n_groups) or fitted.no_interval
    numbers = shares.numbers(list(parts.values()), reason)
    return Transfer(
        fitted_on=source.name,
        measured_on=target.name,
        n_held_out=fitted.n,
        n_real=target.everyone.n_real,
        n_generated=target.everyone.n_generated,
        fpr=numbers["fpr"],
        tpr=numbers["tpr"],
        fpr_interval=BOOTSTRAP if shares.exact is None else CLOPPER_PEARSON,
    )
