"""Operating points, transfer matrices and calibration: tables, Markdown and CSV."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.report.escaping import markdown
from bench.report.table import Table, cell, columns_of, csv_text, note_lines, print_tables, write_texts
from bench.results.thresholds.calibration import BINS, MEASURES, Calibration
from bench.results.thresholds.points import OperatingPoint
from bench.results.thresholds.shares import BOOTSTRAP, CLOPPER_PEARSON
from bench.results.thresholds.study import RATES, ThresholdStudy, TransferMatrix
from bench.statistics.number import Number
from bench.store.schema import CLEAN

TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "real_accuracy": "real accuracy",
    "generated_accuracy": "generated accuracy (TPR)",
    "fpr": "realised FPR",
}
COUNTS = {"n_held_out": "held out", "n_real": "real", "n_generated": "generated", "n_unreadable": "unreadable"}
FITTED_ON = "fitted on \\ measured on"
CALIBRATION = (
    *("data set", "detector", "condition", "generator"),
    *("ECE, equal widths", "ECE, equal numbers", "Brier score"),
)
PARTS = dict.fromkeys(("miscalibration", "discrimination", "uncertainty"))
CALIBRATION_NOTE = (
    f"ECE: expected calibration error over {BINS} bins, of equal widths and of equal numbers of images; in brackets "
    "what chance alone would give if the probabilities were right. Both classes count as they are in the data."
)
TRANSFER_NOTE = (
    "Transfer: each row fits its threshold to held-out real groups, each column measures on the other half, on the "
    "diagonal too. Within a data set whose generators face the same real images it says nothing across generators."
)
POINT_COLUMNS = (
    *("dataset", "detector", "condition", "generator", "rule", "metric", "value", "low", "high", "seeds_sd", "reason"),
    *("interval", "expected_fpr", "n_held_out", "n_real", "n_generated", "n_unreadable"),
)


def threshold_tables(study: ThresholdStudy) -> list[Table]:
    """Makes a table of operating points for each data set, two for each matrix, and one of calibration."""
    return [*_points(study), *_matrices(study), *_calibration(study)]


def threshold_markdown(study: ThresholdStudy) -> str:
    """Writes tables and notes."""
    matrices = _matrices(study)
    lines = [line for table in _points(study) for line in table.markdown("##")]
    lines += ["## Transfer", ""] if matrices else []
    lines += [line for table in matrices for line in (f"{markdown(table.title)}:", "", *table.markdown())]
    lines += [line for table in _calibration(study) for line in table.markdown("##")]
    return "\n".join([*lines, *note_lines(threshold_notes(study))]) + "\n"


def write_thresholds(study: ThresholdStudy, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``thresholds.csv`` and ``thresholds.md``; ``transfer.csv`` and ``calibration.csv`` where there is any.

    ``raw_names`` as for `csv_line`.
    """
    texts = {
        "thresholds.csv": csv_text(_all_points(study), POINT_COLUMNS, raw_names),
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
        "points": _all_points(study),
        "transfer": transfer_records(study.matrices),
        "calibration": calibration_records(study),
        "notes": threshold_notes(study),
    }


def print_thresholds(study: ThresholdStudy, console: Console) -> None:
    """Prints the tables, and under them the notes."""
    print_tables(threshold_tables(study), console, notes=threshold_notes(study))


def threshold_notes(study: ThresholdStudy) -> list[str]:
    """Says what a reader must know, a sentence each."""
    where = {title: f"{title}: " if len(study.points) > 1 else "" for title in study.points}
    notes = [note for title, points in study.points.items() for note in _point_notes(points, where[title])]
    return [*dict.fromkeys(notes), *transfer_notes(study.matrices)]


def point_records(points: Sequence[OperatingPoint]) -> list[dict[str, object]]:
    """Makes a record for each operating point and metric; the threshold is one of them."""
    return [
        {
            **columns_of(point, "detector", "condition", "generator", "rule"),
            "metric": metric,
            **_columns(number, point.fpr_interval if metric == "fpr" else BOOTSTRAP),
            **columns_of(point, "expected_fpr", *COUNTS),
        }
        for point in points
        for metric, number in {"threshold": point.threshold, **point.numbers}.items()
    ]


def transfer_records(matrices: Sequence[TransferMatrix]) -> list[dict[str, object]]:
    """Makes a record for each detector, pair of cells and rate."""
    return [
        {
            **columns_of(matrix, "detector", "rule"),
            **columns_of(entry, "fitted_on", "measured_on"),
            "metric": rate,
            **_columns(getattr(entry, rate), entry.fpr_interval if rate == "fpr" else BOOTSTRAP),
            **columns_of(entry, "n_held_out", "n_real", "n_generated"),
        }
        for matrix in matrices
        for entry in matrix.entries.values()
        for rate in RATES
    ]


