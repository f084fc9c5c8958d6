"""What each condition changes for each detector, side by side: a heat map of the changes against the clean images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.results.comparison import Comparison
from bench.results.robustness import chain_of
from bench.results.summary import Change
from bench.scoring.attacks.condition import Attack
from datamodules.degradations import CLASSES

LEAST = 0.05
"""The least change that has the full colour."""


@dataclass(frozen=True)
class HeatMap:
    """The changes of a comparison, by condition and detector.

    Args:
        detectors: In the order of their tables.
        conditions: Those of both classes first, then those of one class.
        changes: By detector and condition; a detector may lack a condition.
    """

    detectors: tuple[str, ...]
    conditions: tuple[str, ...]
    changes: Mapping[tuple[str, str], Change]

    @property
    def parts(self) -> dict[bool, tuple[str, ...]]:
        """The conditions that treat both classes (False), and those that treat one alone (True)."""
        parts: dict[bool, list[str]] = {}
        for condition in self.conditions:
            parts.setdefault(degraded(condition) != "both", []).append(condition)
        return {alone: tuple(conditions) for alone, conditions in parts.items()}

    def strength(self, change: Change) -> float:
        """Returns the change as a share of the largest one, from -1 to 1; 0 where there is none.

        The largest is that of the conditions that treat both classes, where there are any, as evasion changes more; it
        counts as 0.05 at least, so that a map of small changes does not look like one of large ones.
        """
        measure = next(iter(self.parts.values()), ())
        values = [abs(other.auroc.value) for (_, name), other in self.changes.items() if name in measure]
        largest = max([LEAST, *(value for value in values if not math.isnan(value))])
        value = change.auroc.value
        return 0.0 if math.isnan(value) else min(max(value / largest, -1.0), 1.0)


def heat_map_of(comparison: Comparison) -> HeatMap | None:
    """Arranges the changes of a comparison; None where nothing was done to the images."""
    changes = {(change.detector, change.condition): change for change in comparison.summary.changes}
    conditions = [name for name in comparison.conditions if any(where == name for _, where in changes)]
    if not conditions:
        return None
    conditions.sort(key=lambda name: degraded(name) != "both")
    detectors = [name for name in comparison.labels if any(label == name for label, _ in changes)]
    return HeatMap(tuple(detectors), tuple(conditions), changes)


def degraded(condition: str) -> str:
    """Says which class a condition treats; one alone asks how scores can be evaded. A matching treats both.

    Returns:
        ``both``, ``real``, ``generated``, or ``unevenly`` where it treats the two in different ways.

    Examples:
        >>> degraded("jpeg:75"), degraded("noise:0.1@generated"), degraded("dda"), degraded("unbiased:200x200")
        ('both', 'generated', 'generated', 'both')
    """
    chain = chain_of(condition)
    if chain is None or chain.even:
        return "both"
    if isinstance(chain, Attack):
        return "generated"
    classes = chain.classes & frozenset().union(*(step.classes for step in chain.steps))
    return next((name for name, labels in CLASSES.items() if labels == classes), "unevenly")
