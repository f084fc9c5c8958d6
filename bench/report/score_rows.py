"""Rows of one's own images as they come: a table for people, CSV, or JSON Lines."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len

from bench.report.escaping import csv_line, printable
from bench.report.explained_score import explained
from bench.report.fitting import SHORT
from bench.report.folding import shortened
from bench.report.table import hanging
from bench.results.reference_set import Reference, Standing, percent
from bench.scoring.files import ScoredImage
from bench.store.schema import OK, UNREADABLE

FACTS = ("path", "sha256", "status", "reason")
STANDING = ("reference", "reals", "reals_as_high", "groups", "groups_as_high", "share")
EXPLAINED = "explained"
HIGHER = "reals at least as high"
GAP, NUMBER, STANDING_WIDTH = 2, 12, len(HIGHER)
LEAST_PATH, WIDEST_PATH = 16, 120
"""Columns of a path: where there are fewer, it has a line of its own; in a file a longer one moves its row."""


class RowWriter(ABC):
    """Writes one row an image.

    Args:
        references: What the real images of the reference set scored, by detector; empty without one.
        raw_names: As for :func:`bench.report.escaping.csv_line`.
        to_stdout: Whether a terminal may show the rows: CSV then writes out what that would obey, unless names are
            wanted raw.
        width: Of the terminal, which a table fits; None in a file, where a row is one line.
        explain: Whether each row says in a sentence what its standing means.
    """

    def __init__(
        self,
        sink: TextIO,
        labels: Sequence[str],
        references: Mapping[str, Reference],
        raw_names: bool = False,
        to_stdout: bool = False,
        width: int | None = None,
        explain: bool = False,
    ) -> None:
        self.sink, self.labels, self.references = sink, labels, references
        self.raw_names, self.to_stdout, self.width, self.explain = raw_names, to_stdout, width, explain

    def standings(self, row: ScoredImage) -> dict[str, Standing]:
        """Returns how an image stands among the real images, by detector."""
        return {label: self.references[label].standing(row.scores[label]) for label in row.scores if self.references}

    def explanations(self, row: ScoredImage) -> dict[str, str]:
        """Returns what that means, by detector, where it was asked for."""
        standings = self.standings(row) if self.explain else {}
        return {label: explained(standing, self.references[label].auroc) for label, standing in standings.items()}

    @abstractmethod
    def begin(self, files: Sequence[str]) -> None:
        """Writes what comes before the rows of some files."""

    @abstractmethod
    def write(self, row: ScoredImage) -> None:
        """Writes a row."""


class TableWriter(RowWriter):
    """A table for people, whose widths are known before the first row.

    Where paths are too long for the line, the folder that they share is said once, and one that is still too long
    stands on a line of its own; where there are too many detectors for a line, each has its own below the path.
    """

    def begin(self, files: Sequence[str]) -> None:
        """Writes the header."""
        short = {label: label for label in self.labels} if self.width is None else shortened(self.labels, SHORT)
        self.heads = {label: printable(short[label]) for label in self.labels}
        widths = {label: max(NUMBER, cell_len(head)) for label, head in self.heads.items()}
        self.widths = {label: (width, STANDING_WIDTH * (label in self.references)) for label, width in widths.items()}
        beside = sum(GAP + width + (GAP + standing if standing else 0) for width, standing in self.widths.values())
        room = WIDEST_PATH if self.width is None else self.width - beside
        longest = max((cell_len(printable(file)) for file in files), default=0)
        folder = os.path.commonprefix(files).rpartition("/")[0] if longest > room else ""  # noqa: RUF071
        self.folder = f"{folder}/" if folder else ""
        names = (cell_len(self._name(file)) for file in files)
        self.path_width = min(max(names, default=0), room)
        self.path_width = max(self.path_width, len("path"))
        self.stacked = self.width is not None and room < LEAST_PATH
        for label in self.labels:
            if short[label] != label:
                self._folded("", f"{self.heads[label]} = {printable(label)}")
        if self.folder:
            self._folded("", f"In {printable(self.folder)}:")
        if not self.stacked:
            self._line("path", self.heads, dict.fromkeys(self.references, HIGHER))
        elif self.references:
            self._folded("", f"Behind a score: {HIGHER}.")

    def write(self, row: ScoredImage) -> None:
        """Writes a row; in place of scores the reason why there are none."""
        if row.reason is not None:
            words = f"{UNREADABLE}: {printable(row.reason)}"
            path = self._padded(row.path)
            if self.width is None or cell_len(f"{path}  {words}") <= self.width:
                self.sink.write(f"{path}  {words}\n")
            else:
                self.sink.write(f"{self._name(row.path)}\n")
                self._folded("  ", words)
            return
        standings = {
            label: f"{standing.higher:,} of {standing.reals:,}: {percent(standing.share)}"
            for label, standing in self.standings(row).items()
        }
        scores = {label: f"{score:.6g}" for label, score in row.scores.items()}
        if not self.stacked:
            self._line(self._name(row.path), scores, standings)
        else:
            self.sink.write(f"{self._name(row.path)}\n")
            for label in self.labels:
                self._folded("  ", " ".join(filter(None, (self.heads[label], scores[label], standings.get(label)))))
        for label, words in self.explanations(row).items():
            self._folded("  ", f"{self.heads[label]}: {printable(words)}")

    def _line(self, path: str, scores: Mapping[str, str], standings: Mapping[str, str]) -> None:
        if cell_len(path) > self.path_width and self.width is not None:
            self.sink.write(f"{path}\n")
            path = ""
        line = path + " " * (self.path_width - cell_len(path))
        for label, (width, standing) in self.widths.items():
            line += f"  {scores[label]:>{width}}"
            line += f"  {standings[label]:>{standing}}" if standing else ""
        self.sink.write(f"{line}\n")

    def _padded(self, path: str) -> str:
        name = self._name(path)
        return name + " " * max(0, self.path_width - cell_len(name))

    def _name(self, path: str) -> str:
        return printable(path.removeprefix(self.folder))

    def _folded(self, mark: str, words: str) -> None:
        lines = [mark + words] if self.width is None else hanging(mark, words, self.width)
        self.sink.writelines(f"{line}\n" for line in lines)


class CsvWriter(RowWriter):
    """Comma-separated values with a header; scores with all their digits."""

    def begin(self, files: Sequence[str]) -> None:
        """Writes the header."""
        self.names = [*FACTS]
        for label in self.labels:
            self.names += [label, *(f"{label}_{name}" for name in STANDING if label in self.references)]
            self.names += [f"{label}_{EXPLAINED}"] if self.explain and label in self.references else []
        self._line(self.names)

    def write(self, row: ScoredImage) -> None:
        """Writes a row; cells without a number are empty."""
        cells = {**_facts(row), **row.scores}
        for label, standing in self.standings(row).items():
            cells |= {f"{label}_{name}": value for name, value in _standing_facts(standing).items()}
        cells |= {f"{label}_{EXPLAINED}": words for label, words in self.explanations(row).items()}
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
        for label, words in self.explanations(row).items():
            facts["standings"][label][EXPLAINED] = words
        self.sink.write(json.dumps(facts) + "\n")


def _facts(row: ScoredImage) -> dict[str, Any]:
    status = OK if row.reason is None else UNREADABLE
    return dict(zip(FACTS, (row.path, row.sha256 or None, status, row.reason), strict=True))


def _standing_facts(standing: Standing) -> dict[str, Any]:
    counts = (standing.reals, standing.higher, standing.groups, standing.higher_groups)
    return dict(zip(STANDING, (standing.dataset, *counts, standing.share), strict=True))


FORMATS: dict[str, type[RowWriter]] = {"table": TableWriter, "csv": CsvWriter, "json": JsonWriter}
