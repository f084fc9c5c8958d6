"""The numbers of a comparison for loggers, named as the test loop names its metrics."""

import math
from collections.abc import Sequence

from bench.results.summary import MEAN, Row, Summary
from bench.scoring.logged_names import logged_name
from bench.statistics.metrics import shown_metrics
from bench.statistics.number import Number


def comparison_numbers(summary: Summary) -> dict[str, float]:
    """Returns means over generators, and what each condition changes of the AUROC, with the ends of their intervals.

    What is not defined is left out.

    Examples:
        >>> comparison_numbers(Summary([Row("rigid", "jpeg:75", "mean", 9, 9, 0, {"auroc": Number(0.75)})], []))
        {'rigid/jpeg:75/mean/auroc': 0.75}
    """
    cells = [(row.detector, row.condition, with_ends(row)) for row in summary.means]
    cells += [
        (
            change.detector,
            change.condition,
            change.auroc.columns("auroc_change") | {"auroc_change_p_adjusted": change.p_adjusted},
        )
        for change in summary.changes
    ]
    return {
        logged_name(detector, condition, MEAN, name): value
        for detector, condition, values in cells
        for name, value in values.items()
        if value is not None
    }


def with_ends(row: Row, metrics: Sequence[str] = ()) -> dict[str, float | None]:
    """Returns metrics, by default all, with their intervals' ends and spreads over seeds; None where there is none."""
    cells: dict[str, float | None] = {}
    for metric in metrics or shown_metrics():
        number = row.numbers.get(metric, Number(math.nan))
        cells |= number.columns(metric) | {f"{metric}_seeds_sd": number.seeds_sd}
    return cells