def calibration_records(study: ThresholdStudy) -> list[dict[str, object]]:
    """Makes a record for each data set, detector, condition, generator and measure."""
    return [
        {
            "dataset": title,
            **columns_of(row, "detector", "condition", "generator"),
            "measure": measure,
            "reason": number.reason,
            **number.columns(),
            "if_calibrated": row.if_calibrated.get(measure),
            **(PARTS if measure != "brier" or row.decomposition is None else asdict(row.decomposition)),
        }
        for title, rows in study.calibrations.items()
        for row in rows
        for measure, number in row.numbers.items()
    ]


def _point_notes(points: Sequence[OperatingPoint], where: str) -> list[str]:
    """Says what a reader must know of the rules of one data set, and why a number is missing.

    ``where`` begins the sentences that are about these points alone, such as ``"imagenet: "``.
    """
    kinds = {point.rule.partition(":")[0].partition(" ")[0] for point in points}
    notes = ["An image is called generated where its score lies above the threshold."]
    if "fpr" in kinds:
        notes.append(
            "fpr:P: the smallest threshold with at most P % of a held-out half of the real groups above it, one for "
            "all generators; held-out groups take no part in any number, and the threshold is fitted again in each "
            "bootstrap draw."
        )
        notes += [where + note for note in _expectations(points)]
    if "best" in kinds:
        notes.append(
            "best (oracle): the threshold with the highest balanced accuracy on the very test images, one for each "
            "generator: optimistic, its interval too."
        )
    if any(point.fpr_interval == CLOPPER_PEARSON for point in points):
        notes.append("The interval of the realised FPR is Clopper-Pearson's for the one threshold that was fitted.")
    if any(point.fpr_interval == BOOTSTRAP and point.numbers["fpr"].interval for point in points):
        notes.append(
            "Where the threshold is the oracle's, real images share groups, or generators face different ones, the "
            "interval of the FPR is the bootstrap's."
        )
    if any(number.seeds_sd is not None for point in points for number in point.numbers.values()):
        notes.append(
            "±: standard deviation over seeds, each with its own threshold. Intervals are over images and seeds, but "
            "those of the threshold and Clopper-Pearson's over images alone."
        )
    return [*notes, *(where + note for note in _absences(points))]


def transfer_notes(matrices: Sequence[TransferMatrix]) -> list[str]:
    """Says what a reader must know of transfer matrices, and why an entry is missing, or a whole row."""
    notes = [TRANSFER_NOTE] if matrices else []
    for matrix in matrices:
        for source in matrix.names:
            where = f"{matrix.detector}, {matrix.rule}, fitted on {source}"
            reasons = {f", measured on {target}": matrix.entries[source, target].reason for target in matrix.names}
            if len(set(reasons.values())) == 1:
                reasons = {"": next(iter(reasons.values()))}
            notes += [f"{where}{target}: n/a, {reason}." for target, reason in reasons.items() if reason]
    return notes


def _all_points(study: ThresholdStudy) -> list[dict[str, object]]:
    return [{"dataset": title, **record} for title, points in study.points.items() for record in point_records(points)]


def _points(study: ThresholdStudy) -> list[Table]:
    """Makes a row for each operating point; of a rule that was refused the notes tell."""
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
            if not point.refused
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


def _expectations(points: Sequence[OperatingPoint]) -> list[str]:
    exact = {(point.rule, point.n_held_out, point.expected_fpr) for point in points if point.expected_fpr is not None}
    return [
        f"{rule} from {n} held-out images is expected to realise {100 * expected:.2f} % on further real images: "
        f"the rule counts the held-out ones alone."
        for rule, n, expected in sorted(exact)
    ]


def _absences(points: Sequence[OperatingPoint]) -> list[str]:
    notes: dict[str, None] = {}
    for point in points:
        where = f"{point.detector}, {point.condition}, {point.rule}"
        if point.reason:
            alone = "" if point.refused else f", {point.generator}"
            notes[f"{where}{alone}: n/a, {point.reason}."] = None
            continue
        for number in point.numbers.values():
            if number.interval is None:
                notes[f"{where}, {point.generator}: no interval, {number.reason}."] = None
    return list(notes)


def _columns(number: Number, kind: str) -> dict[str, object]:
    more = {"seeds_sd": number.seeds_sd, "reason": number.reason, "interval": kind if number.interval else None}
    return {**number.columns(), **more}
