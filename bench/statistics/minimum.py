"""The least of several true AUROCs, whichever it is.

The least of several measured AUROCs is too low as a rule, as it was picked for being low. Its own interval says nothing
of that, so there is one of the least *true* AUROC: from the lowest of the lower ends at 95 % to the lowest of the upper
ends at ``1 - 0.05 / k``, over ``k`` of them. The true least lies above the lowest lower end wherever its own interval
holds there, and below every upper end wherever all hold there; so it is in the interval in at least 95 % of data sets,
however the AUROCs depend on each other.
"""

from collections.abc import Sequence

from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues
from bench.statistics.intervals import auroc_interval


def minimum_interval(influences: Sequence[InfluenceValues], level: float = 0.95) -> Interval:
    """Computes an interval of the least of several true AUROCs.

    Raises:
        ValueError: If there are none.
    """
    if not influences:
        raise ValueError("Expected at least one AUROC, got none.")
    strict = 1 - (1 - level) / len(influences)
    low = min(auroc_interval(influence, level).low for influence in influences)
    return Interval(low, min(auroc_interval(influence, strict).high for influence in influences))
