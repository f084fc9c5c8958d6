"""Which generators a trained detector has seen: their images were among those that its weights were trained on.

A detector without training has no such generators and gets no mark. Of a trained one every generator is ``seen`` or
``unseen``, or ``not known`` where nobody says what its weights were trained on.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from bench.report.tables import cell
from bench.results.estimates import Estimate
from bench.results.numbers import ALL, MEAN, Number, Row, Summary
from bench.statistics.influence import InfluenceValues, combined
from bench.store.schema import CLEAN
from datamodules.generator_names import canonical_name

SEEN, UNSEEN, NOT_KNOWN = "seen", "unseen", "not known"
TRAINED_ON = "trained_on"
"""The fact that a run keeps of a trained detector: names of generators, none where they are not known."""


def trained_on(facts: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Puts together what the members of an ensemble were trained on.

    Args:
        facts: Of each member, as a run keeps them.

    Returns:
        The generators' names, ``not known`` among them where one member's are not known; None where no member is
        trained.
    """
    told = [one[TRAINED_ON] for one in facts if TRAINED_ON in one]
    if not told:
        return None
    return sorted({name for names in told for name in (names or [NOT_KNOWN])})


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
    return {one: SEEN if canonical_name(one) in names else rest for one in generators if one not in (MEAN, ALL)}


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
    each = [rows[name].numbers["auroc"] for name in names]
    seeds = np.mean([one.seeds for one in each], axis=0)
    lacking = next((name for name in names if name not in influences), None)
    if lacking is not None:
        return Estimate(seeds, f"no interval for {lacking}").number("auroc")
    return Estimate(seeds, influence=combined([influences[name] for name in names])).number("auroc")


def unseen_note(detector: str, marks: Mapping[str, str], mean: Number) -> str:
    """Writes a mean over unseen generators as a sentence."""
    seen = ", ".join(name for name, mark in marks.items() if mark == SEEN)
    count = sum(mark == UNSEEN for mark in marks.values())
    where, what = (f"over the {count} generators", "mean AUROC") if count > 1 else ("on the one generator", "AUROC")
    return f"{detector} was trained on images of {seen}; {where} that it has not seen its {what} is {cell(mean)}."


def unseen_notes(summary: Summary, marks: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Writes the means of a comparison's trained detectors over what they have not seen, a sentence each.

    Args:
        summary: The comparison's numbers.
        marks: From :func:`marks_of`, by detector.
    """
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in summary.rows:
        found.setdefault((row.detector, row.condition), {})[row.generator] = row
    notes = []
    for (detector, condition), rows in found.items():
        own = marks.get(detector, {})
        mean = unseen_mean(own, rows, summary.influences.get((detector, condition), {}))
        where = "" if condition == CLEAN else f"{condition}: "
        notes += [where + unseen_note(detector, own, mean)] if mean else []
    return notes
