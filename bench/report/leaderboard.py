"""The leaderboard: its tables, and the records of its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.references.paper import Judgements, judge_board
from bench.report import verdicts
from bench.report.comparison import AGAINST_CHANCE
from bench.report.generator_sample import refused_notes, sample_json, sample_tables
from bench.report.images import further_records, further_tables, images_notes
from bench.report.notes import finding_notes, warnings_of
from bench.report.numbers import cell
from bench.report.ranks import full_pairs, ranking_tables
from bench.report.release_dates import NO_DATES, Dates, date_record, date_tables
from bench.report.standings import CONFIRMED, confirmed_cell, standing_record
from bench.report.store_notes import called
from bench.report.table import Table, columns_of, note_lines
from bench.results.comparison import Comparison
from bench.results.cues.worst import WORST_CUE
from bench.results.leaderboard import Board, BoardRow, boards_of
from bench.results.seen import SEEN
from bench.results.summary import MEAN
from bench.scoring.options import MARGIN
from bench.statistics.metrics import METRICS
from bench.store.dataset import NOT_RECORDED, SHORT, StoredDataset
from bench.store.facts import NOT_KNOWN, TRAINED_ON, Facts
from bench.store.schema import CLEAN

REPORTED = ("detector", "generator", "metric", "ours", "reported", "where", *verdicts.COLUMNS)
DETECTORS = ("detector", "fingerprint", "method", "backbone", "weights", "options", "view", "tuned on", "trained on")
COLUMNS = (
    *("dataset", "protocol", "condition", "detector", "fingerprint", "generator", "metric", "letters"),
    *("value", "low", "high", "seeds_sd", "n_real", "n_generated", "n_unreadable", "scored", "wanted"),
    *("against_worst_cue", "against_chance", "reason", "seen", "reported", "expected_low", "expected_high"),
    *("reported_in", "verdict", "because", "detectable", "sensitivity", "chosen_on_this_data"),
)


@dataclass(frozen=True)
class BoardReport:
    """A board of stored scores beside what papers report, as tables.

    Args:
        margin: The difference that a match must be able to find.
        dates: What is asked of release dates.
    """

    board: Board
    margin: float = MARGIN
    dates: Dates = NO_DATES

    @cached_property
    def judged(self) -> Judgements:
        """What papers report."""
        return judge_board(self.board, self.margin)

    @property
    def stored(self) -> StoredDataset:
        """The data set in the store."""
        assert self.board.comparison.stored is not None
        return self.board.comparison.stored

    @property
    def warnings(self) -> list[str]:
        """What makes the numbers doubtful, said of a comparison once, on its first board."""
        first = self.board.condition == self.board.comparison.conditions[0]
        return warnings_of(self.board.comparison) if first else []

    @property
    def notes(self) -> list[str]:
        """What a reader must know, a sentence each."""
        return [*images_notes(self.board), *finding_notes([*self.board.comparison.findings, *self.board.findings])]

    @property
    def printed_notes(self) -> list[str]:
        """The same without what the printed table says itself, who is not ranked, but with how to read the others."""
        means = [mean for mean in self.board.findings if mean in self.board.unseen.values()]
        tables = [f"{table.title}: {table.note}" for table in self.further]
        notes = [*images_notes(self.board), *finding_notes([*self.board.comparison.findings, *means])]
        return [*notes, *refused_notes(self.board), *tables]

    @property
    def further(self) -> list[Table]:
        """Generators as a sample, by release date, and what clean images alone say of real sources and edited areas."""
        images = further_tables(self.board.comparison) if self.board.condition == CLEAN else []
        return [*sample_tables(self.board), *date_tables(self.board, self.dates), *images]

    @property
    def table(self) -> Table:
        """The board: ranked detectors, those that lack images, the worst cue, and all cues together."""
        board = self.board
        aurocs = ("mean AUROC" if name == MEAN else f"AUROC, {name}" for name in board.mean_first)
        last = CONFIRMED if board.comparison.standings else "against worst cue"
        columns = ("rank", "detector", "backbone", "images", *aurocs, AGAINST_CHANCE, last)
        rows = [self._row(row) for row in board.rows]
        named = board.cue_names.get(board.target) or ", ".join(dict.fromkeys(board.cue_names.values()))
        for name, cues in board.cues.items():
            numbers = (cell(row.numbers["auroc"] if row else None) for row in map(cues.get, board.mean_first))
            rows.append(["", name, "", "", *numbers, "", named if name == WORST_CUE else ""])
        return Table(board.title, columns, rows, names=3)

    @property
    def tests(self) -> list[Table]:
        """Ranks and paired tests, where there is more than one detector."""
        return ranking_tables(self.board.ranking, self.board.comparison.views)

    @property
    def reported(self) -> Table:
        """What papers report beside ours."""
        rows = {row.detector: row.rows for row in self.board.rows}
        cells = [
            [
                detector,
                generator,
                METRICS[metric].title,
                cell(rows[detector][generator].numbers[metric]),
                f"{judged.reported.value:.4f}",
                f"{judged.reported.source}, {judged.reported.table}",
                *verdicts.verdict_cells(judged.verdict),
            ]
            for (detector, generator, metric), judged in self.judged.items()
        ]
        return Table("Reported numbers", REPORTED, cells, verdicts.NOTE, names=3)

    @property
    def detectors(self) -> Table:
        """What each detector is."""
        return Table("Detectors", DETECTORS, [self._described(row) for row in self.board.rows])

    def markdown(self) -> list[str]:
        """Writes the board, its notes and the tables beside it."""
        tables = (self.detectors, *self.tests, *self.further, self.reported)
        lines = [*self.table.markdown("##"), *note_lines(self.notes, self.warnings), ""]
        return lines + [line for table in tables if table.rows for line in table.markdown("###")]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yields a row for each detector, generator and metric, with the columns of ``leaderboard.csv``."""
        blank = dict.fromkeys(COLUMNS) | {"dataset": self.stored.title, "protocol": self.stored.protocol}
        blank["condition"] = self.board.condition
        for row in self.board.rows:
            for generator, numbers in row.rows.items():
                for metric in numbers.numbers:
                    yield blank | self._record(row, generator, metric)
        for name, cues in self.board.cues.items():
            for generator, cue in cues.items():
                number = cue.numbers["auroc"]
                which = self.board.cue_names.get(generator) if name == WORST_CUE else None
                yield blank | {
                    "detector": name,
                    "generator": generator,
                    "metric": "auroc",
                    **number.columns(),
                    "seeds_sd": number.seeds_sd,
                    **columns_of(cue, "n_real", "n_generated"),
                    "reason": f"{which}; {number.reason}" if which else number.reason,
                }

    def facts(self) -> dict[str, Any]:
        """Returns the board as plain values."""
        return {
            "dataset": self.stored.title,
            "protocol": self.stored.protocol,
            "condition": self.board.condition,
            "generators": [name for name in self.board.generators if name != MEAN],
            "target": self.board.target or None,
            "warnings": self.warnings,
            "notes": self.notes,
            "detectors": [self._detector(row) for row in self.board.rows],
            "numbers": list(self.records()),
            "pairs": full_pairs(self.board.ranking, self.board.comparison.views),
            "generators_as_sample": sample_json(self.board),
            **(further_records(self.board.comparison) if self.board.condition == CLEAN else {}),
            **date_record(self.board, self.dates),
        }

    def _facts(self, row: BoardRow) -> Facts:
        return self.board.comparison.detectors[row.detector]

    def _row(self, row: BoardRow) -> list[str]:
        letters = row.letters if row.ranked else "not ranked"
        coverage = row.coverage
        images = "" if coverage is None else f"{coverage.scored:,}" if row.ranked else str(coverage)
        numbers = []
        for name in self.board.mean_first:
            text = cell(row.rows[name].numbers["auroc"]) if name in row.rows else ""
            numbers.append(f"{text} ({SEEN})" if row.marks.get(name) == SEEN else text)
        target = row.rows.get(self.board.target)
        chance = (target and target.numbers["auroc"].against_chance) or ""
        last = confirmed_cell(self.board.comparison, row.detector) or row.against_cue.get(self.board.target, "")
        detector = called(self.board.comparison, row.detector)
        return [letters, detector, _backbone(self._facts(row)), images, *numbers, chance, last]

    def _described(self, row: BoardRow) -> list[str]:
        """Says what a detector is, under ``DETECTORS``."""
        facts, fingerprint = self._facts(row), self.stored.detectors[row.detector].fingerprint[:SHORT]
        if not facts:
            return [row.detector, fingerprint, *[NOT_RECORDED] * 7]
        return [
            row.detector,
            fingerprint,
            f"{facts['name']} {facts['version']} ({facts['paper']})",
            _backbone(facts),
            str((facts.get("backbone") or {}).get("weights", ""))[:SHORT],
            ", ".join(f"{name}={value}" for name, value in facts["options"].items()),
            f"{facts['view']} ({facts['view_mode']})",
            facts.get("tuned_on") or "not known here",
            ", ".join(facts[TRAINED_ON]) or NOT_KNOWN if TRAINED_ON in facts else "nothing",
        ]

    def _record(self, row: BoardRow, generator: str, metric: str) -> dict[str, Any]:
        number, coverage = row.rows[generator].numbers[metric], self.stored.coverage[row.detector, self.board.condition]
        record: dict[str, Any] = {
            "detector": row.detector,
            "fingerprint": self.stored.detectors[row.detector].fingerprint,
            "generator": generator,
            "metric": metric,
            "letters": (row.letters or None) if (generator, metric) == (self.board.target, "auroc") else None,
            **number.columns(),
            "seeds_sd": number.seeds_sd,
            **row.rows[generator].counts,
            **columns_of(coverage, "scored", "wanted"),
            "against_worst_cue": row.against_cue.get(generator) if metric == "auroc" else None,
            "against_chance": number.against_chance if metric == "auroc" else None,
            "reason": number.remark,
            "seen": row.marks.get(generator),
            "chosen_on_this_data": row.detector in self.board.comparison.chosen_here,
        }
        judged = self.judged.get((row.detector, generator, metric))
        if judged is None:
            return record
        return record | {
            "reported": judged.reported.value,
            "reported_in": f"{judged.reported.source}, {judged.reported.table}",
            "verdict": judged.verdict.kind,
            **verdicts.verdict_record(judged.verdict),
        }

    def _detector(self, row: BoardRow) -> dict[str, Any]:
        coverage, unseen = self.stored.coverage[row.detector, self.board.condition], self.board.unseen.get(row.detector)
        return {
            "label": row.detector,
            "fingerprint": self.stored.detectors[row.detector].fingerprint,
            "ranked": row.ranked,
            "letters": row.letters or None,
            **columns_of(coverage, "scored", "wanted"),
            "seen": dict(row.marks),
            "unseen_mean": {**unseen.auroc.columns(), "seeds_sd": unseen.auroc.seeds_sd} if unseen else None,
            "facts": dict(self._facts(row)),
            **standing_record(self.board.comparison, row.detector),
        }


def board_reports(
    comparisons: Sequence[Comparison], margin: float = MARGIN, dates: Dates = NO_DATES
) -> list[BoardReport]:
    """Makes a report of every board of some comparisons of stored scores."""
    return [BoardReport(board, margin, dates) for comparison in comparisons for board in boards_of(comparison)]


def _backbone(facts: Facts) -> str:
    backbone = facts.get("backbone")
    return str(backbone["name"]) if backbone else ("none" if facts else NOT_RECORDED)
