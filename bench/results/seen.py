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
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.number import Number
from bench.store.facts import NOT_KNOWN, TRAINED_ON
from bench.store.findings import Finding
from datamodules.generator_names import canonical_name
from datamodules.items import plain_name

SEEN, UNSEEN = "seen", "unseen"


@dataclass(frozen=True)
class UnseenMean(Finding):
    """The mean AUROC of a trained detector over the generators (``unseen`` is their number) that it has not seen."""

    detector: str
    condition: str
    seen: Sequence[str]
    unseen: int
    auroc: Number


def marks_of(facts: Mapping[str, Any], generators: Collection[str]) -> dict[str, str]:
    """Says of each generator, named as the data set does, whether a detector has seen it, by what a run keeps of it.

    Returns:
        ``seen``, ``unseen`` or ``not known`` by generator, means passed over; nothing for a detector without training.
    """
    if TRAINED_ON not in facts:
        return {}
    names = {canonical_name(name) for name in facts[TRAINED_ON] if name != NOT_KNOWN}
    rest = UNSEEN if names and NOT_KNOWN not in facts[TRAINED_ON] else NOT_KNOWN
    single = [name for name in generators if name not in (MEAN, ALL)]
    return {name: SEEN if canonical_name(plain_name(name)) in names else rest for name in single}


def unseen_mean(
    marks: Mapping[str, str], rows: Mapping[str, Row], influences: Mapping[str, InfluenceValues]
) -> Number | None:
    """Averages the AUROC over the generators that a detector has not seen, by its marks, rows and influence values.

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
    """Averages over unseen generators, for each trained detector (by its facts) under each condition, or one alone."""
    means = []
    for (detector, where), rows in summary.cells.items():
        whole = [name for name, row in rows.items() if not row.apart]
        marks = marks_of(detectors.get(detector, {}), whole) if condition in (None, where) else {}
        mean = unseen_mean(marks, rows, summary.influences.get((detector, where), {}))
        if mean is not None:
            seen = tuple(name for name, mark in marks.items() if mark == SEEN)
            unseen = sum(mark == UNSEEN for mark in marks.values())
            means.append(UnseenMean(detector, where, seen, unseen, mean))
    return means
