"""Reads a whole score store: for each data set and protocol a panel of scores, and what is known of methods and runs.

A data set is its content: rows belong to it by their images' sha256 and label, whatever it was called and in whichever
results folder they lie (`bench.store.data_sets`). Rows are read in the order of the runs' ages and the later one wins,
so what two runs share counts once. Stores of older versions say nothing of content: there a data set is its title, an
image its path and its sha256, and where a file changed, the scores of its older content are left out, and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.store.contrasts import ContrastRule
from bench.store.data_sets import DataSet, first_copies, places
from bench.store.facts import Facts
from bench.store.findings import ChangedImages, Content, ContradictedImages, Finding, IncompleteSeed, UnknownContrasts
from bench.store.panel import IMAGES, Panel
from bench.store.runs import Run
from bench.store.schema import Scoring
from bench.store.stored_rows import StoredRows
from bench.store.sweeps import swept_settings
from datamodules.grouping import merged, same_content
from datamodules.identity import contradicted
from datamodules.items import PARTIAL_MODES, separated

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
        identity: What its content is (`datamodules.identity`); None while some was not read, or in an older store.
        content: What tells it from others of its title: its identity or, as long as it has none, its listing's key.
        places: Results folders and titles under which it was scored.
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
    identity: str | None = None
    content: str = NOT_RECORDED
    places: Sequence[tuple[Path, str]] = ()

    def scores(self) -> pl.DataFrame:
        """Returns ``path, label, generator, group, detector, condition, seed, score``; null for an unreadable image."""
        return self.panel.table()


class Assembly:
    """The scores of one data set.

    Args:
        title: What tables call it.
        table: Rows of the folders in which its scores lie.
        images: Its images, with the ``IMAGES`` of a panel, sorted by path.
        place: The position among these of each image of the rows; -1 of one that is none of them.
        copies: The position of the first image of the same content, for each.
        runs: Those that scored the data set, oldest first.
        others: All runs that may have given some of its scores, oldest first.
    """

    def __init__(
        self,
        title: str,
        table: StoredRows,
        images: pl.DataFrame,
        place: NDArray[np.int64],
        runs: Sequence[Run],
        others: Sequence[Run] = (),
        data_set: DataSet | None = None,
        places: Sequence[tuple[Path, str]] = (),
        findings: Sequence[Finding] = (),
    ) -> None:
        self.title, self.table, self.images, self.place, self.runs = title, table, images, place, runs
        self.data_set, self.places, self.findings = data_set, places, list(findings)
        self.told_by = {fingerprint: run for run in (*others, *runs) for fingerprint in run.detectors}
        self.facts = {fingerprint: run.detectors[fingerprint] for fingerprint, run in self.told_by.items()}
        self.copies = np.arange(len(images)) if data_set is None else first_copies(images)

    @classmethod
    def of_title(cls, output: Path, title: str, table: StoredRows, runs: Sequence[Run]) -> "Assembly":
        """Takes the rows of a title: an image is a path, with the content that was scored last."""
        images = table.images.table.with_columns(seen=table.last_seen, image=np.arange(len(table.images.table)))
        images = images.filter(pl.col("dataset") == title)
        latest = images.sort("seen", "image").unique("path", keep="last", maintain_order=True).sort("path")
        place = np.full(len(table.images.table), -1, dtype=np.int64)
        place[latest["image"].to_numpy()] = np.arange(len(latest))
        superseded = len(images) - len(latest)
        findings: list[Finding] = [ChangedImages(superseded)] if superseded else []
        runs = [run for run in runs if run.data.get("title", title) == title]
        return cls(title, table, latest.select(*IMAGES), place, runs, places=[(output, title)], findings=findings)

    @classmethod
    def of_data_set(cls, data_set: DataSet, table: StoredRows, runs: Sequence[Run]) -> "Assembly":
        """Takes the rows whose images are of the content of a data set, whatever their paths.

        An image that is called real and generated, byte for byte the same, is left out.
        """
        latest = data_set.latest
        wrong = contradicted(latest.images)
        wrong = wrong.filter(pl.col("sha256").is_in(table.readable())) if len(wrong) else wrong
        images = latest.images.filter(pl.col("sha256").is_not_null())
        images = images.filter(~pl.col("sha256").is_in(wrong["sha256"].to_list()))
        images = separated(images, str(data_set.runs[-1].data.get("partial") or PARTIAL_MODES[0]))
        place = places(table, images)
        shares = table.images.table.select("share").with_columns(place=place).drop_nulls().unique("place", keep="last")
        images = images.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
        images = images.join(shares, on="place", how="left", maintain_order="left").select(*IMAGES)
        findings: list[Finding] = [ContradictedImages(wrong.rows())] if len(wrong) else []
        findings.append(Content(data_set.identity, len(latest.images), latest.read))
        where = list(dict.fromkeys((listing.output, listing.title) for listing in data_set.listings))
        title = latest.title.encode("utf-8", "backslashreplace").decode()
        return cls(title, table, images, place, data_set.runs, runs, data_set, where, findings)

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
        images = self.images.filter(pl.Series(used))
        if not used.all():  # each copy is as large as the panel
            scores, present = scores[:, used], present[:, used]
        declared = images.with_columns(used=np.flatnonzero(used))
        groups = merged(images["group"], same_content(images["sha256"]))
        images = images.with_columns(groups)
        runs = [run for run in self.runs if run.protocol == protocol] if protocol != NOT_RECORDED else []
        findings = list(self.findings)
        chosen, coverage = [], {}
        for cell in dict.fromkeys((fingerprint, condition) for fingerprint, condition, _ in keys):
            rows = [i for i, key in enumerate(keys) if key[:2] == cell]
            detector = detectors[cell[0]]
            outside = np.ones(len(images), dtype=np.bool_)
            held_out = self._held_out(detector)
            if held_out:  # what a detector was fitted to is in none of its numbers
                fitted_to = groups.filter(declared["used"].is_in(held_out))
                outside = ~groups.is_in(fitted_to.unique().to_list()).to_numpy()
                present[rows] &= outside
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
        if chosen != list(range(len(keys))):
            scores, present = scores[chosen], present[chosen]
        panel = Panel(images, tuple(scorings), scores, present, contrasts)
        name = next((str(run.data["name"]) for run in reversed(runs) if "name" in run.data), "")
        by_label = {detector.label: detector for detector in detectors.values()}
        rows_of_runs = self.table.sources.items()
        sources = {(detectors[f].label, condition): runs for (f, condition), runs in rows_of_runs if f in detectors}
        findings += [] if runs else [UnknownContrasts()]
        findings += swept_settings(self.runs, {d.label: d.facts for d in detectors.values()}, self.facts)
        known = (self.title, name, protocol, panel, by_label, coverage, sources, runs, findings)
        stored = StoredDataset(*known, places=self.places)
        if self.data_set is None:
            return stored
        content = self.data_set.identity or self.data_set.latest.key
        return replace(stored, identity=self.data_set.identity, content=content)

    def _held_out(self, detector: ConfiguredDetector) -> list[int]:
        """Returns the positions of the images that a detector was fitted to, whose groups its own run named."""
        groups = list(detector.facts.get("held_out") or ())
        if not groups:
            return []
        told_by = self.told_by.get(detector.fingerprint)
        if self.data_set is None or told_by is None:
            return np.flatnonzero(self.images["group"].is_in(groups)).tolist()
        listing = self.data_set.listing_of(told_by)
        named = listing.images.filter(pl.col("group").is_in(groups))["path"]
        return np.flatnonzero(self.images["path"].is_in(self.data_set.paths_here(told_by, named))).tolist()

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
                known = place >= 0
                if not known.all():
                    place, values = place[known], values[known]
                scores[row, place], present[row, place] = values, True
        if np.array_equal(self.copies, np.arange(len(self.images))):
            return scores, present
        return scores[:, self.copies], present[:, self.copies]

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
                here = [rule if self.data_set is None else self.data_set.rule_here(run, rule) for rule in of_run]
                rules.setdefault(condition, {}).update({rule.generator: rule for rule in here})
        return {c: tuple(rule for name, rule in sorted(by.items()) if name in there) for c, by in rules.items()}
