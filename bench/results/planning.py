"""How many groups each pair of a store's detectors needs, from the scores that there are: nothing is scored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.results.rankings import CommonImages, drawing_of, rankings_of
from bench.results.stored_detectors import chosen_detectors
from bench.results.summary import Summary, main_row, summarise
from bench.scoring.machine.phases import phase
from bench.statistics.bootstrap import FEWEST_GROUPS
from bench.statistics.influence import InfluenceValues
from bench.statistics.intervals import ZERO
from bench.statistics.planning import Plan, pilot_of, plan
from bench.statistics.ranking import Pair, Ranking
from bench.store.dataset import StoredDataset
from bench.store.panel import Panel
from bench.store.whole_store import read_store

TOO_FEW = "too few independent groups in common for an interval"
NO_ERROR = "the pilot leaves no error, as where both put all images in order"
MOST_REASONS = 3
"""Why detectors are in no pair, as far as a refusal says it."""
NO_DIFFERENCE = "no difference was observed"


@dataclass(frozen=True)
class PlannedPair:
    """Two detectors of a pilot, and what is needed to tell them apart.

    Args:
        pair: Their paired test in the pilot.
        groups: Numbers of groups with real, and with generated images of the pilot.
        observed: What the observed difference needs; None for a reason.
        asked: What each difference needs that was asked for.
        several_seeds: Whether the spread over seeds of both is known.
        reason: Why nothing can be planned, or only nothing for the observed difference.
    """

    pair: Pair
    groups: tuple[int, int]
    observed: Plan | None
    asked: tuple[Plan, ...]
    several_seeds: bool
    reason: str | None = None


@dataclass(frozen=True)
class PlannedSet:
    """The plans of one data set under one condition.

    Args:
        title: The data set and its protocol.
        target: What detectors are compared on: the mean over generators, or the only one.
        pairs: In the order of the ranking; they are one family of Holm's procedure.
        left_out: Why a detector is in no pair.
    """

    title: str
    condition: str
    target: str
    pairs: tuple[PlannedPair, ...]
    left_out: dict[str, str]


def plan_images(
    store: Path, differences: Sequence[float], detectors: Collection[str] | None = None
) -> list[PlannedSet]:
    """Plans from every data set, protocol and condition of a results folder.

    Args:
        store: The folder.
        differences: Differences of two AUROCs, above 0 and up to 1.
        detectors: Labels of the only detectors to take; all where it is None.

    Raises:
        BenchError: There are no scores, a detector has none, or no two detectors have groups enough.
    """
    with phase("Reading the store"):
        datasets = read_store(store)
    panels = {f"{dataset.title} ({dataset.protocol})": dataset.panel for dataset in datasets}
    chosen = chosen_detectors(panels, detectors)
    planned = [part for dataset in datasets for part in _planned(dataset, chosen, differences)]
    if not any(part.pairs for part in planned):
        reasons = list(dict.fromkeys(why for part in planned for why in part.left_out.values()))[:MOST_REASONS]
        raise BenchError(
            f"Nothing can be planned from {store}: it takes two detectors, scored on the same images, with at least "
            f"{FEWEST_GROUPS} independent groups of real and of generated images against every generator."
            + (f" Here: {'; '.join(reasons)}." if reasons else "")
        )
    return planned


def _planned(dataset: StoredDataset, chosen: Collection[str], differences: Sequence[float]) -> list[PlannedSet]:
    panel, summary = dataset.panel, summarise(dataset.panel, ["auroc"])
    title = f"{dataset.title} ({dataset.protocol})"
    incomplete = {cell: str(images) for cell, images in dataset.coverage.items() if not images.complete}
    others = {cell for cell in panel.cells if cell[0] not in chosen}
    facts = {label: known.facts for label, known in dataset.detectors.items()}
    rankings = rankings_of(summary, panel, {*incomplete, *others}, drawing_of(facts))
    sets = []
    for condition, ranking in rankings.items():
        rows = {name: main_row(cell.values()) for (name, where), cell in summary.cells.items() if where == condition}
        left_out = {
            name: (row.numbers["auroc"].reason if (row := rows.get(name)) else None) or why
            for name, why in ranking.unranked.items()
        }
        left_out |= {name: why for (name, where), why in incomplete.items() if where == condition and name in chosen}
        pairs = tuple(_planned_pair(pair, ranking, summary, panel, condition, differences) for pair in ranking.pairs)
        sets.append(PlannedSet(title, condition, pairs[0].pair.generator if pairs else "", pairs, left_out))
    return sets


def _planned_pair(
    pair: Pair, ranking: Ranking, summary: Summary, panel: Panel, condition: str, differences: Sequence[float]
) -> PlannedPair:
    both = _influences(pair, summary, panel, condition)
    if both is None or np.isnan(pair.test.p):
        return PlannedPair(pair, (0, 0), None, (), False, TOO_FEW)
    pilot, several = pilot_of(*both), min(len(influence.seeds) for influence in both) > 1
    if not float(pilot.squares.sum()) ** 0.5 > ZERO:
        return PlannedPair(pair, pilot.groups, None, (), several, NO_ERROR)
    tests, observed = len(ranking.pairs), abs(pair.test.difference)
    asked = tuple(plan(pilot, difference, tests) for difference in differences)
    if observed < ZERO:
        return PlannedPair(pair, pilot.groups, None, asked, several, NO_DIFFERENCE)
    return PlannedPair(pair, pilot.groups, plan(pilot, observed, tests), asked, several)


def _influences(
    pair: Pair, summary: Summary, panel: Panel, condition: str
) -> tuple[InfluenceValues, InfluenceValues] | None:
    """Finds the influence values that the pair's test came from."""
    if pair.images is None:
        first, second = (summary.influences[name, condition][pair.generator] for name in (pair.first, pair.second))
        return first, second
    common = CommonImages(panel).pair(condition, pair.first, pair.second, pair.generator)
    if common is None or common.first is None or common.second is None:
        return None
    return common.first, common.second
