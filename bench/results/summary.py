"""From stored scores to the numbers of a comparison: metrics with intervals, per generator and over generators.

AUROC and average precision have influence values (`bench.statistics.influence`): intervals, paired tests and
differences follow from them. The other metrics have one set of bootstrap draws of the groups, shared by all generators,
detectors, conditions and seeds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.results.estimates import INFLUENCES, MOST_DRAWN, Estimate, estimate
from bench.scoring.machine.phases import phase
from bench.statistics.bootstrap import GroupBootstrap, Interval, groups_reason
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.intervals import holm, paired_test
from bench.statistics.metrics import METRICS, undefined_reason
from bench.statistics.number import Number, finite
from bench.statistics.ranking import SIGNIFICANT
from bench.store.contrasts import averaged
from bench.store.panel import Panel, Part
from bench.store.schema import CLEAN

DRAWS = 1000
THREADS = 2
"""That compute cells: numpy sorts and sums in each of them, and Python in one."""
MEAN, ALL = "mean", "all images"


@dataclass(frozen=True)
class Row:
    """All numbers of one detector under one condition against one generator (or ``mean``).

    ``apart`` is whether it is a generator of edited images, which is in no mean.
    """

    detector: str
    condition: str
    generator: str
    n_real: int
    n_generated: int
    n_unreadable: int
    numbers: dict[str, Number]
    apart: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of images, by the names of columns."""
        return {"n_real": self.n_real, "n_generated": self.n_generated, "n_unreadable": self.n_unreadable}


@dataclass(frozen=True)
class Change:
    """What a condition does to a detector: its mean AUROC there minus the one on the clean images, paired.

    Args:
        p: Of the paired test that there is no change; None where there is no test, for the number's reason.
        p_adjusted: Holm's, over the conditions of this detector that have a test.
    """

    detector: str
    condition: str
    auroc: Number
    p: float | None = None
    p_adjusted: float | None = None

    @property
    def separated(self) -> bool:
        """Whether the adjusted test tells the change from none at 5 %."""
        return self.p_adjusted is not None and self.p_adjusted < SIGNIFICANT


@dataclass(frozen=True)
class Summary:
    """The numbers of a comparison.

    Args:
        rows: For each detector and condition a row for each generator and, with two and more, one for their mean; those
            apart come after it.
        influences: What tests start from: by detector and condition, the AUROC of each generator and of the mean, where
            it is defined and has groups enough for an interval.
    """

    rows: list[Row]
    changes: list[Change]
    influences: Mapping[tuple[str, str], Mapping[str, InfluenceValues]] = field(default_factory=dict)

    @property
    def means(self) -> list[Row]:
        """The `main_row` of each detector under each condition, where there is one."""
        return [row for rows in self.cells.values() if (row := main_row(rows.values())) is not None]

    @cached_property
    def cells(self) -> dict[tuple[str, str], dict[str, Row]]:
        """The rows by generator, by detector and condition."""
        cells: dict[tuple[str, str], dict[str, Row]] = {}
        for row in self.rows:
            cells.setdefault((row.detector, row.condition), {})[row.generator] = row
        return cells


def main_row(rows: Iterable[Row]) -> Row | None:
    """Returns the row of the mean, or of the only generator that is not apart, or the only row; None without these."""
    several = list(rows)
    whole = [row for row in several if not row.apart]
    mean = [row for row in whole if row.generator == MEAN]
    candidates = mean or whole or several
    return candidates[0] if len(candidates) == 1 else None


@phase("Computing metrics and intervals")
def summarise(panel: Panel, metrics: Sequence[str] | None = None, draws: int = DRAWS) -> Summary:
    """Computes every number of a comparison from scores alone: all `METRICS` by default; AUROC is always there."""
    names = list(dict.fromkeys(["auroc", *(METRICS if metrics is None else metrics)]))
    drawn = Draws(panel, draws)
    results = _results(panel, drawn, names)
    changes = [
        _change(result, results[detector, CLEAN])
        for (detector, condition), result in results.items()
        if condition != CLEAN and (detector, CLEAN) in results and result.averaged
    ]
    rows = [row for result in results.values() for row in result.rows]
    return Summary(rows, adjusted(changes), {cell: result.influences for cell, result in results.items()})


def _results(panel: Panel, draws: "Draws", metrics: Sequence[str]) -> dict[tuple[str, str], "_Result"]:
    """Computes the numbers of every cell; several at once where that takes little memory, for lack of draws.

    The first goes ahead, since it makes what all cells share.
    """
    cells, threads = panel.cells, THREADS if INFLUENCES.keys() >= set(metrics) else 1
    first = [_Result(panel, draws, metrics, *cell) for cell in cells[:1]]
    with ThreadPoolExecutor(threads) as pool:
        rest = pool.map(lambda cell: _Result(panel, draws, metrics, *cell), cells[1:])
        return dict(zip(cells, [*first, *rest], strict=True))


class Draws:
    """Bootstrap draws of the images of a panel, or of some of them; their groups are drawn among themselves."""

    def __init__(self, panel: Panel, draws: int, chosen: NDArray[np.bool_] | None = None, seed: int = 0) -> None:
        self._images = np.arange(len(panel.images)) if chosen is None else np.flatnonzero(chosen)
        self._panel, self._draws, self._seed = panel, draws, seed

    @cached_property
    def _bootstrap(self) -> GroupBootstrap:
        groups = self._panel.images["group"].gather(self._images).to_list()
        return GroupBootstrap(groups, self._panel.labels[self._images].tolist(), self._draws, self._seed)

    def weights(self, part: Part) -> NDArray[np.int16]:
        """Returns ``(draws, n)`` counts of the images of a part, which are all among the chosen ones."""
        return self._bootstrap.weights(np.searchsorted(self._images, part.rows))


