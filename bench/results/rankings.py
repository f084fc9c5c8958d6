"""The rank of every detector under each condition."""

from collections.abc import Collection, Mapping

from bench.results.summary import MEAN, Summary
from bench.statistics.influence import InfluenceValues
from bench.statistics.ranking import Ranking, rank_detectors


def rankings_of(summary: Summary, left_out: Collection[tuple[str, str]] = ()) -> dict[str, Ranking]:
    """Ranks detectors by mean AUROC, or that of the only generator, under each condition; cells left out have none."""
    influences: dict[str, dict[str, Mapping[str, InfluenceValues]]] = {}
    targets: dict[str, str] = {}
    for (detector, condition), rows in summary.cells.items():
        if (detector, condition) not in left_out:
            influences.setdefault(condition, {})[detector] = summary.influences.get((detector, condition), {})
            if MEAN in rows or condition not in targets:
                targets[condition] = MEAN if MEAN in rows else next(iter(rows))
    return {condition: rank_detectors(influences[condition], target) for condition, target in targets.items()}
