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

    Cues are, by condition, a row for each readable image with its ``path`` (`bench.scoring.cues`); degradations are
    best left out, as they are done to both classes by us.
    """
    result = AgainstCues()
    for condition, table in cues.items():
        if condition in panel.contrasts:
            _add_condition(result, panel, condition, table)
    return result


def _add_condition(result: AgainstCues, panel: Panel, condition: str, cues: pl.DataFrame) -> None:
    labels = [detector for detector, where in panel.cells if where == condition]
    readable, lost = np.zeros((2, len(panel.images)), dtype=np.bool_)
    for label in labels:
        seeds = panel.seeds(label, condition)
        present, finite = panel.present[seeds], np.isfinite(panel.scores[seeds])
        readable |= (present & finite).all(axis=0)
        lost |= (present & ~finite).any(axis=0)
    images = panel.images.with_row_index("image").filter(pl.Series(readable & ~lost))
    usable = images.join(cues.drop("label", "generator", "group", strict=False), on="path", maintain_order="left")
    targets: dict[str, tuple[list[CueResult], list[NDArray[np.intp]]]] = {}
    for rule in panel.contrasts[condition]:
        cue = audit(usable, rule, worst_only=True).worst["all"]
        if cue.contrasts:
            targets[rule.generator] = [cue], [usable.filter(rule.expression()).sort("path")["image"].to_numpy()]
            result.names[condition, rule.generator] = cue.detail
    if len(targets) > 1:
        targets[MEAN] = [worst[0] for worst, _ in targets.values()], [rows[0] for _, rows in targets.values()]
    result.rows.extend(_row(condition, target, *of_target, panel.labels) for target, of_target in targets.items())
    for label in labels:
        for target, (worst, rows) in targets.items():
            detector = _influence(panel, panel.seeds(label, condition), rows)
            if detector is not None:
                test = paired_test(detector, influence_of(worst))
                verdict = NOT_SEPARATED if test.p >= SIGNIFICANT else ABOVE if test.difference > 0 else BELOW
                result.verdicts[label, condition, target] = verdict


def _influence(panel: Panel, seeds: Sequence[int], images: Sequence[NDArray[np.intp]]) -> InfluenceValues | None:
    """Takes a detector's scores of the images that have cues; none where it lacks a class of a generator."""
    groups = codes_of(panel.images["group"])
    influences = []
    for scores in panel.scores[seeds]:
        scored = [rows[np.isfinite(scores[rows])] for rows in images]
        if any(len(set(panel.labels[rows])) < 2 for rows in scored):
            return None
        contrasts = [Contrast(panel.labels[rows], scores[rows], groups[rows]) for rows in scored]
        influences.append(auroc_influence(contrasts))
    return mean_over_seeds(influences)


def _row(
    condition: str, target: str, cues: Sequence[CueResult], rows: Sequence[NDArray[np.intp]], labels: NDArray[np.int64]
) -> Row:
    """Makes a row of the worst cue of a generator, or of the mean over several."""
    value = float(np.mean([cue.auroc for cue in cues]))
    if len(cues) == 1:
        number = Number(value, cues[0].interval, reason=cues[0].reason)
    elif all(cue.interval is not None for cue in cues):
        number = Number(value, auroc_interval(influence_of(cues)))
    else:
        number = Number(value, reason="a generator has too few groups")
    n_real, n_generated = np.bincount(labels[np.unique(np.concatenate(rows))], minlength=2).tolist()
    return Row(WORST_CUE, condition, target, n_real, n_generated, 0, {"auroc": number})
