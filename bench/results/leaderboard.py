"""Makes the leaderboard from the score store alone: a table for each data set, protocol and condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.references.comparability import Ours, closest
from bench.references.reported import ReportedNumber, find_reported
from bench.references.verdicts import Verdict, judge_number
from bench.report.ranks import rankings_of
from bench.report.tables import Report
from bench.results.cues.worst import compare_with_cues
from bench.results.numbers import MEAN, WITH_INTERVAL, Number, Row
from bench.results.seen import marks_of, unseen_mean
from bench.results.summary import summarise
from bench.scoring.cue_files import read_cues
from bench.statistics.ranking import Ranking
from bench.store.dataset import Coverage, Method, StoredDataset, read_store
from bench.store.schema import CLEAN


@dataclass(frozen=True)
class Judged:
    """A number that a paper reports, and how ours compares."""

    reported: ReportedNumber
    verdict: Verdict


@dataclass(frozen=True)
class Standing:
    """A method on a board.

    Args:
        method: The method.
        coverage: How many images it scored.
        rows: Its numbers by generator, and for the mean.
        reported: What a paper reports beside ours, by generator and metric.
        against_cue: How it stands against the worst trivial cue, by generator.
        marks: Whether a trained detector has seen a generator, by generator; see ``bench.results.seen``.
        unseen: Its mean AUROC over the generators that it has not seen, where it has seen others.
    """

    method: Method
    coverage: Coverage
    rows: Mapping[str, Row]
    reported: Mapping[tuple[str, str], Judged]
    against_cue: Mapping[str, str]
    marks: Mapping[str, str] = field(default_factory=dict)
    unseen: Number | None = None

    @property
    def ranked(self) -> bool:
        """Whether it has scored every image; else its numbers are shown, but not compared."""
        return self.coverage.complete


@dataclass(frozen=True)
class Board:
    """The table of one data set under one protocol and condition.

    Args:
        dataset: The data set.
        report: The numbers of the data set under every condition.
        condition: The degradation or matching of the images.
        generators: The columns; ``target`` is the last.
        target: What methods are ranked by: the mean over generators, or the only one.
        standings: Methods, best first; then those that are not ranked, by name.
    """

    dataset: StoredDataset
    report: Report
    condition: str
    generators: tuple[str, ...]
    target: str
    standings: tuple[Standing, ...]

    @property
    def title(self) -> str:
        """The data set, protocol and condition, in words."""
        return f"{self.report.title}, {self.condition}"

    @property
    def ranking(self) -> Ranking:
        """What the paired tests say."""
        return self.report.rankings.get(self.condition, Ranking())

    @property
    def cues(self) -> dict[str, Row]:
        """The worst trivial cue, by generator."""
        return {row.generator: row for row in self.report.cues.rows if row.condition == self.condition}

    @property
    def cue_names(self) -> dict[str, str]:
        """Which cue that is, by generator."""
        names = self.report.cues.names
        return {generator: name for (condition, generator), name in names.items() if condition == self.condition}


def make_boards(output: Path) -> list[Board]:
    """Makes every board of a results folder.

    Raises:
        BenchError: The store is empty or broken.
    """
    return [board for dataset in read_store(output) for board in boards_of(dataset, output)]


def boards_of(dataset: StoredDataset, output: Path) -> list[Board]:
    """Makes the boards of one data set: the clean images first, then each condition by its name."""
    panel = dataset.panel
    conditions = sorted({condition for _, condition in panel.cells}, key=lambda name: (name != CLEAN, name))
    summary = summarise(panel, WITH_INTERVAL)
    report = Report(
        title=f"{dataset.title} ({dataset.protocol})",
        summary=summary,
        cues=compare_with_cues(panel, read_cues(output, dataset.title, conditions)),
        notes=dataset.notes,
        warnings=(),
        rankings=rankings_of(summary, {cell for cell, of in dataset.coverage.items() if not of.complete}),
        views={label: str(method.facts.get("view", "not recorded")) for label, method in dataset.methods.items()},
    )
    return [_board(dataset, report, condition) for condition in conditions]


def _board(dataset: StoredDataset, report: Report, condition: str) -> Board:
    rows: dict[str, dict[str, Row]] = {}
    for row in report.summary.rows:
        if row.condition == condition:
            rows.setdefault(row.detector, {})[row.generator] = row
    generators = sorted({name for of in rows.values() for name in of}, key=lambda name: (name == MEAN, name))
    order = report.rankings[condition].order if condition in report.rankings else ()
    rest = sorted(label for label in rows if label not in order)
    standings = tuple(_standing(dataset, label, condition, rows[label], report) for label in (*order, *rest))
    return Board(dataset, report, condition, tuple(generators), generators[-1], standings)


def _standing(
    dataset: StoredDataset,
    label: str,
    condition: str,
    rows: Mapping[str, Row],
    report: Report,
) -> Standing:
    method = dataset.methods[label]
    marks = marks_of(method.facts, rows)
    return Standing(
        method,
        dataset.coverage[label, condition],
        rows,
        _reported(dataset, method, condition, rows),
        {g: verdict for (of, c, g), verdict in report.cues.verdicts.items() if (of, c) == (label, condition)},
        marks,
        unseen_mean(marks, rows, report.summary.influences.get((label, condition), {})),
    )


def _reported(
    dataset: StoredDataset, method: Method, condition: str, rows: Mapping[str, Row]
) -> dict[tuple[str, str], Judged]:
    """Finds what papers report for the same data and method; other data are another table, not a verdict."""
    sources = dataset.sources[method.label, condition]
    runs = [run for run in dataset.runs if run.name in sources and method.fingerprint in run.detectors]
    if not runs:
        return {}
    run, found = runs[-1], {}
    generators = [name for name in rows if name != MEAN]
    for generator, row in rows.items():
        for metric, number in row.numbers.items():
            ours = Ours.of(method.facts, run.data, run.facts.get("options", {}), metric, condition, generators)
            candidates = find_reported(method.facts["name"], dataset.name, generator, metric, condition)
            reported = closest(candidates, ours)
            if reported is not None:
                found[generator, metric] = Judged(reported, judge_number(number, reported, ours))
    return found
