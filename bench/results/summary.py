"""From stored scores to the numbers of a comparison: metrics with intervals, per generator and over generators.

AUROC and average precision have influence values (`bench.statistics.influence`): intervals, paired tests and
differences follow from them. The other metrics have one set of bootstrap draws of the groups, shared by all generators,
detectors, conditions and seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.results.estimates import (
    INFLUENCES,
    MOST_DRAWN,
    TOO_MANY,
    Estimate,
    Floats,
    estimate,
    influences_of,
    replicates,
)
from bench.statistics.bootstrap import GroupBootstrap, Interval, groups_reason
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import paired_test
from bench.statistics.metrics import METRICS, undefined_reason
from bench.statistics.number import Number
from bench.store.panel import Panel, Part
from bench.store.schema import CLEAN

DRAWS = 1000
MEAN, ALL = "mean", "all images"


@dataclass(frozen=True)
class Row:
    """All numbers of one detector under one condition against one generator (or ``mean``)."""

    detector: str
    condition: str
    generator: str
    n_real: int
    n_generated: int
    n_unreadable: int
    numbers: dict[str, Number]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of images, by the names of columns."""
        return {"n_real": self.n_real, "n_generated": self.n_generated, "n_unreadable": self.n_unreadable}


@dataclass(frozen=True)
class Change:
    """What a condition does to a detector: its mean AUROC there minus the one on the clean images, paired."""

    detector: str
    condition: str
    auroc: Number


@dataclass(frozen=True)
class Summary:
    """The numbers of a comparison.

    Args:
        rows: For each detector and condition a row for each generator and, with two and more, one for their mean.
        changes: What each condition changes.
        influences: What tests start from: by detector and condition, the AUROC of each generator and of the mean, where
            it is defined and has groups enough for an interval.
    """

    rows: list[Row]
    changes: list[Change]
    influences: Mapping[tuple[str, str], Mapping[str, InfluenceValues]] = field(default_factory=dict)

    @property
    def means(self) -> list[Row]:
        """The mean of each detector under each condition, which is the only row where there is one generator."""
        chosen: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            if row.generator == MEAN or (row.detector, row.condition) not in chosen:
                chosen[row.detector, row.condition] = row
        return list(chosen.values())


def summarise(panel: Panel, metrics: Sequence[str] | None = None, draws: int = DRAWS) -> Summary:
    """Computes every number of a comparison from scores alone.

    Args:
        panel: The scores.
        metrics: Names of `METRICS`, all by default; AUROC is always there.
        draws: Number of bootstrap draws.
    """
    names = list(dict.fromkeys(["auroc", *(METRICS if metrics is None else metrics)]))
    bootstrap = _Bootstrap(panel, draws)
    results = {cell: _Result(panel, bootstrap, names, *cell) for cell in panel.cells}
    changes = [
        Change(detector, condition, _difference(result, results[detector, CLEAN]))
        for (detector, condition), result in results.items()
        if condition != CLEAN and (detector, CLEAN) in results
    ]
    rows = [row for result in results.values() for row in result.rows]
    return Summary(rows, changes, {cell: result.influences for cell, result in results.items()})


class _Bootstrap:
    """Draws for the images of a panel, made when they are asked for."""

    def __init__(self, panel: Panel, draws: int) -> None:
        self.panel, self.draws = panel, draws

    @cached_property
    def _drawn(self) -> GroupBootstrap:
        return GroupBootstrap(self.panel.images["group"].to_list(), self.panel.labels.tolist(), draws=self.draws)

    def weights(self, part: Part) -> NDArray[np.generic] | None:
        """Returns how often each image is drawn; None where they are too many."""
        return self._drawn.weights(part.rows) if len(part.rows) <= MOST_DRAWN else None


