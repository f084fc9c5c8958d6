"""Shows what became of the trained rivals that the papers name."""

from collections.abc import Iterable

from bench.references.rivals import rivals_of
from bench.report.table import Table
from bench.studies.base import Paper

HEADER = ("paper", "rival", "written", "here", "note")


def rivals_table(papers: Iterable[Paper]) -> Table:
    """Makes a row for each trained detector that a paper compares with, whether or not it prints a number of it."""
    rows = [
        [paper.name, rival.printed, rival.detector, rival.standing, rival.note]
        for paper in dict.fromkeys(papers)
        for rival in rivals_of(paper.source)
    ]
    return Table("Trained rivals of the papers", HEADER, rows, names=2)
