"""Comparison studies that measure something else than areas: accuracies under threshold rules, robustness curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.report.plots.robustness import robustness_svg
from bench.report.robustness import figure_file
from bench.results.comparison import Comparison
from bench.results.robustness import robustness_curves
from bench.results.thresholds.points import operating_points
from bench.store.schema import CLEAN
from bench.studies.arms import Arm
from bench.studies.engine import ComparisonStudy
from bench.studies.paper_table import Measured

RULES = ("fpr:1", "fpr:5", "fpr:10", "best")
ACCURACIES = ("accuracy", "balanced_accuracy")


class AccuracyStudy(ComparisonStudy):
    """Accuracies under every named threshold rule; the paper does not say its rule."""

    def measure(self, comparison: Comparison, arms: Mapping[str, Arm]) -> Iterator[Measured]:  # noqa: D102
        for label, arm in arms.items():
            for rule in RULES:
                points = operating_points(comparison.panel, label, CLEAN, rule)
                for point in points:
                    for metric in self.metrics:
                        row = f"{arm.row}, {point.rule}"
                        yield Measured(row, arm, point.generator, CLEAN, metric, point.numbers[metric])


class RobustnessStudy(ComparisonStudy):
    """Mean AUROC over the levels of each degradation."""

    def figures_of(self, comparison: Comparison, arms: Sequence[Arm]) -> dict[str, str]:  # noqa: D102
        names = {arm.detector: arm.row for arm in arms}
        summary = comparison.summary
        rows = [replace(row, detector=names[row.detector]) for row in summary.means]
        curves = robustness_curves(replace(summary, rows=rows))
        which = "" if len(arms) > 1 else f"{arms[0].row.lower()}-"
        files = {curve.kind: figure_file(curve.kind).removesuffix(".svg") for curve in curves}
        return {f"{self.name}-{which}{files[curve.kind]}": robustness_svg(curve) for curve in curves}
