"""How much of the label can be read from trivia.

For each generator and each cue the AUROC with which the cue alone separates it from its real images, free of
direction: whether a higher value means generated is learned on one half of the images and measured on the other, both
ways, and so are the shares of categories. A cue that says nothing comes out about 0.5, below it as often as above.
The worst of many cues is picked on one half and measured on the other, for a maximum of many would be too high. All
cues together are combined by a logistic regression fitted to four fifths and measured on the last.

Intervals take what was learned as given, so near 0.5, where the two halves may disagree on a direction, they are short
(see docs/statistics.md).

A missing value, such as the JPEG quality of a PNG, counts as lower than every value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.statistics.bootstrap import Interval, n_groups, no_interval_reason
from bench.statistics.crossfit import (
    Feature,
    Images,
    combined,
    contrasts_of,
    cross_fitted,
    direction_of,
    learned,
    mean_auroc,
    parts_of,
)
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence
from bench.statistics.intervals import auroc_interval
from bench.statistics.metrics import auroc
from bench.store.contrasts import ContrastRule
from datamodules.cues import CATEGORICAL_CUES, CONTAINER_CUES, CONTENT_CUES

SIZE = "size"
"""Width x height as a category: that every generated image is 512 x 512 is no higher or lower width."""

KINDS = {"container": (*CONTAINER_CUES, SIZE), "content": CONTENT_CUES}
FOLDS = 5
NAN = float("nan")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CueResult:
    """How well a cue, or what was made of several, separates one generator from its real images.

    Args:
        name: A cue, ``worst`` or ``combined``.
        kind: ``container``, ``content`` or, for what was made of both, ``all``.
        auroc: Cross-fitted; nan where there are too few images.
        detail: The direction (``higher`` or ``lower`` for generated, ``unclear`` where the halves disagree, ``by
            category``, ``constant``); for the worst cue its name, or both names where the halves picked two.
        apparent: The AUROC with everything learned on the very images that it is measured on, so too high; nan for
            what was made of several cues.
        reason: Why there is no value or no interval.
        contrasts: The parts with their cross-fitted scores, whose mean AUROC this is.
    """

    name: str
    kind: str
    auroc: float
    interval: Interval | None
    detail: str
    apparent: float
    reason: str | None
    contrasts: tuple[Contrast, ...] = ()


@dataclass(frozen=True)
class GeneratorAudit:
    """The audit of one generator.

    Args:
        images: ``path, label, group`` of the images that were audited.
        worst: The worst cue of each kind and of ``all``.
        combined: The combination of the cues of each kind and of ``all``.
    """

    generator: str
    images: pl.DataFrame
    cues: tuple[CueResult, ...]
    worst: Mapping[str, CueResult]
    combined: Mapping[str, CueResult]


def audit(cues: pl.DataFrame, rule: ContrastRule, worst_only: bool = False) -> GeneratorAudit:
    """Audits a generator.

    Args:
        cues: ``path, label, generator, group`` and a column for each cue, a row for each readable image; cues without a
            column are left out, so a table of `PIXEL_CUES` will do.
        rule: The generator and the real images that it faces.
        worst_only: Whether to look for nothing but the worst of all cues.
    """
    chosen = cues.filter(rule.expression()).sort("path")
    if {"width", "height"} <= set(chosen.columns):
        chosen = chosen.with_columns(pl.format("{}x{}", "width", "height").alias(SIZE))
    named = chosen.select("path", "label", "group")
    images = Images(chosen["label"].to_numpy().astype(np.int64), chosen["group"].to_list())
    features = {
        kind: [feature_of(chosen[name], name in (*CATEGORICAL_CUES, SIZE)) for name in names if name in chosen.columns]
        for kind, names in KINDS.items()
    }
    every = [feature for kind in features.values() for feature in kind]
    if worst_only:
        return GeneratorAudit(rule.generator, named, (), {"all": _worst(every, "all", images)}, {})
    single = tuple(_single(feature, kind, images) for kind, members in features.items() for feature in members)
    kinds = {kind: members for kind, members in (features | {"all": every}).items() if members}
    worst = {kind: _worst(members, kind, images) for kind, members in kinds.items()}
    together = {kind: _combined(members, kind, images) for kind, members in kinds.items()}
    return GeneratorAudit(rule.generator, named, single, worst, together)


def influence_of(results: Sequence[CueResult]) -> InfluenceValues:
    """Makes of a cue, or of its mean over generators, what `paired_test` compares with a detector on the same images.

    Raises:
        ValueError: A result has no value.
    """
    if any(not result.contrasts for result in results):
        raise ValueError("A cue without a value cannot be compared.")
    sizes = []
    for result in results:
        groups, labels = (np.concatenate([getattr(c, name) for c in result.contrasts]) for name in ("groups", "labels"))
        sizes.append(n_groups(groups.tolist(), labels.astype(int).tolist()))
    n_real, n_generated = np.mean(sizes, axis=0).tolist()
    # Each part holds only a share of the images, but their mean is as certain as one AUROC of all.
    influence = auroc_influence([contrast for result in results for contrast in result.contrasts])
    return replace(influence, n_real=n_real, n_generated=n_generated)


def feature_of(column: pl.Series, categorical: bool) -> Feature:
    """Makes a feature of a column of numbers or texts with nulls."""
    missing = column.is_null().to_numpy()
    if categorical:
        values = (column.rank("dense").cast(pl.Float64) - 1).fill_null(column.n_unique())
    else:
        numbers = column.cast(pl.Float64)
        lowest = numbers.min()
        values = numbers.fill_null(lowest - 1 if isinstance(lowest, float) else 0.0)
    return Feature(column.name, values.to_numpy(), categorical, missing)


def _single(feature: Feature, kind: str, images: Images) -> CueResult:
    parts = parts_of(images, 2)
    if parts is None:
        return _undefined(feature.name, kind)
    labels, everything = images.labels, np.ones(len(images.labels), dtype=np.bool_)
    apparent = float(auroc(labels, learned(feature, labels, everything)))
    scores, detail = cross_fitted(feature, labels, parts), _direction(feature, labels, parts)
    return _result(feature.name, kind, images, scores, parts, detail, apparent)


def _direction(feature: Feature, labels: NDArray[np.int64], parts: NDArray[np.int64]) -> str:
    if len(np.unique(feature.values)) == 1:
        return "constant"
    if feature.categorical:
        return "by category"
    directions = {direction_of(feature, labels, parts == part) for part in (0, 1)}
    return {1: "higher", -1: "lower"}[directions.pop()] if len(directions) == 1 else "unclear"


def _worst(features: Sequence[Feature], kind: str, images: Images) -> CueResult:
    parts = parts_of(images, 2)
    if parts is None:
        return _undefined("worst", kind)
    scores, picked = np.empty(len(parts)), []
    for inside in (parts == 0, parts == 1):
        worst = _strongest(features, images, np.flatnonzero(~inside))
        if worst is None:
            return _undefined("worst", kind, 4)
        scores[inside] = learned(worst, images.labels, ~inside)[inside]
        picked.append(worst.name)
    return _result("worst", kind, images, scores, parts, " / ".join(dict.fromkeys(picked)))


def _strongest(features: Sequence[Feature], images: Images, rows: NDArray[np.intp]) -> Feature | None:
    """Picks a cue by cross-fitting within some of the images; None where they are too few for that."""
    within = images.only(rows)
    parts = parts_of(within, 2)
    if parts is None:
        return None
    fitted = [cross_fitted(feature.only(rows), within.labels, parts) for feature in features]
    return features[int(np.argmax([mean_auroc(within.labels, scores, parts) for scores in fitted]))]


def _combined(features: Sequence[Feature], kind: str, images: Images) -> CueResult:
    for folds in range(FOLDS, 1, -1):
        parts = parts_of(images, folds)
        if parts is not None:
            return _result("combined", kind, images, combined(features, images.labels, parts), parts, f"{folds} folds")
    return _undefined("combined", kind)


def _result(
    name: str, kind: str, images: Images, scores: Floats, parts: NDArray[np.int64], detail: str, apparent: float = NAN
) -> CueResult:
    reason = no_interval_reason(images.groups, images.labels.tolist())
    value, contrasts = mean_auroc(images.labels, scores, parts), contrasts_of(images, scores, parts)
    result = CueResult(name, kind, value, None, detail, apparent, reason, contrasts)
    return result if reason else replace(result, interval=auroc_interval(influence_of([result])))


def _undefined(name: str, kind: str, least: int = 2) -> CueResult:
    reason = f"fewer than {least} independent groups of a class"
    return CueResult(name, kind, NAN, None, "", NAN, reason)