class _Result:
    """One detector under one condition; what it holds is small, since there are many."""

    def __init__(self, panel: Panel, draws: Draws, metrics: Sequence[str], detector: str, condition: str) -> None:
        self.detector, self.condition, self.draws, self.metrics = detector, condition, draws, metrics
        self.seeds = [panel.scorings[at].seed for at in panel.seeds(detector, condition)]
        rules = panel.contrasts[condition]
        parts = {rule.generator: panel.part(detector, condition, rule) for rule in rules}
        self.averaged = [rule.generator for rule in averaged(rules)] if rules else [ALL]
        everything = panel.part(detector, condition, within=~panel.apart(condition))
        named = parts or {ALL: everything}
        estimates = {name: self._estimates(part) for name, part in named.items()}
        edited = {rule.generator for rule in rules if rule.apart}
        self.rows = [self._row(name, part, estimates[name], [part], name in edited) for name, part in named.items()]
        self.aurocs = {name: by_metric["auroc"] for name, by_metric in estimates.items()}
        if len(self.averaged) > 1:
            means = {metric: _mean(metric, {name: estimates[name] for name in self.averaged}) for metric in metrics}
            self.rows.append(self._row(MEAN, everything, means, [parts[name] for name in self.averaged]))
            self.aurocs[MEAN] = means["auroc"]
        self.rows.sort(key=lambda row: row.apart)

    @property
    def influences(self) -> dict[str, InfluenceValues]:
        """Of the AUROC, by generator, where it has an interval."""
        return {name: auroc.influence for name, auroc in self.aurocs.items() if auroc.influence is not None}

    def _row(
        self, name: str, part: Part, estimates: Mapping[str, Estimate], parts: Sequence[Part], apart: bool = False
    ) -> Row:
        groups = np.mean([contrast.n_groups for contrast in parts], axis=0)
        numbers = {}
        for metric, value in estimates.items():
            chances = [METRICS[metric].chance(contrast.n_real, contrast.n_generated) for contrast in parts]
            known = [chance for chance in chances if chance is not None]
            chance = float(np.mean(known)) if len(known) == len(parts) else None
            sizes = float(groups[0]), float(groups[1])
            numbers[metric] = replace(value.number(metric), n_groups=sizes, chance=chance)
        counts = (part.n_real, part.n_generated, part.n_unreadable)
        return Row(self.detector, self.condition, name, *counts, numbers, apart)

    def _estimates(self, part: Part) -> dict[str, Estimate]:
        reason = undefined_reason(part.labels) or groups_reason(*part.n_groups)
        drawn = not reason and not INFLUENCES.keys() >= set(self.metrics) and len(part.rows) <= MOST_DRAWN
        return estimate(part, self.metrics, reason, self.draws.weights(part) if drawn else None)


def _mean(metric: str, estimates: Mapping[str, Mapping[str, Estimate]]) -> Estimate:
    """Averages over generators; an interval asks for one of each generator."""
    values = {name: by_metric[metric] for name, by_metric in estimates.items()}
    seeds = np.mean([value.seeds for value in values.values()], axis=0)
    reason = next((f"{name}: {value.reason}" for name, value in values.items() if value.reason), None)
    if reason:
        return Estimate(seeds, reason)
    doubt = next((value.doubt for value in values.values() if value.doubt), None)
    known = [value.influence for value in values.values() if value.influence is not None]
    if known:
        return Estimate(seeds, influence=combined(known), doubt=doubt)
    drawn = [value.drawn for value in values.values() if value.drawn is not None]
    tail = min(value.tail for value in values.values())
    return Estimate(seeds, drawn=np.mean(drawn, axis=0), doubt=doubt, tail=tail)


def adjusted(changes: Sequence[Change]) -> list[Change]:
    """Adjusts the p-values of each detector's changes for the number of its conditions (Holm), in the order given."""
    families: dict[str, list[int]] = {}
    for position, change in enumerate(changes):
        families.setdefault(change.detector, []).append(position)
    result = list(changes)
    for family in families.values():
        p_values = [math.nan if (p := changes[position].p) is None else p for position in family]
        for position, p in zip(family, holm(p_values).tolist(), strict=True):
            result[position] = replace(changes[position], p_adjusted=finite(p))
    return result


def _change(result: _Result, clean: _Result) -> Change:
    """Subtracts two mean AUROCs, paired: both saw the same groups, so what they share cancels.

    The mean is over the generators that are there under both conditions.
    """
    cell = result.detector, result.condition
    names = [name for name in result.averaged if name in clean.averaged and name != ALL]
    if not names:
        return Change(*cell, Number(float("nan"), reason="no generator is there under both"))
    aurocs = [[side.aurocs[name] for name in names] for side in (result, clean)]
    after, before = (np.mean([auroc.seeds.mean() for auroc in side]) for side in aurocs)
    value = float(after - before)
    reason = next((auroc.reason for side in aurocs for auroc in side if auroc.reason), None)
    if reason is not None:
        return Change(*cell, Number(value, reason=reason))
    changed, untouched = (combined([side.influences[name] for name in names]) for side in (result, clean))
    test = paired_test(changed, untouched, same_seeds=result.seeds == clean.seeds)
    return Change(*cell, Number(value, Interval(test.low, test.high)), finite(test.p))
