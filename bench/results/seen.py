"""Which generators a trained detector has seen: their images were among those that its weights were trained on.

A detector without training has no such generators and gets no mark. Of a trained one every generator is ``seen`` or
``unseen``, or ``not known`` where nobody says what its weights were trained on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.results.estimates import Estimate
from bench.results.summary import ALL, MEAN, Row, Summary
from bench.scoring.facts import NOT_KNOWN, TRAINED_ON
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.number import Number
from bench.store.findings import Finding
from datamodules.generator_names import canonical_name

SEEN, UNSEEN = "seen", "unseen"


@dataclass(frozen=True)
class UnseenMean(Finding):
    """The mean AUROC of a trained detector over the generators that it has not seen.

    Args:
        detector: Its label.
        condition: What was done to the images.
        seen: The generators that it has seen.
        unseen: Number of those that it has not.
        auroc: The mean over the latter.
    """

    detector: str
    condition: str
    seen: Sequence[str]
    unseen: int
    auroc: Number


def marks_of(facts: Mapping[str, Any], generators: Collection[str]) -> dict[str, str]:
    """Says of each generator whether a detector has seen it.

    Args:
        facts: Of the detector, as a run keeps them.
        generators: Names as the data set writes them; means over several are passed over.

    Returns:
        ``seen``, ``unseen`` or ``not known`` by generator; nothing for a detector without training.
    """
    if TRAINED_ON not in facts:
        return {}
    names = {canonical_name(name) for name in facts[TRAINED_ON] if name != NOT_KNOWN}
    rest = UNSEEN if names and NOT_KNOWN not in facts[TRAINED_ON] else NOT_KNOWN
    return {name: SEEN if canonical_name(name) in names else rest for name in generators if name not in (MEAN, ALL)}


def unseen_mean(
    marks: Mapping[str, str], rows: Mapping[str, Row], influences: Mapping[str, InfluenceValues]
) -> Number | None:
    """Averages the AUROC over the generators that a detector has not seen.

    Args:
        marks: From :func:`marks_of`.
        rows: The detector's numbers by generator.
        influences: Of its AUROC by generator, where there is an interval.

    Returns:
        The mean; None for a detector that has seen no generator, or nothing else.
    """
    names = [name for name, mark in marks.items() if mark == UNSEEN]
    if not names or SEEN not in marks.values():
        return None
    seeds = np.mean([rows[name].numbers["auroc"].seeds for name in names], axis=0)
    lacking = next((name for name in names if name not in influences), None)
    if lacking is not None:
        return Estimate(seeds, f"no interval for {lacking}").number("auroc")
    return Estimate(seeds, influence=combined([influences[name] for name in names])).number("auroc")


def unseen_means(
    summary: Summary, detectors: Mapping[str, Mapping[str, Any]], condition: str | None = None
) -> list[UnseenMean]:
    """Averages over unseen generators, for each trained detector under each condition.

    Args:
        summary: The numbers.
        detectors: Facts of each detector, by label.
        condition: The only condition; all by default.
    """
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for row in summary.rows:
        if condition in (None, row.condition):
            cells.setdefault((row.detector, row.condition), {})[row.generator] = row
    means = []
    for (detector, where), rows in cells.items():
        marks = marks_of(detectors.get(detector, {}), rows)
        mean = unseen_mean(marks, rows, summary.influences.get((detector, where), {}))
        if mean is not None:
            seen = tuple(name for name, mark in marks.items() if mark == SEEN)
            unseen = sum(mark == UNSEEN for mark in marks.values())
            means.append(UnseenMean(detector, where, seen, unseen, mean))
    return means
