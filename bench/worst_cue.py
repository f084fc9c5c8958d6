"""How the detectors stand against the worst trivial cue: file ending, JPEG quality, size, brightness, ...

A detector that cannot be told from such a cue may have measured nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from bench.audit import CueResult, audit, influence_of
from bench.cue_table import cues_of
from bench.influence import Contrast, InfluenceValues, auroc_influence, auroc_interval, mean_over_seeds, paired_test
from bench.scoring import CLEAN, OK, Scoring
from bench.summary import MEAN, Number, Row
from bench.treatments import Assignment
from datamodules import DetectionDataModule
from datamodules.conditions import Reencoded, Unified

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


def compare_with_cues(
    rows: pl.DataFrame,
    scorings: Sequence[Scoring],
    assignments: Sequence[Assignment],
    datamodule: DetectionDataModule,
    output: Path,
) -> AgainstCues:
    """Audits the clean and the matched images, and tests every detector against the worst cue of each generator.

    Args:
        rows: Rows of the store, with ``scoring``.
        scorings: The scorings by position.
        assignments: The conditions; degradations are left out, as they are done to both classes by us.
        datamodule: The dataset, set up.
        output: The results' folder, where cues are kept.
    """
    result = AgainstCues()
    for assignment in assignments:
        treatment = assignment.treatment
        if treatment.name != CLEAN and not isinstance(treatment, Reencoded | Unified):
            continue
        cues = cues_of(datamodule, output, treatment)
        condition = [i for i, scoring in enumerate(scorings) if scoring.condition == treatment.name]
        _add_condition(result, rows, scorings, condition, assignment, cues)
    return result


def _add_condition(
    result: AgainstCues,
    rows: pl.DataFrame,
    scorings: Sequence[Scoring],
    positions: Sequence[int],
    assignment: Assignment,
    cues: pl.DataFrame,
) -> None:
    condition = assignment.treatment.name
    scored = rows.filter(pl.col("scoring").is_in(list(positions)))
    lost = scored.filter(pl.col("status") != OK)["path"].unique()
    usable = cues.filter(
        pl.col("path").is_in(scored["path"].unique().to_list()) & ~pl.col("path").is_in(lost.to_list())
    )
    worst: dict[str, CueResult] = {}
    images: dict[str, pl.DataFrame] = {}
    for rule in assignment.contrasts:
        facts = (usable["label"].to_numpy(), usable["generator"].to_list(), usable["path"].to_list())
        (one,) = audit(usable.filter(pl.Series(rule.applies(*facts))), {rule.generator: rule.reals}, combine=False)
        if one.worst["all"].contrasts:
            worst[rule.generator], images[rule.generator] = one.worst["all"], one.images
            result.names[condition, rule.generator] = one.worst["all"].detail
    if not worst:
        return
    result.rows.extend(_cue_rows(condition, worst, images))
    labels = dict.fromkeys(scorings[position].detector for position in positions)
    for label in labels:
        seeds = [position for position in positions if scorings[position].detector == label]
        for generators in _sets(worst):
            detector = _influence(rows, seeds, [images[name] for name in generators])
            test = paired_test(detector, influence_of([worst[name] for name in generators]))
            verdict = NOT_SEPARATED if test.p >= SIGNIFICANT else ABOVE if test.difference > 0 else BELOW
            result.verdicts[label, condition, generators[0] if len(generators) == 1 else MEAN] = verdict


def _sets(worst: Mapping[str, CueResult]) -> list[list[str]]:
    """Returns each generator alone, and all of them for their mean."""
    return [[name] for name in worst] + ([list(worst)] if len(worst) > 1 else [])


def _influence(rows: pl.DataFrame, seeds: Sequence[int], images: Sequence[pl.DataFrame]) -> InfluenceValues:
    each = []
    for position in seeds:
        scores = rows.filter(pl.col("scoring") == position).select("path", "score")
        tables = [table.join(scores, on="path", maintain_order="left") for table in images]
        each.append(
            auroc_influence(
                [Contrast(t["label"].to_list(), t["score"].to_numpy(), t["group"].to_list()) for t in tables]
            )
        )
    return mean_over_seeds(each)


def _cue_rows(condition: str, worst: Mapping[str, CueResult], images: Mapping[str, pl.DataFrame]) -> list[Row]:
    rows = []
    for generator, cue in worst.items():
        labels = images[generator]["label"].to_numpy()
        number = Number(cue.auroc, cue.interval, reason=cue.reason)
        rows.append(_row(condition, generator, labels, number))
    if len(worst) > 1:
        everyone = pl.concat(images.values()).unique("path")["label"].to_numpy()
        value = float(np.mean([cue.auroc for cue in worst.values()]))
        enough = all(cue.interval is not None for cue in worst.values())
        interval = auroc_interval(influence_of(list(worst.values()))) if enough else None
        reason = None if enough else "a generator has too few groups"
        rows.append(_row(condition, MEAN, everyone, Number(value, interval, reason=reason)))
    return rows


def _row(condition: str, generator: str, labels: np.ndarray, number: Number) -> Row:
    n_real = int((labels == 0).sum())
    return Row(WORST_CUE, condition, generator, n_real, len(labels) - n_real, 0, {"auroc": number})
