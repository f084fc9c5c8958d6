"""From a comparison, or the leaderboard, to one HTML page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from bench.report.generator_sample import sample_tables
from bench.report.html.across import shown_across
from bench.report.html.page import Figure, Section, write_html
from bench.report.leaderboard import REPORTED, board_reports
from bench.report.notes import comparison_notes, warnings_of
from bench.report.plots.sweep import sweep_svg
from bench.report.release_dates import NO_DATES, Dates, date_tables
from bench.report.submissions import submissions_table
from bench.report.sweep import sweep_sentences, sweep_table
from bench.report.table import Table
from bench.report.verdicts import NOTE
from bench.results.across.findings import AcrossSets
from bench.results.comparison import Comparison
from bench.results.sweep import Sweep
from bench.scoring.machine.phases import phase
from bench.scoring.options import MARGIN


@phase("Writing the page")
def write_comparison_page(comparison: Comparison, target: Path) -> Path:
    """Writes a comparison, with the images that detectors got most wrong."""
    section = Section(comparison, comparison_notes(comparison), warnings_of(comparison), heading="Results")
    return write_html(f"Detectors on {comparison.run['data']['title']}", [section], target)


@phase("Writing the page")
def write_sweep_page(sweep: Sweep, target: Path) -> Path:
    """Writes a sweep: its table and figure above everything that a comparison's page has."""
    comparison = sweep.comparison
    table = replace(sweep_table(sweep), note=" ".join(sweep_sentences(sweep)))
    figure = Figure(f"AUROC by setting of {sweep.method}", Markup(sweep_svg(sweep, "sweep-")))
    notes = comparison_notes(comparison)
    section = Section(comparison, notes, warnings_of(comparison), [table], [figure], "Results")
    return write_html(f"{len(sweep.settings)} settings of {sweep.method}", [section], target)


@phase("Writing the page")
def write_leaderboard_page(
    comparisons: Sequence[Comparison],
    target: Path,
    margin: float = MARGIN,
    dates: Dates = NO_DATES,
    across: Sequence[AcrossSets] = (),
    refused: Sequence[Table] = (),
) -> Path:
    """Writes every data set, first all together and last what was refused, with images where they are at hand."""
    sections = []
    for comparison in comparisons:
        reports = board_reports([comparison], margin, dates)
        several = len(reports) > 1
        # What each detector is stands under Provenance.
        tables: list[Table] = [submissions_table(comparison)] if comparison.standings else []
        for report in reports:
            where = f", {report.board.condition}" if several else ""
            dated = [*sample_tables(report.board), *date_tables(report.board, report.dates)]
            tables += [replace(table, title=f"{table.title}{where}") for table in dated]
        rows = [(report.board.condition if several else "", *row) for report in reports for row in report.reported.rows]
        if rows:
            tables.append(Table("Reported numbers", ("condition", *REPORTED), rows, NOTE))
        sections.append(Section(comparison, comparison_notes(comparison), warnings_of(comparison), tables))
    last = [
        {"prefix": "refused", "title": table.title, "notes": (), "tables": [replace(table, title="")]}
        for table in refused
    ]
    return write_html("Leaderboard", sections, target, shown_across(across), last)
