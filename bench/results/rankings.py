"""The rank of every detector under each condition."""

from collections.abc import Collection

from bench.results.summary import MEAN, Summary
from bench.statistics.ranking import Ranking, rank_detectors


def rankings_of(summary: Summary, left_out: Collection[tuple[str, str]] = ()) -> dict[str, Ranking]:
    """Ranks the detectors of each condition by their mean AUROC, or that of the only generator.

    Args:
        summary: The numbers.
        left_out: Detectors and conditions that are not compared, since they lack images.
    """
    labels: dict[str, dict[str, None]] = {}
    targets: dict[str, str] = {}
    for row in summary.rows:
        if (row.detector, row.condition) not in left_out:
            labels.setdefault(row.condition, {})[row.detector] = None
            if row.generator == MEAN or row.condition not in targets:
                targets[row.condition] = row.generator
    return {
        condition: rank_detectors(
            {label: summary.influences.get((label, condition), {}) for label in detectors}, targets[condition]
        )
        for condition, detectors in labels.items()
    }
