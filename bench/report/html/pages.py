"""From a comparison, or the leaderboard, to one HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.report.html import Extra, Section, write_html
from bench.report.leaderboard import METHODS, REPORTED, REPORTED_NOTE, method_cells, reported_cells
from bench.results.leaderboard import Board

if TYPE_CHECKING:
    from bench.results.comparison import Comparison


def check_page(target: str | None) -> Path | None:
    """Makes sure, before any work is done for it, that a page can be written.

    Raises:
        BenchError: The folder does not exist, or the file is a folder.
    """
    if target is None:
        return None
    file = Path(target)
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise BenchError(f"--html {target} {what}: write for instance report.html.")
    return file


def write_comparison_page(comparison: "Comparison", target: Path, tables: Sequence[Extra] = ()) -> Path:
    """Writes a comparison, with the images that detectors got most wrong.

    Args:
        comparison: What was compared.
        target: The file.
        tables: Further tables.
    """
    section = Section(comparison.report, comparison.panel, comparison.facts, tables, comparison.read_bytes)
    data = comparison.report.title.rsplit(": ", 1)[0]
    write_html(f"Detectors on {data}", [section], target)
    return target


def write_leaderboard_page(boards: Sequence[Board], target: Path) -> Path:
    """Writes every data set of the store; the store holds no images, so none are shown."""
    sections = []
    for dataset in dict.fromkeys(id(board.dataset) for board in boards):
        own = [board for board in boards if id(board.dataset) == dataset]
        stored = own[0].dataset
        scored = {name for of in stored.sources.values() for name in of}
        tables = [Extra("Detectors", METHODS, [method_cells(standing) for standing in own[0].standings])]
        reported = [["" if len(own) == 1 else board.condition, *row] for board in own for row in reported_cells(board)]
        if reported:
            tables.append(Extra("Reported numbers", ("condition", *REPORTED), reported, REPORTED_NOTE))
        facts = [run.facts for run in stored.runs if run.name in scored]
        sections.append(Section(own[0].report, stored.panel, facts, tables))
    write_html("Leaderboard", sections, target)
    return target
