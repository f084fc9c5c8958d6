"""Reads a whole score store: for each data set and protocol a panel of scores, and what is known of methods and runs.

Rows are read in the order of the runs' ages and the later one wins, so what two runs share counts once. An image is
its path and its sha256: where a file changed, the scores of its older content are left out, and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.contrasts import ContrastRule
from bench.errors import BenchError
from bench.panel import Panel
from bench.run_files import Run, read_run
from bench.scoring import OK, Scoring

_COLUMNS = (
    *("dataset", "generator", "path", "sha256", "group", "label"),
    *("detector", "fingerprint", "condition", "seed", "score", "status"),
)
_IMAGE = ("dataset", "path", "sha256")
_ROWS = 1_000_000
NOT_RECORDED = "not recorded"
SHORT = 8
"""Digits of a fingerprint that tables show."""


@dataclass(frozen=True)
class Method:
    """A detector as configured, on one data set.

    Args:
        label: Unique on the data set: where several methods have one name, the fingerprint's first digits are added.
        fingerprint: Identifies everything but the image and the seed that a score depends on.
        facts: As ``bench.facts.detector_facts`` describes it; empty where no run told.
    """

    label: str
    fingerprint: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Coverage:
    """How many of the images that a condition is about a method has scored."""

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
        title: The data set.
        name: Its kind, such as ``imagenet``; empty where no run told.
        protocol: What was done to images before a view was cut, as text.
        panel: The scores; the scorings' detectors are the methods' labels.
        methods: By label.
        coverage: By label and condition.
        runs: The runs that gave scores, oldest first.
        notes: What a reader must know of the store, a sentence each.
    """

    title: str
    name: str
    protocol: str
    panel: Panel
    methods: Mapping[str, Method]
    coverage: Mapping[tuple[str, str], Coverage]
    runs: Sequence[Run]
    notes: Sequence[str] = ()


def read_store(output: Path) -> list[StoredDataset]:
    """Reads every data set under ``<output>/scores``, in the order of their titles.

    Raises:
        BenchError: There are no scores, or a file of the store cannot be read.
    """
    folders = sorted(folder for folder in (output / "scores").glob("*") if folder.is_dir())
    found = [dataset for folder in folders for dataset in _read_folder(folder)]
    if not found:
        raise BenchError(f"There are no scores under {output / 'scores'}: run 'python -m bench compare' first.")
    return sorted(found, key=lambda dataset: (dataset.title, dataset.protocol))


def _read_folder(folder: Path) -> Iterator[StoredDataset]:
    runs = [read_run(run) for run in sorted(folder.iterdir()) if run.is_dir()]
    table = _Table()
    for run in runs:
        for part in sorted(run.folder.glob("part-*.parquet")):
            for batch in _batches(part):
                table.add(batch, run)
    for dataset in sorted(set(table.images["dataset"])):
        yield from _Dataset(table, dataset, runs).protocols()


def _batches(part: Path) -> Iterator[pl.DataFrame]:
    try:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(_ROWS, columns=list(_COLUMNS)):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise BenchError(f"Cannot read {part}: {error}. Delete the file to have its images scored again.") from error