class _Result:
    """One detector under one condition; what it holds is small, since there are many."""

    def __init__(
        self, panel: Panel, bootstrap: _Bootstrap, metrics: Sequence[str], detector: str, condition: str
    ) -> None:
        self.detector, self.condition, self.bootstrap, self.metrics = detector, condition, bootstrap, metrics
        self.seeds = [panel.scorings[at].seed for at in panel.seeds(detector, condition)]
        parts = {rule.generator: panel.part(detector, condition, rule) for rule in panel.contrasts[condition]}
        everything = panel.part(detector, condition)
        named = parts or {ALL: everything}
        estimates = {name: self._estimates(part) for name, part in named.items()}
        self.rows = [self._row(name, part, estimates[name], [part]) for name, part in named.items()]
        self.aurocs = {name: of["auroc"] for name, of in estimates.items()}
        if len(parts) > 1:
            means = {metric: self._mean(metric, estimates, parts, everything) for metric in metrics}
            self.rows.append(self._row(MEAN, everything, means, list(parts.values())))
            self.aurocs[MEAN] = means["auroc"]

    @property
    def influences(self) -> dict[str, InfluenceValues]:
        """Of the AUROC, by generator, where it has an interval."""
        return {name: one.influence for name, one in self.aurocs.items() if one.influence is not None}

    @property
    def generators(self) -> list[str]:
        """The generators that are faced."""
        return [name for name in self.aurocs if name not in (ALL, MEAN)]

    def _row(self, name: str, part: Part, estimates: Mapping[str, Estimate], parts: Sequence[Part]) -> Row:
        groups = np.mean([one.n_groups for one in parts], axis=0)
        numbers = {
            metric: replace(one.number(metric), n_groups=(float(groups[0]), float(groups[1])))
            for metric, one in estimates.items()
        }
        return Row(self.detector, self.condition, name, part.n_real, part.n_generated, part.n_unreadable, numbers)

    def _estimates(self, part: Part) -> dict[str, Estimate]:
        reason = undefined_reason(part.labels) or groups_reason(*part.n_groups)
        draws = not reason and not INFLUENCES.keys() >= set(self.metrics)
        return estimate(part, self.metrics, reason, self.bootstrap.weights(part) if draws else None)

    def _mean(
        self, metric: str, estimates: Mapping[str, Mapping[str, Estimate]], parts: Mapping[str, Part], everything: Part
    ) -> Estimate:
        """Averages over generators; an interval asks for enough groups in all, not of each generator."""
        each = {name: of[metric] for name, of in estimates.items()}
        seeds = np.mean([one.seeds for one in each.values()], axis=0)
        for name, one in each.items():
            if np.isnan(one.seeds).any():
                return Estimate(seeds, f"undefined for {name}: {one.reason}")
        reason = groups_reason(*everything.n_groups)
        if reason:
            return Estimate(seeds, reason)
        if metric in INFLUENCES:
            found = [one.influence or influences_of(parts[name], [metric])[metric] for name, one in each.items()]
            return Estimate(seeds, influence=combined(found))
        drawn = [self._drawn(metric, parts[name], one) for name, one in each.items()]
        known = [one for one in drawn if one is not None]
        return Estimate(seeds, TOO_MANY) if len(known) < len(drawn) else Estimate(seeds, drawn=np.mean(known, axis=0))

    def _drawn(self, metric: str, part: Part, one: Estimate) -> Floats | None:
        """Returns the draws of a generator, also of one that has too few groups for an interval of its own."""
        if one.drawn is not None:
            return one.drawn
        weights = self.bootstrap.weights(part)
        return None if weights is None else replicates(metric, part, weights)


def _difference(result: _Result, clean: _Result) -> Number:
    """Subtracts two mean AUROCs, paired: both saw the same groups, so what they share cancels.

    The mean is over the generators that are there under both conditions.
    """
    names = [name for name in result.generators if name in clean.generators]
    if not names:
        return Number(float("nan"), reason="no generator is there under both")
    if len(names) > 1 and result.generators == clean.generators:
        names = [MEAN]  # which has an interval where a single generator has too few groups
    each = [[of.aurocs[name] for name in names] for of in (result, clean)]
    values = [np.mean([one.seeds.mean() for one in of]) for of in each]
    value = float(values[0] - values[1])
    reason = next((one.reason for of in each for one in of if one.reason), None)
    if reason is not None:
        return Number(value, reason=reason)
    changed, untouched = (combined([one.influence for one in of if one.influence is not None]) for of in each)
    test = paired_test(changed, untouched, same_seeds=result.seeds == clean.seeds)
    return Number(value, Interval(test.low, test.high))
