"""How much of the label can be read from trivia.

For each generator and each cue the AUROC with which the cue alone separates it from its real images, free of
direction: whether a higher value means generated is learned on one half of the images and measured on the other, both
ways, and so are the shares of categories. A cue that says nothing comes out about 0.5, below it as often as above.
The worst of many cues is picked on one half and measured on the other, for a maximum of many would be too high. All
cues together are combined by a logistic regression fitted to four fifths and measured on the last.

Only a number has an interval, at the level ``sqrt(0.95)``: two halves, each turned by the other, miss 0.5 as often as
two independent intervals would. Shares of categories, a choice among cues and a fit have none (see docs/statistics.md).

A missing value, such as the JPEG quality of a PNG, counts as lower than every value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.results.cues.opponents import cross_fitted_influence
from bench.statistics.bootstrap import Interval, no_interval_reason
from bench.statistics.crossfit import (
    Feature,
    Images,
    combined,
    cross_fitted,
    direction_of,
    folds_of,
    learned,
    mean_auroc,
    parts_of,
    strongest,
)
from bench.statistics.intervals import auroc_interval
from bench.statistics.metrics import auroc
from bench.store.contrasts import ContrastRule
from datamodules.cues import CATEGORICAL_CUES, CONTAINER_CUES, CONTENT_CUES

SIZE = "size"
"""Width x height as a category: that every generated image is 512 x 512 is no higher or lower width."""

WORST, COMBINED, SHARES = "worst", "combined", "shares"
NO_INTERVAL = {
    WORST: "no interval covers the choice among cues",
    COMBINED: "no interval covers the fit of the weights",
    SHARES: "no interval covers the shares of categories",
}
"""Why what was learned has a value only."""
TURNED_LEVEL = float(np.sqrt(0.95))
KINDS = {"container": (*CONTAINER_CUES, SIZE), "content": CONTENT_CUES}
NAN = float("nan")


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
    """

    name: str
    kind: str
    auroc: float
    interval: Interval | None
    detail: str
    apparent: float
    reason: str | None


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


def audit(cues: pl.DataFrame, rule: ContrastRule) -> GeneratorAudit:
    """Audits a generator.

    Args:
        cues: ``path, label, generator, group`` and a column for each cue, a row for each readable image; cues without a
            column are left out, so a table of `PIXEL_CUES` will do.
        rule: The generator and the real images that it faces.
    """
    chosen = cues.filter(rule.expression()).sort("path")
    images, features = images_of(chosen), features_of(chosen)
    single = tuple(_single(feature, kind, images) for kind, members in features.items() for feature in members)
    every = [feature for members in features.values() for feature in members]
    kinds = {kind: members for kind, members in (features | {"all": every}).items() if members}
    worst = {kind: _worst(members, kind, images) for kind, members in kinds.items()}
    together = {kind: _combined(members, kind, images) for kind, members in kinds.items()}
    return GeneratorAudit(rule.generator, chosen.select("path", "label", "group"), single, worst, together)


def images_of(chosen: pl.DataFrame) -> Images:
    """Makes images of a table with ``label`` and ``group``."""
    return Images(chosen["label"].to_numpy().astype(np.int64), chosen["group"].to_list())


def features_of(chosen: pl.DataFrame) -> dict[str, list[Feature]]:
    """Makes features of the cues that a table has, by their kind."""
    if {"width", "height"} <= set(chosen.columns):
        chosen = chosen.with_columns(pl.format("{}x{}", "width", "height").alias(SIZE))
    return {
        kind: [feature_of(chosen[name], name in (*CATEGORICAL_CUES, SIZE)) for name in names if name in chosen.columns]
        for kind, names in KINDS.items()
    }


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
    value = mean_auroc(labels, scores, parts)
    reason = NO_INTERVAL[SHARES] if feature.categorical else no_interval_reason(images.groups, labels.tolist())
    found = None if reason else auroc_interval(cross_fitted_influence(images, scores, parts), TURNED_LEVEL)
    return CueResult(feature.name, kind, value, found, detail, apparent, reason)


def _direction(feature: Feature, labels: NDArray[np.int64], parts: NDArray[np.int64]) -> str:
    if len(np.unique(feature.values)) == 1:
        return "constant"
    if feature.categorical:
        return "by category"
    directions = {direction_of(feature, labels, parts == part) for part in (0, 1)}
    return {1: "higher", -1: "lower"}[directions.pop()] if len(directions) == 1 else "unclear"


def _worst(features: Sequence[Feature], kind: str, images: Images) -> CueResult:
    halves = parts_of(images, 2)
    found = halves is not None and strongest(features, images, halves)
    if halves is None or not found:
        return _undefined(WORST, kind, 2 if halves is None else 4)
    scores, names = found
    value = mean_auroc(images.labels, scores, halves)
    return CueResult(WORST, kind, value, None, " / ".join(names), NAN, NO_INTERVAL[WORST])


def _combined(features: Sequence[Feature], kind: str, images: Images) -> CueResult:
    folds = folds_of(images)
    if folds is None:
        return _undefined(COMBINED, kind)
    value = mean_auroc(images.labels, combined(features, images.labels, folds), folds)
    return CueResult(COMBINED, kind, value, None, f"{int(folds.max()) + 1} folds", NAN, NO_INTERVAL[COMBINED])


def _undefined(name: str, kind: str, least: int = 2) -> CueResult:
    reason = f"fewer than {least} independent groups of a class"
    return CueResult(name, kind, NAN, None, "", NAN, reason)
