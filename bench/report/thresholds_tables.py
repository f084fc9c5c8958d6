"""Writes operating points and transfer matrices for people (terminal, Markdown) and for programs (CSV)."""

import math
from collections.abc import Sequence

import polars as pl
from rich.table import Table

from bench.report.tables import cell, make_table, markdown_table
from bench.results.numbers import Number
from bench.results.thresholds.intervals import BOOTSTRAP, CLOPPER_PEARSON
from bench.results.thresholds.points import OperatingPoint
from bench.results.thresholds.transfer import RATES, Transfer, TransferMatrix
from bench.store.schema import CLEAN

TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "real_accuracy": "real accuracy",
    "generated_accuracy": "generated accuracy (TPR)",
    "fpr": "realised FPR",
}
COUNTS = ("held out", "real", "generated", "unreadable")
FITTED_ON = "fitted on \\ measured on"
NUMBERS = {"value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "seeds_sd": pl.Float64, "reason": pl.String}
POINTS = {
    **dict.fromkeys(("detector", "condition", "generator", "rule", "metric"), pl.String),
    **NUMBERS,
    "interval": pl.String,
    "expected_fpr": pl.Float64,
    **dict.fromkeys(("n_held_out", "n_real", "n_generated", "n_unreadable"), pl.Int64),
}
TRANSFERS = {
    **dict.fromkeys(("detector", "rule", "fitted_on", "measured_on", "metric"), pl.String),
    **NUMBERS,
    "interval": pl.String,
    **dict.fromkeys(("n_held_out", "n_real", "n_generated"), pl.Int64),
}


def threshold_frame(points: Sequence[OperatingPoint]) -> pl.DataFrame:
    """Makes one row for each operating point and metric; the threshold is one of them."""
    rows = [
        {
            "detector": point.detector,
            "condition": point.condition,
            "generator": point.generator,
            "rule": point.rule,
            "metric": metric,
            **_fields(number),
            "interval": _kind(number, point.fpr_interval if metric == "fpr" else BOOTSTRAP),
            "expected_fpr": point.expected_fpr,
            "n_held_out": point.n_held_out,
            "n_real": point.n_real,
            "n_generated": point.n_generated,
            "n_unreadable": point.n_unreadable,
        }
        for point in points
        for metric, number in {"threshold": point.threshold, **point.numbers}.items()
    ]
    return pl.DataFrame(rows, schema=POINTS)


def threshold_table(points: Sequence[OperatingPoint], title: str = "Thresholds") -> Table:
    """Makes a table for a terminal; of a rule that was refused the notes tell."""
    header, cells = _points_as_text(points)
    return make_table(title, header, cells, header.index(COUNTS[0]))


def threshold_markdown(points: Sequence[OperatingPoint]) -> str:
    """Writes a table as Markdown."""
    return "\n".join(markdown_table(*_points_as_text(points))) + "\n"


def threshold_notes(points: Sequence[OperatingPoint], where: str = "") -> list[str]:
    """Says what a reader must know of these rules, one sentence each, and why a number is missing.

    Args:
        points: The operating points of one data set.
        where: Begins the sentences that are about these points alone, such as ``"imagenet: "``.
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


def transfer_frame(matrices: Sequence[TransferMatrix]) -> pl.DataFrame:
    """Makes one row for each detector, pair of cells and rate."""
    rows = [
        {
            "detector": matrix.detector,
            "rule": matrix.rule,
            "fitted_on": entry.fitted_on,
            "measured_on": entry.measured_on,
            "metric": rate,
            **_fields(_rate(entry, rate)),
            "interval": _kind(_rate(entry, rate), entry.fpr_interval if rate == "fpr" else BOOTSTRAP),
            "n_held_out": entry.n_held_out,
            "n_real": entry.n_real,
            "n_generated": entry.n_generated,
        }
        for matrix in matrices
        for entry in matrix.entries.values()
        for rate in RATES
    ]
    return pl.DataFrame(rows, schema=TRANSFERS)


def transfer_tables(matrix: TransferMatrix) -> list[Table]:
    """Makes two tables for a terminal: the realised FPR, and the TPR."""
    return [make_table(transfer_title(matrix, rate), *_matrix_as_text(matrix, rate), named=1) for rate in RATES]


def transfer_markdown(matrix: TransferMatrix) -> str:
    """Writes both tables as Markdown, each under its title."""
    lines = []
    for rate in RATES:
        header, rows = _matrix_as_text(matrix, rate)
        lines += [f"{transfer_title(matrix, rate)}:", "", *markdown_table(header, rows), ""]
    return "\n".join(lines)


def transfer_title(matrix: TransferMatrix, rate: str) -> str:
    """Says what a table of a matrix shows."""
    return f"{matrix.detector}, {matrix.rule}: realised {rate.upper()}, mean over generators"


def transfer_notes(matrices: Sequence[TransferMatrix]) -> list[str]:
    """Says what a reader must know of transfer matrices, and why an entry is missing."""
    if not matrices:
        return []
    notes = [
        "Transfer: each row fits its threshold to held-out real groups, each column measures on the other half, on the "
        "diagonal too. Within a data set whose generators face the same real images it says nothing across generators."
    ]
    return notes + [note for matrix in matrices for note in _gaps(matrix)]


def _gaps(matrix: TransferMatrix) -> list[str]:
    """Says why entries are missing, once for a row that is missing whole."""
    notes = []
    for source in matrix.names:
        reasons = {target: matrix.entries[source, target].reason for target in matrix.names}
        whole = len(set(reasons.values())) == 1
        for target, reason in list(reasons.items())[: 1 if whole else None]:
            where = f"fitted on {source}" if whole else f"fitted on {source}, measured on {target}"
            notes += [f"{matrix.detector}, {matrix.rule}, {where}: n/a, {reason}."] if reason else []
    return notes


def _points_as_text(points: Sequence[OperatingPoint]) -> tuple[list[str], list[list[str]]]:
    has_conditions = any(point.condition != CLEAN for point in points)
    names = ["detector", "condition"] if has_conditions else ["detector"]
    header = [*names, "rule", "generator", *COUNTS, "threshold", *TITLES.values()]
    cells = []
    for point in points:
        if point.refused:
            continue
        own = [point.detector, point.condition] if has_conditions else [point.detector]
        counts = map(str, (point.n_held_out, point.n_real, point.n_generated, point.n_unreadable))
        shares = (cell(point.numbers[metric]) for metric in TITLES)
        cells.append([*own, point.rule, point.generator, *counts, _threshold_cell(point.threshold), *shares])
    return header, cells


def _matrix_as_text(matrix: TransferMatrix, rate: str) -> tuple[list[str], list[list[str]]]:
    rows = [
        [source, *(cell(_rate(matrix.entries[source, target], rate)) for target in matrix.names)]
        for source in matrix.names
    ]
    return [FITTED_ON, *matrix.names], rows


def _threshold_cell(number: Number) -> str:
    """Writes a threshold in significant digits: scores have any scale."""
    if math.isnan(number.value):
        return "n/a"
    text = f"{number.value:.4g}"
    if number.seeds_sd is not None:
        text += f" ±{number.seeds_sd:.2g}"
    return text if number.interval is None else f"{text} [{number.interval.low:.4g}, {number.interval.high:.4g}]"


def _expectations(points: Sequence[OperatingPoint]) -> list[str]:
    found = {(point.rule, point.n_held_out, point.expected_fpr) for point in points if point.expected_fpr is not None}
    return [
        f"{rule} from {n} held-out images is expected to realise {100 * expected:.2f} % on further real images: "
        f"the rule counts the held-out ones alone."
        for rule, n, expected in sorted(found)
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


def _fields(number: Number) -> dict[str, float | str | None]:
    return {
        "value": None if math.isnan(number.value) else number.value,
        "low": number.interval.low if number.interval else None,
        "high": number.interval.high if number.interval else None,
        "seeds_sd": number.seeds_sd,
        "reason": number.reason,
    }


def _kind(number: Number, kind: str) -> str | None:
    return kind if number.interval else None


def _rate(entry: Transfer, rate: str) -> Number:
    return entry.fpr if rate == "fpr" else entry.tpr
