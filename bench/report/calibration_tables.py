"""Calibration as tables: for a terminal, Markdown and CSV."""

import math
from collections.abc import Mapping, Sequence

import polars as pl

from bench.report.tables import cell
from bench.results.thresholds.calibration import BINS, Calibration

HEADER = ("data set", "detector", "condition", "generator", "ECE, equal widths", "ECE, equal numbers", "Brier score")
NOTE = (
    f"ECE: expected calibration error over {BINS} bins, of equal widths and of equal numbers of images; in brackets "
    "what chance alone would give if the probabilities were right. Both classes count as they are in the data."
)
_MEASURES = ("ece_width", "ece_mass", "brier")


def calibration_cells(found: Mapping[str, Sequence[Calibration]]) -> list[list[str]]:
    """Returns a row of text for each data set, detector, condition and generator, under ``HEADER``."""
    return [
        [title, one.detector, one.condition, one.generator, *(_cell(one, measure) for measure in _MEASURES)]
        for title, of in found.items()
        for one in of
    ]


def calibration_frame(found: Mapping[str, Sequence[Calibration]]) -> pl.DataFrame:
    """Makes a row for each data set, detector, condition, generator and measure."""
    strings = ("dataset", "detector", "condition", "generator", "measure", "reason")
    numbers = ("value", "low", "high", "if_calibrated", "miscalibration", "discrimination", "uncertainty")
    rows = [
        {
            "dataset": title,
            "detector": one.detector,
            "condition": one.condition,
            "generator": one.generator,
            "measure": measure,
            "value": None if math.isnan(number.value) else number.value,
            "low": number.interval.low if number.interval else None,
            "high": number.interval.high if number.interval else None,
            "if_calibrated": one.if_calibrated.get(measure),
            **_parts(one, measure),
            "reason": number.reason,
        }
        for title, of in found.items()
        for one in of
        for measure, number in one.numbers.items()
    ]
    return pl.DataFrame(rows, schema={**dict.fromkeys(strings, pl.String), **dict.fromkeys(numbers, pl.Float64)})


def _cell(one: Calibration, measure: str) -> str:
    chance = one.if_calibrated.get(measure)
    return cell(one.numbers[measure]) + ("" if chance is None or math.isnan(chance) else f" ({chance:.4f})")


def _parts(one: Calibration, measure: str) -> dict[str, float | None]:
    parts = one.decomposition if measure == "brier" else None
    names = ("miscalibration", "discrimination", "uncertainty")
    return {name: None if parts is None else getattr(parts, name) for name in names}
