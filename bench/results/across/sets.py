"""The data sets of a store that count as different, each once, with the detectors that are ranked on them.

A set is its content (`bench.store.data_sets`). What was scored of one content under several protocols is not
independent, so one of them counts: the one that most contents have, then the one with most detectors, then the first by
name. A detector is the same on two sets where it has one label and one configuration; what it was fitted to on a set is
no part of that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.comparison import Comparison
from bench.results.leaderboard import Board, boards_of
from bench.results.summary import MEAN
from bench.statistics.influence import InfluenceValues
from bench.statistics.joint import regrouped
from bench.store.dataset import NOT_RECORDED, SHORT, StoredDataset
from bench.store.panel import Panel
from bench.store.schema import CLEAN
from datamodules.grouping import merged, same_content


@dataclass(frozen=True)
class RankedSet:
    """A data set under one condition.

    Args:
        name: Its title.
        key: What its content is.
        labels: The label here of each detector that is ranked here, by its name across sets.
        unranked: The names across sets of those that are shown here and not ranked.
        codes: ``(C,)`` the code of each group of the panel among the groups of all sets.
    """

    name: str
    key: str
    board: Board
    labels: Mapping[str, str]
    unranked: frozenset[str]
    codes: NDArray[np.int64]

    def mean(self, detector: str) -> InfluenceValues:
        """Returns the main AUROC of a detector that is ranked here, on the groups of all sets."""
        return regrouped(self._known(detector)[self.board.target], self.codes)

    def generators(self, detector: str) -> dict[str, tuple[float, InfluenceValues | None]]:
        """Returns the AUROC on each generator that its mean is about; no influences where groups are too few."""
        rows = next(row.rows for row in self.board.rows if row.detector == self.labels[detector])
        known, target = self._known(detector), self.board.target
        return {
            name: (row.numbers["auroc"].value, known.get(name))
            for name, row in rows.items()
            if name != MEAN and (not row.apart or name == target)
        }

    def signs(self) -> dict[tuple[str, str], int]:
        """Returns 1 for two names of detectors (in the order of the alphabet) where the first is separated above.

        It is -1 where it is below, and 0 where the two are not separated.
        """
        names, signs = {label: name for name, label in self.labels.items()}, {}
        for pair in self.board.ranking.pairs:
            first, second = names[pair.first], names[pair.second]
            sign = int(np.sign(pair.test.difference)) if pair.separated else 0
            signs[min(first, second), max(first, second)] = sign if first < second else -sign
        return signs

    def _known(self, detector: str) -> Mapping[str, InfluenceValues]:
        return self.board.comparison.summary.influences[self.labels[detector], self.board.condition]


@dataclass(frozen=True)
class Sets:
    """The sets of a store.

    Args:
        by_condition: Those in which a detector is ranked, for each condition that at least two have.
        groups: ``(N,)`` names of the groups of all sets.
        shared: Number of these that lie in several.
        left_out: Titles and protocols that do not count, as their content does under another one.
        unranked: By condition, titles of sets that have it and no ranked detector.
        protocols: By title of a set, what was done to its images.
    """

    by_condition: Mapping[str, Sequence[RankedSet]]
    groups: NDArray[Any]
    shared: int
    left_out: Sequence[tuple[str, str]]
    unranked: Mapping[str, Sequence[str]]
    protocols: Mapping[str, str]


def sets_of(comparisons: Sequence[Comparison]) -> Sets | None:
    """Finds the sets of a store; None where it has fewer than two, or no condition in which two have a ranking."""
    chosen = _one_of_each_content(comparisons)
    if len(chosen) < 2:
        return None
    titles = _titles([_stored(comparison) for comparison in chosen])
    names = _names_of(chosen)
    keys = [_key(_stored(comparison)) for comparison in chosen]
    groups, codes, shared = _joint([comparison.panel for comparison in chosen], keys)
    by_condition: dict[str, list[RankedSet]] = {}
    without: dict[str, list[str]] = {}
    for at, comparison in enumerate(chosen):
        for board in boards_of(comparison):
            ranked = {names[at][label]: label for label in board.ranking.order}
            unranked = frozenset(names[at][row.detector] for row in board.rows) - set(ranked)
            if ranked:
                ranked_set = RankedSet(titles[at], keys[at], board, ranked, unranked, codes[at])
                by_condition.setdefault(board.condition, []).append(ranked_set)
            else:
                without.setdefault(board.condition, []).append(titles[at])
    several = {name: sets for name, sets in by_condition.items() if len(sets) > 1}
    if not several:
        return None
    order = sorted(several, key=lambda name: (name != CLEAN, name))
    protocols = {titles[at]: _stored(comparison).protocol for at, comparison in enumerate(chosen)}
    left_out = [
        (_stored(comparison).title, _stored(comparison).protocol)
        for comparison in comparisons
        if not any(comparison is other for other in chosen)
    ]
    return Sets({name: several[name] for name in order}, groups, shared, left_out, without, protocols)


def _stored(comparison: Comparison) -> StoredDataset:
    assert comparison.stored is not None
    return comparison.stored


def _key(stored: StoredDataset) -> str:
    """Says what the content is; an older store does not know, and there a title in a folder is a set."""
    if stored.content != NOT_RECORDED:
        return stored.content
    return "\0".join([stored.title, *(str(folder) for folder, _ in stored.places)])


def _one_of_each_content(comparisons: Sequence[Comparison]) -> list[Comparison]:
    by_key: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_key.setdefault(_key(_stored(comparison)), []).append(comparison)
    counts = Counter(_stored(comparison).protocol for comparison in comparisons)

    def first(comparison: Comparison) -> tuple[int, int, str]:
        return -counts[_stored(comparison).protocol], -len(comparison.labels), _stored(comparison).protocol

    return [min(of_content, key=first) for of_content in by_key.values()]


def _titles(datasets: Sequence[StoredDataset]) -> list[str]:
    """Tells sets of one title apart, as those of older stores in several folders."""
    titles = [dataset.title for dataset in datasets]
    return [
        f"{title} #{titles[: at + 1].count(title)}" if titles.count(title) > 1 else title
        for at, title in enumerate(titles)
    ]


def _names_of(comparisons: Sequence[Comparison]) -> list[dict[str, str]]:
    """Names detectors across sets, for each set by their labels there."""
    settings: dict[str, dict[str, str]] = {}
    found: list[dict[str, tuple[str, str]]] = []
    for comparison in comparisons:
        of_set: dict[str, tuple[str, str]] = {}
        for label, detector in _stored(comparison).detectors.items():
            plain, setting = str(detector.facts.get("label", label)), _setting(detector.facts)
            if (plain, setting) in of_set.values():  # such as one that was fitted twice
                plain = label
            of_set[label] = plain, setting
            settings.setdefault(plain, {}).setdefault(setting, detector.fingerprint[:SHORT])
        found.append(of_set)
    return [
        {
            label: plain if len(settings[plain]) == 1 else f"{plain} #{settings[plain][setting]}"
            for label, (plain, setting) in of_set.items()
        }
        for of_set in found
    ]


def _setting(facts: Mapping[str, Any]) -> str:
    """Says what a detector is beside its label; nothing of one that no run told of."""
    names = ("name", "version", "source", "view", "view_mode", "precision", "backbone")
    fitted = bool(facts.get("held_out"))
    return repr([facts.get(name) for name in names] + [None if fitted else facts.get("options")])


def _joint(panels: Sequence[Panel], keys: Iterable[str]) -> tuple[NDArray[Any], list[NDArray[np.int64]], int]:
    """Puts the groups of all panels together: those that hold an image of the same bytes are one."""
    frames = [
        panel.images.select(group=pl.lit(f"{key}\0") + pl.col("group"), sha256="sha256", panel=pl.lit(at))
        for at, (panel, key) in enumerate(zip(panels, keys, strict=True))
    ]
    images = pl.concat(frames)
    images = images.with_columns(group=merged(images["group"], same_content(images["sha256"])))
    names = images["group"].unique().sort()
    code = (images["group"].rank("dense").to_numpy() - 1).astype(np.int64)
    codes, start = [], 0
    for panel in panels:
        of_group = np.zeros(int(panel.groups.max(initial=-1)) + 1, dtype=np.int64)
        of_group[panel.groups] = code[start : start + len(panel.images)]
        codes.append(of_group)
        start += len(panel.images)
    shared = int(images.group_by("group").agg(pl.col("panel").n_unique()).select((pl.col("panel") > 1).sum()).item())
    return names.to_numpy(), codes, shared
