"""Rows of one's own images as they come, and the sentences around them."""

import json
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.cells import cell_len

from bench.report.escaping import csv_line, printable
from bench.report.notes import finding_notes, nothing_words
from bench.report.table import cell
from bench.results.concerns import find_scaled_images
from bench.results.reference_set import Reference, Standing, percent
from bench.results.unread import NothingRead
from bench.scoring.files import ScoredImage, Scorer
from bench.store.schema import OK, UNREADABLE

FACTS = ("path", "sha256", "status", "reason")
STANDING = ("reference", "reals", "reals_as_high", "groups", "groups_as_high", "share")
WIDEST_PATH = 120
"""Longer paths are written whole, and move the rest of their row."""
LEVEL = 0.05
"""The level for which false alarms are foretold."""


@dataclass
class Tally:
    """Counts rows as they pass.

    Args:
        low: By detector, images whose share of the reference set is at most :data:`LEVEL`.
        known: Images that are in the reference set themselves.
    """

    scored: int = 0
    unreadable: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    low: Counter[str] = field(default_factory=Counter)
    known: int = 0

    def add(self, row: ScoredImage, references: Mapping[str, Reference]) -> None:
        """Counts a row."""
        if row.reason is not None:
            self.unreadable += 1
            self.reasons[row.reason] += 1
            return
        self.scored += 1
        self.known += any(row.sha256 in reference.sha256 for reference in references.values())
        for label, reference in references.items():
            self.low[label] += reference.standing(row.scores[label]).share <= LEVEL


def notes_before(scorer: Scorer, references: Mapping[str, Reference]) -> Iterator[str]:
    """Yields what a reader must know of the scores and of the reference set."""
    views = ", ".join(f"{entry.scoring.detector}: {entry.detector.view}" for entry in scorer.entries)
    yield (
        f"Scores with {scorer.options.backbone}, seed {scorer.seed}, {scorer.data.preprocessing}, views {views}. "
        f"Higher means more likely generated; a score alone is neither a probability nor a verdict."
    )
    yield from finding_notes(find_scaled_images(scorer.entries, scorer.data))
    for label, reference in references.items():
        n, independent = len(reference.scores), len(reference.highest)
        groups = f" in {independent:,} independent groups" if independent < n else ""
        counted = "groups with an image that scores" if groups else "them that score"
        yield (
            f"{label}: compared with {n:,} real images of {reference.dataset}{groups}. A share is (1 + number of "
            f"{counted} at least as high) / {independent + 1:,}."
        )
        if not math.isnan(reference.auroc.value):
            standing = f": {reference.auroc.chance_words}" if reference.auroc.chance_words else ""
            yield f"{label}: AUROC on {reference.dataset} {cell(reference.auroc)}{standing}."
    for dataset in dict.fromkeys(reference.dataset for reference in references.values()):
        yield (
            f"The shares hold only for pictures of the kind of the real images of {dataset}: the same sources, sizes "
            f"and compression. Of any other picture they say nothing, and of none that it is generated or real."
        )


def notes_after(tally: Tally, references: Mapping[str, Reference]) -> Iterator[str]:
    """Yields how many false alarms to expect in the batch."""
    if references and tally.scored:
        expected = LEVEL * tally.scored
        words = f"{expected:,.0f}" if expected >= 10 else f"{expected:.2g}"
        yield (
            f"False alarms to expect: if all {tally.scored:,} images were real and of that kind, about {words} "
            f"({percent(LEVEL)} of them) would have a share of {percent(LEVEL)} or less, with each detector. "
            f"Here: {', '.join(f'{label} {tally.low[label]:,}' for label in references)}."
        )
    for label, reference in references.items():
        n = len(reference.highest)
        least, (low, high) = 1 / (n + 1), reference.alarm_range(LEVEL)
        if least > LEVEL:
            few = f"too few for the {percent(LEVEL)} level"
            yield f"{label}: with {n} independent real images no share is below {percent(least)}: {few}."
        else:
            yield (
                f"{label}: that is an average over reference sets; with {n:,} independent images it is between "
                f"{percent(low)} and {percent(high)} for a given one (95 %)."
            )
    if tally.known:
        yield f"In the reference set themselves: {tally.known:,} of the images; each is counted among its own reals."


def problems(tally: Tally, ignored: Mapping[str, int]) -> Sequence[str]:
    """Returns what could not be scored, or was left out by its name."""
    lines = []
    if tally.unreadable and not tally.scored:
        lines.append(nothing_words(NothingRead(tally.unreadable, tally.reasons)))
    elif tally.unreadable:
        lines.append(f"{tally.unreadable:,} of {tally.unreadable + tally.scored:,} images could not be read.")
    if ignored:
        kinds = ", ".join(f"{name} {count:,}" for name, count in Counter(ignored).most_common(5))
        more = ", ..." if len(ignored) > 5 else ""
        lines.append(f"Left out, as their names are not those of images: {kinds}{more}.")
    return lines


