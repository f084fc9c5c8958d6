"""How the detectors stand against the worst trivial cue: file ending, JPEG quality, size, brightness, ...

A detector that cannot be told from such a cue may have measured nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.cues.audit import CueResult, audit, influence_of
from bench.results.summary import MEAN, Row
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence, mean_over_seeds
from bench.statistics.intervals import auroc_interval, paired_test
from bench.statistics.names import codes_of
from bench.statistics.number import Number
from bench.store.panel import Panel

WORST_CUE = "(worst cue)"
ABOVE, BELOW, NOT_SEPARATED = "above", "below", "not separated"
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class AgainstCues:
    """The worst cue of every generator, and what a paired test says of each detector against it.

    Args:
        rows: The worst cue as rows of the table.
        verdicts: ``above``, ``below`` or ``not separated`` by (detector, condition, generator).
        names: Which cue it was, by (condition, generator).
    """

    rows: list[Row] = field(default_factory=list)
    verdicts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)


def compare_with_cues(panel: Panel, cues: Mapping[str, pl.DataFrame]) -> AgainstCues:
    """Audits images under each condition, and tests every detector against the worst cue of each generator.

    Args:
        panel: The scores.
        cues: By condition, a row of cues for each readable image with its ``path``, from
            `bench.scoring.cues.cues_of` or `bench.scoring.cues.read_cues`; degradations are best left out, as they
            are done to both classes by us.
    """
    result = AgainstCues()
    for condition, table in cues.items():
        if condition in panel.contrasts:
            _add_condition(result, panel, condition, table)
    return result


def _add_condition(result: AgainstCues, panel: Panel, condition: str, cues: pl.DataFrame) -> None:
    labels = [detector for detector, where in panel.cells if where == condition]
    wholes = {label: panel.part(label, condition) for label in labels}
    readable = np.zeros(len(panel.images), dtype=np.bool_)
    for whole in wholes.values():
        readable[whole.rows] = True
    lost = np.zeros_like(readable)
    for label in labels:
        seeds = panel.seeds(label, condition)
        lost |= (panel.present[seeds] & ~np.isfinite(panel.scores[seeds])).any(axis=0)
    images = panel.images.with_row_index("image").filter(pl.Series(readable & ~lost))
    usable = images.join(cues.drop("label", "generator", "group", strict=False), on="path", maintain_order="left")
    worst: dict[str, CueResult] = {}
    rows: dict[str, NDArray[np.intp]] = {}
    for rule in panel.contrasts[condition]:
        (one,) = audit(usable.filter(rule.expression()), {rule.generator: rule.reals}, worst_only=True)
        if one.worst["all"].contrasts:
            worst[rule.generator] = one.worst["all"]
            rows[rule.generator] = one.images.join(images, on="path", maintain_order="left")["image"].to_numpy()
            result.names[condition, rule.generator] = one.worst["all"].detail
    if not worst:
        return
    result.rows.extend(_cue_rows(condition, worst, rows, panel.labels))
    for label in labels:
        for generators in _sets(worst):
            detector = _influence(panel, panel.seeds(label, condition), [rows[name] for name in generators])
            if detector is None:
                continue
            test = paired_test(detector, influence_of([worst[name] for name in generators]))
            verdict = NOT_SEPARATED if test.p >= SIGNIFICANT else ABOVE if test.difference > 0 else BELOW
            result.verdicts[label, condition, generators[0] if len(generators) == 1 else MEAN] = verdict


def _sets(worst: Mapping[str, CueResult]) -> list[list[str]]:
    """Returns each generator alone, and all of them for their mean."""
    return [[name] for name in worst] + ([list(worst)] if len(worst) > 1 else [])


def _influence(panel: Panel, seeds: Sequence[int], images: Sequence[NDArray[np.intp]]) -> InfluenceValues | None:
    """Takes a detector's scores of the images that have cues; none where it lacks a class of a generator."""
    groups = codes_of(panel.images["group"])
    each = []
    for position in seeds:
        scored = [rows[np.isfinite(panel.scores[position, rows])] for rows in images]
        if any(len(set(panel.labels[rows])) < 2 for rows in scored):
            return None
        each.append(
            auroc_influence(
                [Contrast(panel.labels[rows], panel.scores[position, rows], groups[rows]) for rows in scored]
            )
        )
    return mean_over_seeds(each)


def _cue_rows(
    condition: str, worst: Mapping[str, CueResult], images: Mapping[str, NDArray[np.intp]], labels: NDArray[np.int64]
) -> list[Row]:
    rows = []
    for generator, cue in worst.items():
        number = Number(cue.auroc, cue.interval, reason=cue.reason)
        rows.append(_row(condition, generator, labels[images[generator]], number))
    if len(worst) > 1:
        everyone = labels[np.unique(np.concatenate(list(images.values())))]
        value = float(np.mean([cue.auroc for cue in worst.values()]))
        enough = all(cue.interval is not None for cue in worst.values())
        interval = auroc_interval(influence_of(list(worst.values()))) if enough else None
        reason = None if enough else "a generator has too few groups"
        rows.append(_row(condition, MEAN, everyone, Number(value, interval, reason=reason)))
    return rows


def _row(condition: str, generator: str, labels: NDArray[np.int64], number: Number) -> Row:
    n_real = int((labels == 0).sum())
    return Row(WORST_CUE, condition, generator, n_real, len(labels) - n_real, 0, {"auroc": number})
