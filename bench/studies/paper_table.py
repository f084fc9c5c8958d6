"""Sets the paper's printed numbers beside ours, row by row of one table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.references.comparability import Ours, closest
from bench.references.reported import ReportedNumber
from bench.references.verdicts import judge
from bench.results.comparison import Comparison
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from bench.statistics.number import Number
from bench.store.schema import CLEAN
from bench.studies.arms import Arm
from bench.studies.base import Line, Paper


def origin_of(comparison: Comparison, label: str, options: RunOptions) -> Ours:
    """Says how the numbers of one detector of a comparison came about, its AUROC on clean images before others."""
    rows = [row for row in comparison.summary.rows if row.detector == label and row.generator != MEAN]
    generators = tuple(dict.fromkeys(row.generator for row in rows))
    detector, data = comparison.detectors[label], comparison.run["data"]
    return Ours.of(detector, data, options.as_facts(), "auroc", generators=generators)


@dataclass(frozen=True)
class Measured:
    """One number of ours, with the arm that it is of; the column is its generator, or ``mean``."""

    row: str
    arm: Arm
    column: str
    condition: str
    metric: str
    number: Number
    threshold: str | None = None


class PaperTable:
    """What the paper prints in one table.

    Args:
        paper: The paper.
        table: The table's name in its reference file.
        dataset: The dataset of the study, in the paper.
        other_data: Whether the run is about other data: then the paper's mean stands beside ours, but no generator.
    """

    def __init__(self, paper: Paper, table: str, dataset: str, other_data: bool) -> None:
        self.other_data = other_data
        self.records = [number for number in paper.printed(table, dataset=dataset) if number.generator is not None]
        self._unused = self.records

    def line(self, measured: Measured, origin: Ours) -> Line:
        """Sets the paper's number, if there is one, beside ours; the origin is that of the detector's numbers."""
        arm, column, metric, condition = measured.arm, measured.column, measured.metric, measured.condition
        ours = replace(origin, metric=metric, condition=condition, threshold=measured.threshold)
        opposite = MEAN if self.other_data else column
        has_opposite = column == opposite or len(origin.generators) < 2
        candidates = self._printed(arm, ours.detector, opposite, metric, condition) if has_opposite else []
        reported = self._use(closest(candidates, ours))
        verdict = None if reported is None else judge(measured.number, reported, ours)
        return Line(measured.row, column, metric, measured.number, reported, verdict)

    def not_run(self, arm: Arm, metric: str, reason: str) -> Line:
        """Says why a row has no number, beside the paper's mean, which there is no verdict on."""
        candidates = self._printed(arm, parse_detector(arm.detector).name, MEAN, metric, CLEAN)
        number = Number(float("nan"), reason=f"not run: {reason}")
        return Line(arm.row, MEAN, metric, number, self._use(next(iter(candidates), None)))

    def rest(self, metrics: Sequence[str], by_generator: bool) -> list[Line]:
        """Returns what the paper prints and we have nothing beside: shown as reported, never as measured.

        Args:
            metrics: The metrics of the study.
            by_generator: Whether numbers of single generators are shown, too.
        """
        return [
            Line(number.row, str(number.generator), number.metric, None, number)
            for number in self._unused
            if number.metric in metrics and (number.generator == MEAN or (by_generator and not self.other_data))
        ]

    def _printed(self, arm: Arm, method: str, column: str, metric: str, condition: str) -> list[ReportedNumber]:
        wanted = (method, column, metric)
        return [
            number
            for number in self.records
            if (number.method, number.generator, number.metric) == wanted
            and condition in number.conditions
            and (arm.printed is None or number.row in arm.printed)
        ]

    def _use(self, number: ReportedNumber | None) -> ReportedNumber | None:
        self._unused = [record for record in self._unused if record is not number]
        return number
