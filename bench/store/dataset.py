"""Reads a whole score store: for each data set and protocol a panel of scores, and what is known of methods and runs.

Rows are read in the order of the runs' ages and the later one wins, so what two runs share counts once. An image is
its path and its sha256: where a file changed, the scores of its older content are left out, and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.store.contrasts import ContrastRule
from bench.store.facts import Facts
from bench.store.findings import ChangedImages, Finding, IncompleteSeed, UnknownContrasts
from bench.store.panel import IMAGES, Panel
from bench.store.reader import StoredRows, batches, read_parts
from bench.store.runs import Run, read_runs
from bench.store.schema import Scoring
from datamodules.grouping import merged, same_content

NOT_RECORDED = "not recorded"
SHORT = 8
"""Digits of a fingerprint that tables show."""


@dataclass(frozen=True)
class ConfiguredDetector:
    """A detector as configured, on one data set.

    Args:
        label: Unique on the data set: where several detectors have one name, the fingerprint's first digits are added.
        facts: As ``bench.scoring.facts.detector_facts`` describes it; empty where no run told.
    """

    label: str
    fingerprint: str
    facts: Facts


@dataclass(frozen=True)
class Coverage:
    """How many of the images that a condition is about a detector has scored."""

    scored: int
    wanted: int

    @property
    def complete(self) -> bool:
        """Whether none is missing."""
        return self.scored >= self.wanted

    def __str__(self) -> str:
        return f"{self.scored:,} of {self.wanted:,} images"


@dataclass(frozen=True)
class StoredDataset:
    """One data set under one protocol, as the store has it.

    Args:
        name: Its kind, such as ``imagenet``; empty where no run told.
        protocol: What was done to images before a view was cut, as text.
        panel: The scores; the scorings' detectors are the labels of ``detectors``.
        detectors: By label.
        coverage: By label and condition.
        sources: By label and condition, how many scores each run gave.
        runs: The runs, oldest first.
    """

    title: str
    name: str
    protocol: str
    panel: Panel
    detectors: Mapping[str, ConfiguredDetector]
    coverage: Mapping[tuple[str, str], Coverage]
    sources: Mapping[tuple[str, str], Mapping[str, int]]
    runs: Sequence[Run]
    findings: Sequence[Finding] = ()

    def scores(self) -> pl.DataFrame:
        """Returns ``path, label, generator, group, detector, condition, seed, score``; null for an unreadable image."""
        return self.panel.table()


def read_store(output: Path) -> list[StoredDataset]:
    """Reads every data set under ``<output>/scores``, in the order of their titles.

    Raises:
        BenchError: There are no scores, or a file of the store cannot be read.
    """
    folders = sorted(folder for folder in (output / "scores").glob("*") if folder.is_dir())
    datasets = [dataset for folder in folders for dataset in _read_folder(folder)]
    if not datasets:
        raise BenchError(f"There are no scores under {output / 'scores'}: run 'python -m bench compare' first.")
    return sorted(datasets, key=lambda dataset: (dataset.title, dataset.protocol))


def _read_folder(folder: Path) -> Iterator[StoredDataset]:
    table = read_parts(folder, _rows_of)
    runs = read_runs(run for run in folder.iterdir() if run.is_dir())  # after the rows: a run is described before it
    for title in sorted(set(table.images.table["dataset"])):
        yield from _Dataset(table, title, runs).protocols()


def _rows_of(parts: Sequence[Path]) -> StoredRows:
    table = StoredRows()
    for part in parts:
        for batch in batches(part):
            table.add(batch, part.parent.name)
    return table


class _Dataset:
    """One data set of a folder."""

    def __init__(self, table: StoredRows, title: str, runs: Sequence[Run]) -> None:
        self.table, self.title = table, title
        images = table.images.table.with_columns(seen=table.last_seen, image=np.arange(len(table.images.table)))
        images = images.filter(pl.col("dataset") == title)
        self.images = images.sort("seen", "image").unique("path", keep="last", maintain_order=True).sort("path")
        self.superseded = len(images) - len(self.images)
        # The place of each image of the folder among these; -1 for the others.
        self.place = np.full(len(table.images.table), -1, dtype=np.int64)
        self.place[self.images["image"].to_numpy()] = np.arange(len(self.images))
        self.runs = [run for run in runs if run.data.get("title", title) == title]
        self.facts = {fingerprint: facts for run in self.runs for fingerprint, facts in run.detectors.items()}

    def protocols(self) -> Iterator[StoredDataset]:
        """Yields a data set for each protocol: what was done to the images changes every score."""
        protocol_of = {fingerprint: run.protocol for run in self.runs for fingerprint in run.detectors}
        by_protocol: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for key, parts in self.table.scores.items():
            if any((self.place[images] >= 0).any() for images, _ in parts):
                by_protocol[protocol_of.get(key[0], NOT_RECORDED)].append(key)
        for protocol, keys in sorted(by_protocol.items()):
            yield self._stored(protocol, sorted(keys))

    def _stored(self, protocol: str, keys: Sequence[tuple[str, str, int]]) -> StoredDataset:
        detectors = self._detectors(dict.fromkeys(fingerprint for fingerprint, _, _ in keys))
        scores, present = self._filled(keys)
        used = present.any(axis=0)
        images = self.images.filter(pl.Series(used)).select(*IMAGES)
        scores, present = scores[:, used], present[:, used]
        declared, groups = images["group"], merged(images["group"], same_content(images["sha256"]))
        images = images.with_columns(groups)
        runs = [run for run in self.runs if run.protocol == protocol] if protocol != NOT_RECORDED else []
        findings: list[Finding] = [ChangedImages(self.superseded)] if self.superseded else []
        chosen, coverage = [], {}
        for cell in dict.fromkeys((fingerprint, condition) for fingerprint, condition, _ in keys):
            rows = [i for i, key in enumerate(keys) if key[:2] == cell]
            detector = detectors[cell[0]]
            fitted_to = groups.filter(declared.is_in(list(detector.facts.get("held_out") or ())))
            outside = ~groups.is_in(fitted_to.unique().to_list()).to_numpy()
            present[rows] &= outside  # what a detector was fitted to is in none of its numbers
            scores[rows] = np.where(outside, scores[rows], np.nan)
            counts = {i: int(present[i].sum()) for i in rows}
            wanted = max((run.wanted.get(cell[1], 0) for run in runs), default=0)
            everyone = present[[i for i, key in enumerate(keys) if key[1] == cell[1]]].any(axis=0)
            wanted = max(wanted - int((~outside).sum()), int((everyone & outside).sum()))
            most = max(counts.values())
            coverage[detector.label, cell[1]] = Coverage(most, wanted)
            chosen += [i for i in rows if counts[i] == most]
            findings += [
                IncompleteSeed(detector.label, cell[1], keys[i][2], counts[i], wanted) for i in rows if counts[i] < most
            ]
        scorings = [Scoring(detectors[f].label, f, seed, condition) for f, condition, seed in (keys[i] for i in chosen)]
        contrasts = self._contrasts(runs, [s.condition for s in scorings], images)
        panel = Panel(images, tuple(scorings), scores[chosen], present[chosen], contrasts)
        name = next((str(run.data["name"]) for run in reversed(runs) if "name" in run.data), "")
        by_label = {detector.label: detector for detector in detectors.values()}
        rows_of_runs = self.table.sources.items()
        sources = {(detectors[f].label, condition): runs for (f, condition), runs in rows_of_runs if f in detectors}
        findings += [] if runs else [UnknownContrasts()]
        return StoredDataset(self.title, name, protocol, panel, by_label, coverage, sources, runs, findings)

    def _detectors(self, fingerprints: Iterable[str]) -> dict[str, ConfiguredDetector]:
        names = {f: str(self.facts.get(f, {}).get("label", self.table.labels[f])) for f in fingerprints}
        shared = {name for name in names.values() if list(names.values()).count(name) > 1}
        return {
            f: ConfiguredDetector(f"{name} #{f[:SHORT]}" if name in shared else name, f, self.facts.get(f, {}))
            for f, name in names.items()
        }

    def _filled(self, keys: Sequence[tuple[str, str, int]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        scores = np.full((len(keys), len(self.images)), np.nan)
        present = np.zeros(scores.shape, dtype=np.bool_)
        for row, key in enumerate(keys):
            for numbers, values in self.table.scores[key]:
                place = self.place[numbers]
                scores[row, place[place >= 0]], present[row, place[place >= 0]] = values[place >= 0], True
        return scores, present

    def _contrasts(
        self, runs: Sequence[Run], conditions: Sequence[str], images: pl.DataFrame
    ) -> dict[str, Sequence[ContrastRule]]:
        """Takes for each condition and generator what the latest run says; where none told, all reals face each."""
        there = set(images.filter(pl.col("label") == 1)["generator"])
        if not runs:
            reals = tuple(sorted(set(images.filter(pl.col("label") == 0)["generator"])))
            return dict.fromkeys(conditions, tuple(ContrastRule(generator, reals) for generator in sorted(there)))
        rules: dict[str, dict[str, ContrastRule]] = {condition: {} for condition in conditions}
        for run in runs:
            for condition, of_run in run.rules().items():
                rules.setdefault(condition, {}).update({rule.generator: rule for rule in of_run})
        return {c: tuple(rule for name, rule in sorted(by.items()) if name in there) for c, by in rules.items()}