def appended(file: str, labels: Sequence[str], rows: int, tally: Tally) -> str:
    """Says where the scores of a table's rows went."""
    columns = f"column{'s' if len(labels) > 1 else ''} {', '.join(labels)}"
    images = f"{rows:,} rows, {tally.scored + tally.unreadable:,} images, {tally.scored:,} of them scored"
    return f"Written: {file}, with the {columns} ({images}; a row without a score is empty)."


class RowWriter(ABC):
    """Writes one row an image.

    Args:
        references: What the real images of the reference set scored, by detector; empty without one.
        raw_names: As for :func:`bench.report.escaping.csv_line`.
        to_stdout: Whether a terminal may show the rows: CSV then writes out what that would obey, unless names are
            wanted raw.
    """

    def __init__(
        self,
        sink: TextIO,
        labels: Sequence[str],
        references: Mapping[str, Reference],
        raw_names: bool = False,
        to_stdout: bool = False,
    ) -> None:
        self.sink, self.labels, self.references = sink, labels, references
        self.raw_names, self.to_stdout = raw_names, to_stdout

    def standings(self, row: ScoredImage) -> dict[str, Standing]:
        """Returns how an image stands among the real images, by detector."""
        return {label: self.references[label].standing(row.scores[label]) for label in row.scores if self.references}

    @abstractmethod
    def begin(self, files: Sequence[str]) -> None:
        """Writes what comes before the rows of some files."""

    @abstractmethod
    def write(self, row: ScoredImage) -> None:
        """Writes a row."""


class TableWriter(RowWriter):
    """A table whose widths are known before the first row."""

    def begin(self, files: Sequence[str]) -> None:
        """Writes the header."""
        self.path_width = min(max((cell_len(printable(file)) for file in files), default=4), WIDEST_PATH)
        standings = dict.fromkeys(self.references, "reals at least as high")
        self._line("path", {label: printable(label) for label in self.labels}, standings)

    def write(self, row: ScoredImage) -> None:
        """Writes a row; in place of scores the reason why there are none."""
        if row.reason is not None:
            self.sink.write(f"{self._padded_path(row.path)}  {UNREADABLE}: {printable(row.reason)}\n")
            return
        standings = {
            label: f"{standing.higher:,} of {standing.reals:,}: {percent(standing.share)}"
            for label, standing in self.standings(row).items()
        }
        self._line(row.path, {label: f"{score:.6g}" for label, score in row.scores.items()}, standings)

    def _line(self, path: str, scores: Mapping[str, str], standings: Mapping[str, str]) -> None:
        line = self._padded_path(path)
        for label in self.labels:
            line += f"  {scores[label]:>{max(12, cell_len(printable(label)))}}"
            line += f"  {standings[label]:>22}" if label in standings else ""
        self.sink.write(f"{line}\n")

    def _padded_path(self, path: str) -> str:
        words = printable(path)
        return words + " " * max(0, self.path_width - cell_len(words))


class CsvWriter(RowWriter):
    """Comma-separated values with a header; scores with all their digits."""

    def begin(self, files: Sequence[str]) -> None:
        """Writes the header."""
        self.names = [*FACTS]
        for label in self.labels:
            self.names += [label, *(f"{label}_{name}" for name in STANDING if label in self.references)]
        self._line(self.names)

    def write(self, row: ScoredImage) -> None:
        """Writes a row; cells without a number are empty."""
        cells = {**_facts(row), **row.scores}
        for label, standing in self.standings(row).items():
            cells |= {f"{label}_{name}": value for name, value in _standing_facts(standing).items()}
        self._line(map(cells.get, self.names))

    def _line(self, cells: Iterable[object]) -> None:
        line = csv_line(cells, self.raw_names)
        self.sink.write(printable(line, lines=True) if self.to_stdout and not self.raw_names else line)


class JsonWriter(RowWriter):
    """JSON Lines: one object a line, each a whole JSON text."""

    def begin(self, files: Sequence[str]) -> None:
        """Writes nothing: there is no frame around the lines."""

    def write(self, row: ScoredImage) -> None:
        """Writes a row."""
        facts = {**_facts(row), "scores": dict(row.scores)}
        if self.references:
            facts["standings"] = {
                label: {**_standing_facts(standing), "in_words": str(standing)}
                for label, standing in self.standings(row).items()
            }
        self.sink.write(json.dumps(facts) + "\n")


def _facts(row: ScoredImage) -> dict[str, Any]:
    status = OK if row.reason is None else UNREADABLE
    return dict(zip(FACTS, (row.path, row.sha256 or None, status, row.reason), strict=True))


def _standing_facts(standing: Standing) -> dict[str, Any]:
    counts = (standing.reals, standing.higher, standing.groups, standing.higher_groups)
    return dict(zip(STANDING, (standing.dataset, *counts, standing.share), strict=True))


FORMATS: dict[str, type[RowWriter]] = {"table": TableWriter, "csv": CsvWriter, "json": JsonWriter}
