"""The curves that loggers draw, as lines."""

import math
from collections.abc import Iterator

from bench.report.html.roc import RocCurve, mean_roc_curve
from bench.results.comparison import Comparison
from bench.results.robustness import Curve
from bench.store.schema import CLEAN

Line = list[tuple[float, float]]


def roc_lines(comparison: Comparison) -> Iterator[tuple[str, dict[str, Line]]]:
    """Yields each condition with its ROC curves by detector, means over generators and seeds, from (0, 0) on."""
    for condition in comparison.conditions:
        curves = {
            detector: mean_roc_curve(comparison.panel, detector, condition, band=False)
            for detector in comparison.labels
            if (detector, condition) in comparison.panel.cells
        }
        lines = {
            detector: [(0.0, 0.0), *zip(curve.fpr.tolist(), curve.tpr.tolist(), strict=True)]
            for detector, curve in curves.items()
            if isinstance(curve, RocCurve)
        }
        if lines:
            yield condition, lines


def robustness_lines(curve: Curve) -> Iterator[tuple[str, Line]]:
    """Yields a line for each detector and, where clean images have no level, a flat one for those."""
    for detector, points in curve.points.items():
        line = [(level, row.numbers["auroc"].value) for level, row in points]
        yield detector, [(level, value) for level, value in line if not math.isnan(value)]
        clean = curve.clean_without_level(detector)
        if clean is not None and not math.isnan(clean.numbers["auroc"].value):
            yield f"{detector}, {CLEAN}", [(level, clean.numbers["auroc"].value) for level, _ in line]
