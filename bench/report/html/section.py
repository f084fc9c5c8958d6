"""What the page is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.table import Table
from bench.results.comparison import Comparison
from bench.store.runs import Facts
from bench.store.schema import Scoring


@dataclass(frozen=True)
class Section:
    """What the page says of one data set.

    Args:
        comparison: The numbers.
        notes: What a reader must know, a sentence each.
        warnings: What makes the numbers doubtful.
        tables: Further tables.
    """

    comparison: Comparison
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()

    @property
    def detectors(self) -> list[str]:
        """In the order of the ranking, where there is one, and the others after them."""
        return self.comparison.labels

    @property
    def conditions(self) -> list[str]:
        """The clean images first, where they are one."""
        return self.comparison.conditions

    @property
    def shown(self) -> str:
        """The condition of what is drawn for one condition only."""
        return self.conditions[0]

    def facts_of(self, detector: str) -> Facts:
        """Returns what runs kept of a detector; nothing where no run told."""
        return self.comparison.detectors.get(detector, {})

    def scoring_of(self, detector: str) -> Scoring:
        """Returns one of a detector's scorings; they share a fingerprint."""
        return next(scoring for scoring in self.comparison.panel.scorings if scoring.detector == detector)
