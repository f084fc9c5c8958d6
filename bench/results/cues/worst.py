"""How the detectors stand against trivial cues: file ending, JPEG quality, size, brightness, ...

A detector that cannot be told from such a cue may have measured nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.cues.audit import COMBINED, NO_INTERVAL, WORST, features_of, images_of
from bench.results.cues.given import GivenCues, given_cues
from bench.results.cues.opponents import Opponents, mean_opponents, opponents_of, verdict_of
from bench.results.summary import MEAN, Row
from bench.scoring.machine.phases import phase
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence, mean_over_seeds
from bench.statistics.names import codes_of
from bench.statistics.number import Number
from bench.store.contrasts import ContrastRule, averaged
from bench.store.panel import Panel

WORST_CUE, ALL_CUES = "(worst cue)", "(all cues)"
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class AgainstCues:
    """The cues of every generator, and what paired tests say of each detector against them.

    Args:
        rows: The worst cue, and all cues together, as rows of the table.
        verdicts: ``above``, ``below`` or ``not separated`` by (detector, condition, generator), where there are groups
            enough to say.
        names: Which cue is the worst, by (condition, generator).
        given: Each detector's AUROC among images alike in JPEG quality and size.
    """

    rows: list[Row] = field(default_factory=list)
    verdicts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    given: list[GivenCues] = field(default_factory=list)


@phase("Comparing detectors with cues")
def compare_with_cues(panel: Panel, cues: Mapping[str, pl.DataFrame]) -> AgainstCues:
    """Measures the cues under each condition, and tests every detector against those of each generator.

    A detector is tested on the images that it and the cues have; the rows of the cues are on the images that any
    detector has and none failed on. Cues are, by condition, a row for each readable image with its ``path``
    (`bench.scoring.cues`); degradations are best left out, as they are done to both classes by us.
    """
    result = AgainstCues()
    for condition, table in cues.items():
        if condition in panel.contrasts:
            _add_condition(result, panel, condition, table)
    return result


def _add_condition(result: AgainstCues, panel: Panel, condition: str, cues: pl.DataFrame) -> None:
    measured, scored = _Measured(panel, condition, cues), {}
    lost = np.zeros(len(panel.images), dtype=np.bool_)
    for label in (detector for detector, where in panel.cells if where == condition):
        seeds = panel.seeds(label, condition)
        present, finite = panel.present[seeds], np.isfinite(panel.scores[seeds])
        scored[label] = np.logical_and.reduce(present & finite)
        lost |= (present & ~finite).any(axis=0)
    shown = measured.targets(np.logical_or.reduce(list(scored.values())) & ~lost)
    edited = {rule.generator for rule in panel.contrasts[condition] if rule.apart}
    for name, made in ((WORST_CUE, WORST), (ALL_CUES, COMBINED)):
        for target, (opponents, images) in sorted(shown.items(), key=lambda item: item[0] in edited):
            n_real, n_generated = np.bincount(panel.labels[np.unique(np.concatenate(images))], minlength=2).tolist()
            cue = opponents.worst if made == WORST else opponents.together
            number = Number(cue.value, reason=NO_INTERVAL[made])
            counts = (n_real, n_generated, 0)
            result.rows.append(Row(name, condition, target, *counts, {"auroc": number}, target in edited))
    names = {target: " / ".join(opponents.names) for target, (opponents, _) in shown.items() if opponents.names}
    result.names.update({(condition, target): name for target, name in names.items()})
    for label, chosen in scored.items():
        for target, (opponents, images) in measured.targets(chosen).items():
            if opponents.reason is None:
                detector = _influence(panel, panel.seeds(label, condition), images)
                result.verdicts[label, condition, target] = verdict_of(detector, opponents)
        contrasts = {rule.generator: measured.rows(rule, chosen) for rule in panel.contrasts[condition]}
        whole = [rule.generator for rule in averaged(panel.contrasts[condition])]
        result.given.extend(given_cues(panel, label, condition, contrasts, whole))


class _Measured:
    """The cues of a condition's images; those of the same images are measured once for all detectors."""

    def __init__(self, panel: Panel, condition: str, cues: pl.DataFrame) -> None:
        images = panel.images.with_row_index("image")
        table = images.join(cues.drop("label", "generator", "group", strict=False), on="path", maintain_order="left")
        self._tables = {rule: table.filter(rule.expression()) for rule in panel.contrasts[condition]}
        self._kept: dict[tuple[str, bytes], Opponents | None] = {}

    def rows(self, rule: ContrastRule, chosen: Bools) -> pl.DataFrame:
        """Takes a contrast's images among the chosen ones, ``(n,)`` of the panel, with their cues."""
        table = self._tables[rule]
        return table.filter(pl.Series(chosen[table["image"].to_numpy()], dtype=pl.Boolean))

    def targets(self, chosen: Bools) -> dict[str, tuple[Opponents, list[NDArray[np.intp]]]]:
        """Returns what the cues of the chosen images reach by generator, and for their mean, with the images of each.

        Generators with too few images are left out.
        """
        found: dict[str, tuple[Opponents, list[NDArray[np.intp]]]] = {}
        for rule in self._tables:
            rows = self.rows(rule, chosen)
            images = rows["image"].to_numpy().astype(np.intp)
            key = rule.generator, images.tobytes()
            if key not in self._kept:
                features = [feature for kind in features_of(rows).values() for feature in kind]
                self._kept[key] = opponents_of(features, images_of(rows))
            opponents = self._kept[key]
            if opponents is not None:
                found[rule.generator] = opponents, [images]
        names = [rule.generator for rule in averaged(self._tables)]
        whole = [found[name] for name in names if name in found]
        if len(whole) > 1:
            key = MEAN, b"".join(images.tobytes() for _, (images,) in whole)
            if key not in self._kept:
                self._kept[key] = mean_opponents([opponents for opponents, _ in whole])
            mean = self._kept[key]
            assert mean is not None
            if len(whole) < len(names):
                mean = replace(mean, reason="a generator has too few images")
            found[MEAN] = mean, [images for _, (images,) in whole]
        return found


def _influence(panel: Panel, seeds: Sequence[int], images: Sequence[NDArray[np.intp]]) -> InfluenceValues:
    """Takes a detector's AUROC on images that it has all scored, averaged over generators."""
    groups = codes_of(panel.images["group"])
    return mean_over_seeds(
        [
            auroc_influence([Contrast(panel.labels[rows], scores[rows], groups[rows]) for rows in images])
            for scores in panel.scores[seeds]
        ]
    )
