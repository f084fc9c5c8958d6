"""What the page is made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.report.tables import Report
from bench.store.panel import Panel
from bench.store.runs import Facts
from bench.store.schema import CLEAN, Scoring


@dataclass(frozen=True)
class Extra:
    """A further table of a section, as text.

    Args:
        title: Its heading.
        columns: Their names.
        rows: A text for each column; a column of numbers is found by its texts.
        note: How to read it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """What the page says of one data set.

    Args:
        report: The numbers, the worst cues, notes and warnings.
        panel: The scores of every image; the report's detectors and conditions are its own.
        facts: What the runs behind it kept (``run.json``), oldest first.
        tables: Further tables.
        read_bytes: Reads an image's file by its path; None where there are no images at hand.
    """

    report: Report
    panel: Panel
    facts: Sequence[Facts]
    tables: Sequence[Extra] = ()
    read_bytes: Callable[[str], bytes] | None = None

    @cached_property
    def detectors(self) -> list[str]:
        """In the order of the ranking, where there is one, and the others after them."""
        ranking = self.report.rankings.get(self.shown)
        order = [*(ranking.order if ranking else ()), *(detector for detector, _ in self.panel.cells)]
        return list(dict.fromkeys(order))

    @property
    def conditions(self) -> list[str]:
        """The clean images first, where they are one."""
        names = dict.fromkeys(condition for _, condition in self.panel.cells)
        return sorted(names, key=lambda name: name != CLEAN)

    @property
    def shown(self) -> str:
        """The condition of what is drawn for one condition only."""
        return self.conditions[0]

    def facts_of(self, detector: str) -> Facts:
        """Returns what the latest run kept of a detector; nothing where no run told."""
        fingerprint = self.scoring_of(detector).fingerprint
        told = [one["detectors"][fingerprint] for one in self.facts if fingerprint in one.get("detectors", {})]
        return dict(told[-1]) if told else {}

    def scoring_of(self, detector: str) -> Scoring:
        """Returns one of a detector's scorings; they share a fingerprint."""
        return next(scoring for scoring in self.panel.scorings if scoring.detector == detector)
