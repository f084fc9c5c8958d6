"""The page's heat map: a table whose cells are coloured by what a condition changes for a detector."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.heat_map import ALONE, NOTE, cell_words
from bench.report.numbers import p_cell
from bench.report.plots.heat_map import DEEPEST
from bench.results.comparison import Comparison
from bench.results.heat_map import HeatMap, heat_map_of
from bench.results.summary import Change


@dataclass(frozen=True)
class HeatCell:
    """A change as the page shows it.

    Args:
        words: The change; empty where the detector lacks the condition.
        ends: Its interval, or that it has none.
        side: ``loss`` or ``gain``, which have a colour each; empty without an interval.
        strength: Of the colour, from 0 to 1.
        title: What is said of the cell where the pointer rests on it: its test, or why there is none.
    """

    words: str = ""
    ends: str = ""
    side: str = ""
    strength: float = 0.0
    separated: bool = False
    title: str = ""


@dataclass(frozen=True)
class HeatTable:
    """A heat map as the page shows it: conditions with a cell for each detector, in parts with a heading each."""

    detectors: Sequence[str]
    parts: Sequence[tuple[str, Sequence[tuple[str, Sequence[HeatCell]]]]]
    note: str = NOTE


def heat_table(comparison: Comparison) -> HeatTable | None:
    """Makes the heat map of a comparison; None where it has clean images alone."""
    heat_map = heat_map_of(comparison)
    if heat_map is None:
        return None
    parts = [
        (ALONE if alone else "", [(name, _cells(heat_map, name)) for name in conditions])
        for alone, conditions in heat_map.parts.items()
    ]
    return HeatTable(heat_map.detectors, parts)


def _cells(heat_map: HeatMap, condition: str) -> list[HeatCell]:
    changes = (heat_map.changes.get((detector, condition)) for detector in heat_map.detectors)
    return [HeatCell() if change is None else _cell(heat_map, change) for change in changes]


def _cell(heat_map: HeatMap, change: Change) -> HeatCell:
    words, ends = cell_words(change)
    strength = heat_map.strength(change)
    side = "" if change.auroc.interval is None else "loss" if strength < 0 else "gain"
    standing = "separated from no change" if change.separated else "not separated from no change"
    test = f"{standing}; Holm's p: {p_cell(change.p_adjusted)}, p alone: {p_cell(change.p)}"
    title = f"{change.detector}, {change.condition}: {change.auroc.reason or test}"
    return HeatCell(words, ends, side, round(DEEPEST * abs(strength), 3), change.separated, title)
