"""Boards: a comparison under one condition, with the detectors in order; and comparisons of what a store holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.results.comparison import Comparison
from bench.results.concerns import find_inverted_logits
from bench.results.cues.worst import ALL_CUES, WORST_CUE, compare_with_cues
from bench.results.rankings import drawing_of, rankings_of
from bench.results.seen import UnseenMean, marks_of, unseen_means
from bench.results.summary import MEAN, Row, main_row, summarise
from bench.scoring.machine.memory import trim
from bench.scoring.machine.phases import phase
from bench.scoring.stored_cues import read_cues
from bench.statistics.metrics import shown_metrics
from bench.statistics.ranking import Ranking
from bench.store.dataset import NOT_RECORDED, Coverage, StoredDataset
from bench.store.findings import Finding
from bench.store.schema import CLEAN
from bench.store.whole_store import read_store


@dataclass(frozen=True)
class UnrankedDetector(Finding):
    """A detector that lacks images, or independent groups, and is shown but not compared."""

    detector: str
    coverage: Coverage | None
    reason: str = ""


@dataclass(frozen=True)
class BoardRow:
    """A detector on a board.

    Args:
        letters: What it shares with those that it is not separated from; empty where it is not ranked.
        rows: Its numbers by generator, and for the mean.
        coverage: How many images it scored; None where all were.
        against_cue: How it stands against the worst trivial cue, by generator.
        marks: Whether it has seen each generator; see ``bench.results.seen``.
    """

    detector: str
    letters: str
    rows: Mapping[str, Row]
    coverage: Coverage | None
    against_cue: Mapping[str, str]
    marks: Mapping[str, str]

    @property
    def ranked(self) -> bool:
        """Whether it has scored every image; else its numbers are shown, but not compared."""
        return self.coverage is None or self.coverage.complete


@dataclass(frozen=True)
class Board:
    """A comparison under one condition.

    Args:
        comparison: Under every condition.
        generators: The columns: generators of edited images behind the others, and the mean last.
        rows: Detectors, best first; then those that are not ranked.
    """

    comparison: Comparison
    condition: str
    generators: tuple[str, ...]
    rows: tuple[BoardRow, ...]

    @property
    def title(self) -> str:
        """The data set, protocol and condition, in words."""
        return f"{self.comparison.title}, {self.condition}"

    @property
    def target(self) -> str:
        """What detectors are ranked by: the mean over generators, or the only one; empty where there is neither."""
        row = main_row({name: row for rows in self.rows for name, row in rows.rows.items()}.values())
        return row.generator if row else ""

    @property
    def mean_first(self) -> list[str]:
        """The columns with the mean first, as tables show them."""
        return sorted(self.generators, key=lambda name: name != MEAN)

    @property
    def ranking(self) -> Ranking:
        """What the paired tests say."""
        return self.comparison.rankings.get(self.condition, Ranking())

    @property
    def cues(self) -> dict[str, dict[str, Row]]:
        """The rows of the worst trivial cue and of all cues together, each by generator; empty without cues."""
        rows = [row for row in self.comparison.cues.rows if row.condition == self.condition]
        by_name = {name: {row.generator: row for row in rows if row.detector == name} for name in (WORST_CUE, ALL_CUES)}
        return {name: named for name, named in by_name.items() if named}

    @property
    def cue_names(self) -> dict[str, str]:
        """Which cue that is, by generator."""
        names = self.comparison.cues.names
        return {generator: name for (condition, generator), name in names.items() if condition == self.condition}

    @cached_property
    def unseen(self) -> dict[str, UnseenMean]:
        """The means over unseen generators, by detector."""
        means = unseen_means(self.comparison.summary, self.comparison.detectors, self.condition)
        return {mean.detector: mean for mean in means}

    @property
    def findings(self) -> list[Finding]:
        """What a reader must know of this condition, beside what holds for the whole comparison."""
        lacking = [UnrankedDetector(row.detector, row.coverage) for row in self.rows if not row.ranked]
        unranked = [UnrankedDetector(label, None, reason) for label, reason in self.ranking.unranked.items()]
        return [*lacking, *unranked, *(self.unseen[row.detector] for row in self.rows if row.detector in self.unseen)]


def read_comparisons(*outputs: Path) -> list[Comparison]:
    """Makes a comparison of every data set and protocol in results folders; nothing is scored.

    Raises:
        BenchError: The store is empty or broken.
    """
    with phase("Reading the store"):
        datasets = read_store(*outputs)
    trim()
    return [compare_stored(dataset) for dataset in datasets]


def make_boards(output: Path) -> list[Board]:
    """Makes every board of what `read_comparisons` finds, data set by data set."""
    return [board for comparison in read_comparisons(output) for board in boards_of(comparison)]


def compare_stored(dataset: StoredDataset) -> Comparison:
    """Makes the comparison of one data set from its scores; cues are known of what was scored in a place."""
    panel = dataset.panel
    incomplete = {cell for cell, images in dataset.coverage.items() if not images.complete}
    conditions = sorted({condition for _, condition in panel.cells}, key=lambda name: (name != CLEAN, name))
    detectors = {label: dataset.detectors[label].facts for label in sorted(dataset.detectors)}
    summary = summarise(panel, shown_metrics())
    scored = {name for runs in dataset.sources.values() for name in runs}
    cues = read_cues(dataset.places, conditions, panel.images) if dataset.places else {}
    return Comparison(
        title=f"{dataset.title} ({dataset.protocol})",
        panel=panel,
        summary=summary,
        cues=compare_with_cues(panel, cues),
        rankings=rankings_of(summary, panel, incomplete, drawing_of(detectors)),
        detectors=detectors,
        views={label: str(known.facts.get("view", NOT_RECORDED)) for label, known in dataset.detectors.items()},
        runs=[run.facts for run in dataset.runs if run.name in scored],
        findings=[*dataset.findings, *find_inverted_logits(summary, detectors)],
        stored=dataset,
    )


def boards_of(comparison: Comparison) -> list[Board]:
    """Makes a board of each condition, in the comparison's order."""
    return [_board(comparison, condition) for condition in comparison.conditions]


def _board(comparison: Comparison, condition: str) -> Board:
    by_detector = {label: rows for (label, where), rows in comparison.summary.cells.items() if where == condition}
    apart = {name: row.apart for rows in by_detector.values() for name, row in rows.items()}
    generators = sorted(apart, key=lambda name: (name == MEAN, apart[name]))
    ranking = comparison.rankings.get(condition, Ranking())
    order = comparison.ordered(condition)
    coverage = comparison.stored.coverage if comparison.stored else {}
    verdicts = comparison.cues.verdicts.items()
    rows = [
        BoardRow(
            detector,
            ranking.letters.get(detector, ""),
            by_detector[detector],
            coverage.get((detector, condition)),
            {generator: verdict for (*cell, generator), verdict in verdicts if cell == [detector, condition]},
            marks_of(comparison.detectors.get(detector, {}), by_detector[detector]),
        )
        for detector in order
        if detector in by_detector
    ]
    return Board(comparison, condition, tuple(generators), tuple(rows))
