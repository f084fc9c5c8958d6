"""A sweep: one detector with several settings on the same images, and whether the sign of its score depends on them.

The best of several settings looks better than it is. So what a sweep tried is kept in the store
(`bench.store.sweeps`), and the sign is called dependent on the setting where intervals lie on both sides of chance that
hold for all settings at once (Bonferroni: at ``1 - 0.05 / N`` for ``N`` settings each).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bench.results.comparison import Comparison
from bench.results.summary import Row, main_row
from bench.scoring.sweeps import SweptSetting
from bench.statistics.bootstrap import Interval
from bench.statistics.intervals import auroc_interval
from bench.statistics.number import Number
from bench.statistics.ranking import SIGNIFICANT
from bench.store.facts import Facts
from bench.store.sweeps import DEFAULT, SWEEP

CHANCE = 0.5
Sign = Literal["depends", "not adjusted", "values alone", "one side"]
"""How sure it is that settings lie on both sides of chance: by intervals for all at once, by the 95 % interval of each,
by the values alone; or that they do not."""


@dataclass(frozen=True)
class SettingResult:
    """What one setting gave under one condition.

    Args:
        setting: The setting.
        row: Its numbers: the mean over generators, or the only one.
        simultaneous: The interval of its AUROC that holds for all settings at once; None without one.
    """

    setting: SweptSetting
    row: Row
    simultaneous: Interval | None

    @property
    def auroc(self) -> Number:
        """The number that settings are compared by."""
        return self.row.numbers["auroc"]


@dataclass(frozen=True)
class Sweep:
    """The settings of a detector on one data set."""

    comparison: Comparison
    settings: Sequence[SweptSetting]

    @property
    def method(self) -> str:
        """The detector whose settings they are, by its name."""
        return self.settings[0].text.partition(":")[0]

    @property
    def options(self) -> tuple[str, ...]:
        """The options that were swept."""
        return tuple(self.settings[0].values)

    @property
    def first(self) -> str:
        """The condition that figures are of: the clean images."""
        return self.comparison.conditions[0]

    @cached_property
    def results(self) -> Mapping[str, list[SettingResult]]:
        """What each setting gave, by condition, in the order of the settings."""
        summary, level = self.comparison.summary, 1 - SIGNIFICANT / len(self.settings)
        results: dict[str, list[SettingResult]] = {}
        for condition in self.comparison.conditions:
            for setting in self.settings:
                row = main_row(summary.cells.get((setting.label, condition), {}).values())
                if row is None:
                    continue
                influence = summary.influences.get((setting.label, condition), {}).get(row.generator)
                interval = None if influence is None else auroc_interval(influence, level)
                results.setdefault(condition, []).append(SettingResult(setting, row, interval))
        return results

    def extremes(self, condition: str) -> tuple[SettingResult, SettingResult] | None:
        """Returns the settings of the lowest and of the highest AUROC, the first of equals; None without any AUROC."""
        known = [result for result in self.results.get(condition, ()) if not math.isnan(result.auroc.value)]
        ends = [end(known, key=lambda result: result.auroc.value, default=None) for end in (min, max)]
        return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])

    def sign(self, condition: str) -> Sign:
        """Says whether settings lie on both sides of chance under a condition."""
        results = self.results.get(condition, [])
        if _on_both_sides([result.simultaneous for result in results]):
            return "depends"
        if _on_both_sides([result.auroc.interval for result in results]):
            return "not adjusted"
        values = [result.auroc.value for result in results]
        return "values alone" if _on_both_sides([Interval(value, value) for value in values]) else "one side"


def _on_both_sides(intervals: Sequence[Interval | None]) -> bool:
    known = [interval for interval in intervals if interval is not None]
    return any(interval.high < CHANCE for interval in known) and any(interval.low > CHANCE for interval in known)


def sweep_facts(settings: Sequence[SweptSetting]) -> Facts:
    """Returns what the run of a sweep keeps: the settings, and which one is the method's own."""
    default = next((setting.label for setting in settings if setting.is_default), None)
    labels = [setting.label for setting in settings]
    return {SWEEP: {"settings": labels, **({} if default is None else {DEFAULT: default})}}