@dataclass
class _Table:
    """What all rows say, gathered batch by batch."""

    images: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={**dict.fromkeys((*_IMAGE, "group", "generator"), pl.String), "label": pl.Int8, "image": pl.UInt32}
        )
    )
    scores: dict[tuple[str, str, int], list[tuple[NDArray[np.uint32], NDArray[np.float64]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    labels: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Run]] = field(default_factory=lambda: defaultdict(dict))
    order: list[NDArray[np.uint32]] = field(default_factory=list)

    def add(self, rows: pl.DataFrame, run: Run) -> None:
        """Adds rows of a run that is not older than those before."""
        self._add_images(rows.select(*_IMAGE, "group", "generator", "label"))
        rows = rows.join(self.images.select(*_IMAGE, "image"), on=_IMAGE, maintain_order="left")
        self.order.append(rows["image"].unique(maintain_order=True).to_numpy())
        rows = rows.select(
            "image", "detector", "fingerprint", "condition", "seed", pl.when(pl.col("status") == OK).then("score")
        )
        for (fingerprint, condition, seed), part in rows.group_by("fingerprint", "condition", "seed"):
            key = (str(fingerprint), str(condition), int(str(seed)))
            self.scores[key].append((part["image"].to_numpy(), part["score"].to_numpy()))
            self.labels[key[0]] = part["detector"][-1]
            self.runs[key[0]][run.name] = run

    def _add_images(self, rows: pl.DataFrame) -> None:
        """Gives each new image a number, and each known one what the latest run says of it."""
        rows = rows.unique(_IMAGE, keep="last", maintain_order=True)
        known = self.images.select(*_IMAGE, "image")
        told = rows.join(known, on=_IMAGE, maintain_order="left", how="left")
        new = told["image"].is_null()
        numbers = len(known) + new.cum_sum().cast(pl.UInt32) - 1
        told = told.with_columns(pl.Series("image", numbers).cast(pl.UInt32).zip_with(new, told["image"]))
        both = pl.concat([self.images, told.select(self.images.columns)])
        self.images = both.unique("image", keep="last", maintain_order=True).sort("image")


class _Dataset:
    """One data set of a folder."""

    def __init__(self, table: _Table, title: str, runs: Sequence[Run]) -> None:
        self.table, self.title = table, title
        own = table.images.filter(pl.col("dataset") == title)
        seen = np.zeros(len(table.images), dtype=np.int64)
        for time, images in enumerate(table.order):
            seen[images] = time
        own = own.with_columns(pl.Series("seen", seen[own["image"].to_numpy()]))
        self.images = own.sort("seen", "image").unique("path", keep="last", maintain_order=True).sort("path")
        self.superseded = len(own) - len(self.images)
        self.runs = [run for run in runs if run.data.get("title", title) == title]
        self.facts = {fingerprint: facts for run in self.runs for fingerprint, facts in run.detectors.items()}

    def protocols(self) -> Iterator[StoredDataset]:
        """Yields a data set for each protocol: what was done to the images changes every score."""
        in_dataset = np.zeros(len(self.table.images), dtype=np.bool_)
        in_dataset[self.images["image"].to_numpy()] = True
        by_protocol: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for key, parts in self.table.scores.items():
            if any(in_dataset[images].any() for images, _ in parts):
                by_protocol[self._protocol(key[0])].append(key)
        for protocol, keys in sorted(by_protocol.items()):
            yield self._stored(protocol, sorted(keys))

    def _protocol(self, fingerprint: str) -> str:
        told = [run for run in self.runs if fingerprint in run.detectors]
        return told[-1].protocol if told else NOT_RECORDED

    def _stored(self, protocol: str, keys: Sequence[tuple[str, str, int]]) -> StoredDataset:
        methods = self._methods(dict.fromkeys(fingerprint for fingerprint, _, _ in keys))
        scores, present = self._filled(keys)
        used = present.any(axis=0)
        images = self.images.filter(pl.Series(used)).select("path", "group", "label", "generator", "sha256")
        scores, present = scores[:, used], present[:, used]
        runs = [run for run in self.runs if run.protocol == protocol] if protocol != NOT_RECORDED else []
        notes = self._notes()
        chosen, coverage = [], {}
        for cell in dict.fromkeys((fingerprint, condition) for fingerprint, condition, _ in keys):
            own = [i for i, key in enumerate(keys) if key[:2] == cell]
            method = methods[cell[0]]
            outside = self._not_held_out(method, images)
            present[own] &= outside
            counts = {i: int(present[i].sum()) for i in own}
            wanted = max(run.wanted.get(cell[1], 0) for run in [*runs, Run.empty()])
            everyone = present[[i for i, key in enumerate(keys) if key[1] == cell[1]]].any(axis=0)
            wanted = max(wanted - int((~outside).sum()), int((everyone & outside).sum()))
            best = max(counts.values())
            coverage[method.label, cell[1]] = Coverage(best, wanted)
            chosen += [i for i in own if counts[i] == best]
            notes += [
                f"{method.label}, {cell[1]}: seed {keys[i][2]} has {counts[i]:,} of {wanted:,} images and is left out."
                for i in own
                if counts[i] < best
            ]
        scorings = [Scoring(methods[f].label, f, seed, condition) for f, condition, seed in (keys[i] for i in chosen)]
        contrasts, note = self._contrasts(runs, [s.condition for s in scorings], images)
        panel = Panel(images, tuple(scorings), scores[chosen], present[chosen], contrasts)
        name = next((str(run.data["name"]) for run in reversed(runs) if "name" in run.data), "")
        by_label = {method.label: method for method in methods.values()}
        return StoredDataset(self.title, name, protocol, panel, by_label, coverage, runs, [*notes, *note])

    def _methods(self, fingerprints: Iterable[str]) -> dict[str, Method]:
        names = {f: str(self.facts.get(f, {}).get("label", self.table.labels[f])) for f in fingerprints}
        shared = {name for name in names.values() if list(names.values()).count(name) > 1}
        return {
            f: Method(f"{name} #{f[:SHORT]}" if name in shared else name, f, self.facts.get(f, {}))
            for f, name in names.items()
        }

    def _filled(self, keys: Sequence[tuple[str, str, int]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        position = np.full(len(self.table.images), -1, dtype=np.int64)
        position[self.images["image"].to_numpy()] = np.arange(len(self.images))
        scores = np.full((len(keys), len(self.images)), np.nan)
        present = np.zeros(scores.shape, dtype=np.bool_)
        for row, key in enumerate(keys):
            for numbers, values in self.table.scores[key]:
                at = position[numbers]
                scores[row, at[at >= 0]], present[row, at[at >= 0]] = values[at >= 0], True
        return scores, present

    @staticmethod
    def _not_held_out(method: Method, images: pl.DataFrame) -> NDArray[np.bool_]:
        """Leaves out the images that a method was fitted to."""
        held_out = method.facts.get("held_out") or ()
        return ~images["group"].is_in(list(held_out)).to_numpy()  # type: ignore[call-overload] # a list of names

    def _contrasts(
        self, runs: Sequence[Run], conditions: Sequence[str], images: pl.DataFrame
    ) -> tuple[dict[str, Sequence[ContrastRule]], list[str]]:
        """Takes for each condition and generator what the latest run says."""
        rules: dict[str, dict[str, ContrastRule]] = {condition: {} for condition in conditions}
        for run in runs:
            for condition, told in run.rules().items():
                rules.setdefault(condition, {}).update({rule.generator: rule for rule in told})
        there = set(images.filter(pl.col("label") == 1)["generator"])
        known = {c: tuple(r for g, r in sorted(found.items()) if g in there) for c, found in rules.items()}
        if runs:
            return {**known}, []
        reals = tuple(sorted(set(images.filter(pl.col("label") == 0)["generator"])))
        everyone = tuple(ContrastRule(generator, reals) for generator in sorted(there))
        note = "No run told which real images face which generator: all face each."
        return dict.fromkeys(conditions, everyone), [note]

    def _notes(self) -> list[str]:
        if not self.superseded:
            return []
        return [f"{self.superseded:,} images changed; the scores of their older content are left out."]
