"""Operating points, transfer matrices and calibration: tables, Markdown and CSV."""

import math
from pathlib import Path

from rich.console import Console

from bench.report.escaping import markdown
from bench.report.false_alarms import narrow_tables
from bench.report.numbers import cell
from bench.report.table import Table, columns_of, csv_text, note_lines, print_tables, write_texts
from bench.report.threshold_notes import CALIBRATION_NOTE, threshold_notes
from bench.report.threshold_records import (
    COUNTS,
    POINT_COLUMNS,
    all_records,
    calibration_records,
    low_rate_records,
    operating_records,
    transfer_records,
)
from bench.results.thresholds.calibration import MEASURES, Calibration
from bench.results.thresholds.study import RATES, ThresholdStudy
from bench.statistics.number import Number
from bench.store.schema import CLEAN

TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "real_accuracy": "real accuracy",
    "generated_accuracy": "generated accuracy (TPR)",
    "fpr": "realised FPR",
}
FITTED_ON = "fitted on \\ measured on"
CALIBRATION = (
    *("data set", "detector", "condition", "generator"),
    *("ECE, equal widths", "ECE, equal numbers", "Brier score"),
)


def threshold_tables(study: ThresholdStudy) -> list[Table]:
    """Makes tables of operating points for each data set, two for each matrix, and one of calibration."""
    return [*_points(study), *narrow_tables(study), *_matrices(study), *_calibration(study)]


def threshold_markdown(study: ThresholdStudy) -> str:
    """Writes tables and notes."""
    matrices = _matrices(study)
    lines = [line for table in (*_points(study), *narrow_tables(study)) for line in table.markdown("##")]
    lines += ["## Transfer", ""] if matrices else []
    lines += [line for table in matrices for line in (f"{markdown(table.title)}:", "", *table.markdown())]
    lines += [line for table in _calibration(study) for line in table.markdown("##")]
    return "\n".join([*lines, *note_lines(threshold_notes(study))]) + "\n"


def write_thresholds(study: ThresholdStudy, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``thresholds.csv`` and ``thresholds.md``; ``transfer.csv`` and ``calibration.csv`` where there is any.

    ``raw_names`` as for `csv_line`.
    """
    texts = {
        "thresholds.csv": csv_text(all_records(study), POINT_COLUMNS, raw_names),
        "thresholds.md": threshold_markdown(study),
    }
    if study.matrices:
        texts["transfer.csv"] = csv_text(transfer_records(study.matrices), raw_names=raw_names)
    if any(study.calibrations.values()):
        texts["calibration.csv"] = csv_text(calibration_records(study), raw_names=raw_names)
    return write_texts(texts, output)


def thresholds_json(study: ThresholdStudy) -> dict[str, object]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "points": operating_records(study),
        "low_rates": low_rate_records(study),
        "transfer": transfer_records(study.matrices),
        "calibration": calibration_records(study),
        "notes": threshold_notes(study),
    }


def print_thresholds(study: ThresholdStudy, console: Console) -> None:
    """Prints the tables, and under them the notes."""
    print_tables(threshold_tables(study), console, notes=threshold_notes(study))


def _points(study: ThresholdStudy) -> list[Table]:
    """Makes a row for each operating point; of a rule that was refused the notes tell, of few images another table."""
    tables = []
    for title, points in study.points.items():
        names = ["detector", "condition"] if any(point.condition != CLEAN for point in points) else ["detector"]
        rows = [
            [
                *columns_of(point, *names, "rule", "generator").values(),
                *map(str, columns_of(point, *COUNTS).values()),
                _threshold_cell(point.threshold),
                *(cell(point.numbers[metric]) for metric in TITLES),
            ]
            for point in points
            if not point.refused and point.calibrated_with is None
        ]
        columns = (*names, "rule", "generator", *COUNTS.values(), "threshold", *TITLES.values())
        tables.append(Table(title, columns, rows, names=len(names) + 2))
    return tables


def _matrices(study: ThresholdStudy) -> list[Table]:
    """Makes the table of the realised FPR and that of the TPR of each matrix."""
    return [
        Table(
            f"{matrix.detector}, {matrix.rule}: realised {rate.upper()}, mean over generators",
            (FITTED_ON, *matrix.names),
            [
                [source, *(cell(getattr(matrix.entries[source, target], rate)) for target in matrix.names)]
                for source in matrix.names
            ],
        )
        for matrix in study.matrices
        if not matrix.empty
        for rate in RATES
    ]


def _calibration(study: ThresholdStudy) -> list[Table]:
    """Makes a row for each data set, detector, condition and generator."""
    rows = [
        [title, row.detector, row.condition, row.generator, *(_calibration_cell(row, measure) for measure in MEASURES)]
        for title, calibrations in study.calibrations.items()
        for row in calibrations
    ]
    return [Table("Calibration", CALIBRATION, rows, CALIBRATION_NOTE, names=4)] if rows else []


def _calibration_cell(row: Calibration, measure: str) -> str:
    chance = row.if_calibrated.get(measure)
    return cell(row.numbers[measure]) + ("" if chance is None or math.isnan(chance) else f" ({chance:.4f})")


def _threshold_cell(number: Number) -> str:
    """Writes a threshold in significant digits: scores have any scale."""
    if math.isnan(number.value):
        return "n/a"
    text = f"{number.value:.4g}"
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.2g}"
    return text if number.interval is None else f"{text} [{number.interval.low:.4g}, {number.interval.high:.4g}]"
