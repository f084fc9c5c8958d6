"""Sets the paper's printed numbers beside ours, row by row of one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.references.comparability import Ours, closest
from bench.references.reported import ReportedNumber, load_reported
from bench.references.verdicts import judge_number
from bench.results.comparison import Comparison
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from bench.statistics.number import Number
from bench.store.runs import Facts
from bench.store.schema import CLEAN
from bench.studies.arms import Arm
from bench.studies.base import Line


@dataclass(frozen=True)
class Origin:
    """How the numbers of one detector came about.

    Args:
        detector: From ``bench.scoring.facts.detector_facts``.
        data: From ``bench.scoring.facts.data_facts``.
        options: The run's options, from ``RunOptions.as_facts``.
        generators: What its mean is over.
    """

    detector: Facts
    data: Facts
    options: Mapping[str, Any]
    generators: tuple[str, ...]

    @classmethod
    def of(cls, comparison: Comparison, label: str, options: RunOptions) -> "Origin":
        """Takes it from a comparison.

        Args:
            comparison: Where the numbers are from.
            label: The detector's label there.
            options: With what it was run.
        """
        fingerprint = next(one.fingerprint for one in comparison.panel.scorings if one.detector == label)
        run = next(facts for facts in reversed(comparison.runs) if fingerprint in facts["detectors"])
        rows = [row for row in comparison.summary.rows if row.detector == label and row.generator != MEAN]
        generators = tuple(dict.fromkeys(row.generator for row in rows))
        return cls(run["detectors"][fingerprint], run["data"], options.as_facts(), generators)


@dataclass(frozen=True)
class Measured:
    """One number of ours.

    Args:
        row: What the table calls it.
        arm: Whose it is.
        column: The generator, or ``mean``.
        condition: What was done to the images.
        metric: As in ``bench.statistics.metrics``, or an accuracy.
        number: The number.
    """

    row: str
    arm: Arm
    column: str
    condition: str
    metric: str
    number: Number


class PaperTable:
    """What the paper prints in one table.

    Args:
        source: Name of the paper's reference file.
        table: Its name there; None where nothing is printed.
        dataset: The dataset of the study, in the paper.
        other_data: Whether the run is about other data: then the paper's mean stands beside ours, but no generator.
    """

    def __init__(self, source: str, table: str | None, dataset: str, other_data: bool) -> None:
        self.other_data = other_data
        self.records = [
            one
            for one in load_reported()
            if (one.source, one.table, one.dataset) == (source, table, dataset) and one.generator is not None
        ]
        self._used: set[int] = set()

    def line(self, measured: Measured, origin: Origin) -> Line:
        """Sets the paper's number, if there is one, beside ours."""
        metric, number = measured.metric, measured.number
        ours = Ours.of(origin.detector, origin.data, origin.options, metric, measured.condition, origin.generators)
        reported = closest(self._candidates(measured, origin), ours)
        if reported is None:
            return Line(measured.row, measured.column, metric, number)
        self._used.add(self.records.index(reported))
        return Line(measured.row, measured.column, metric, number, reported, judge_number(number, reported, ours))

    def not_run(self, arm: Arm, metric: str, reason: str) -> Line:
        """Says why a row has no number, beside the paper's mean, which there is no verdict on."""
        number, name = Number(float("nan"), reason=f"not run: {reason}"), parse_detector(arm.detector).name
        candidates = self._printed(arm, name, MEAN, metric, CLEAN)
        reported = candidates[0] if candidates else None
        if reported is not None:
            self._used.add(self.records.index(reported))
        return Line(arm.row, MEAN, metric, number, reported)

    def rest(self, metrics: Sequence[str], by_generator: bool) -> list[Line]:
        """Returns what the paper prints and we have nothing beside: shown as reported, never as measured.

        Args:
            metrics: The metrics of the study.
            by_generator: Whether numbers of single generators are shown, too.
        """
        return [
            Line(one.row, str(one.generator), one.metric, None, one)
            for position, one in enumerate(self.records)
            if position not in self._used
            and one.metric in metrics
            and (one.generator == MEAN or (by_generator and not self.other_data))
        ]

    def _candidates(self, measured: Measured, origin: Origin) -> list[ReportedNumber]:
        column = measured.column
        if self.other_data:
            if column != MEAN and len(origin.generators) > 1:
                return []
            column = MEAN
        name = origin.detector["name"]
        return self._printed(measured.arm, name, column, measured.metric, measured.condition)

    def _printed(self, arm: Arm, method: str, column: str, metric: str, condition: str) -> list[ReportedNumber]:
        wanted = (method, column, metric, condition)
        return [
            one
            for one in self.records
            if (one.method, one.generator, one.metric, one.condition) == wanted
            and (arm.printed is None or one.row in arm.printed)
        ]
