"""Operating points, transfer matrices and calibration as records: the rows of CSV files and of ``--json``."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from bench.report.table import columns_of
from bench.results.thresholds.points import OperatingPoint
from bench.results.thresholds.shares import BOOTSTRAP, CLOPPER_PEARSON
from bench.results.thresholds.study import LOW_RATES, RATES, ThresholdStudy, TransferMatrix
from bench.statistics.number import Number

COUNTS = {"n_held_out": "held out", "n_real": "real", "n_generated": "generated", "n_unreadable": "unreadable"}
RANGE = ("expected_fpr_low", "expected_fpr_high")
PARTS = dict.fromkeys(("miscalibration", "discrimination", "uncertainty"))
POINT_COLUMNS = (
    *("dataset", "detector", "condition", "generator", "rule", "metric", "value", "low", "high", "seeds_sd", "reason"),
    *("interval", "expected_fpr", "n_held_out", "n_real", "n_generated", "n_unreadable"),
    *(*RANGE, "calibrated_with", "prevalence"),
)


def point_records(points: Sequence[OperatingPoint]) -> list[dict[str, object]]:
    """Makes a record for each operating point and metric; the threshold is one of them, and each precision."""
    return [
        {
            **columns_of(point, "detector", "condition", "generator", "rule"),
            "metric": metric,
            **_columns(number, kind),
            **columns_of(point, "expected_fpr", *COUNTS),
            **dict(zip(RANGE, point.expected_range or (None, None), strict=True)),
            "calibrated_with": point.calibrated_with,
            "prevalence": prevalence,
        }
        for point in points
        for metric, prevalence, number, kind in _numbers(point)
    ]


def _numbers(point: OperatingPoint) -> Iterator[tuple[str, float | None, Number, str]]:
    for metric, number in {"threshold": point.threshold, **point.numbers}.items():
        yield metric, None, number, point.fpr_interval if metric == "fpr" else BOOTSTRAP
    for prevalence, number in point.precisions.items():
        bound = math.isnan(number.value) and number.interval is not None
        yield "precision", prevalence, number, CLOPPER_PEARSON if bound else BOOTSTRAP


def low_rate_records(study: ThresholdStudy) -> list[dict[str, object]]:
    """Makes a record for each data set, detector, condition, generator and metric that needs no threshold."""
    return [
        {
            "dataset": title,
            **columns_of(row, "detector", "condition", "generator"),
            "rule": None,
            "metric": metric,
            **_columns(row.numbers[metric], BOOTSTRAP),
            "reason": row.numbers[metric].remark,
            "expected_fpr": None,
            "n_held_out": None,
            **row.counts,
            **dict.fromkeys((*RANGE, "calibrated_with", "prevalence")),
        }
        for title, rows in study.low_rates.items()
        for row in rows
        for metric in LOW_RATES
    ]


def all_records(study: ThresholdStudy) -> list[dict[str, object]]:
    """Makes the rows of ``thresholds.csv``: those of operating points, then those that need no threshold."""
    return [*operating_records(study), *low_rate_records(study)]


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


def operating_records(study: ThresholdStudy) -> list[dict[str, object]]:
    """Makes the records of every data set's operating points."""
    return [{"dataset": title, **record} for title, points in study.points.items() for record in point_records(points)]


def _columns(number: Number, kind: str) -> dict[str, object]:
    more = {"seeds_sd": number.seeds_sd, "reason": number.reason, "interval": kind if number.interval else None}
    return {**number.columns(), **more}
