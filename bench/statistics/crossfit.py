"""Measures predictors on images from which nothing about them was learned.

What has to be learned - whether a higher value means generated, how often each file ending is generated, the weights
of a combination, which of many is the strongest - is learned on some groups of images and measured on the others, each
part in turn. The AUROC is the mean of those within the parts: scores of different parts are never compared, as they
were learned differently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.statistics.influence import Contrast
from bench.statistics.metrics import auroc
from bench.statistics.names import codes_of, name_hash

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FOLDS = 5
# Categories of a column that get a weight of their own in a combination: the most frequent ones.
MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Images:
    """The images of one contrast: ``(n,)`` labels (0 real, 1 generated) and names of what is independent."""

    labels: Integers
    groups: Sequence[str]

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """``(n,)`` numbers of the groups."""
        return codes_of(self.groups)

    def only(self, rows: NDArray[np.intp]) -> "Images":
        """Takes some of them."""
        return Images(self.labels[rows], [self.groups[row] for row in rows])


@dataclass(frozen=True)
class Feature:
    """A fact about each image.

    Args:
        values: ``(n,)`` numbers, or the numbers of categories, from 0 on.
        missing: ``(n,)``, where the fact is not known: lower than every number, or a category of its own.
    """

    name: str
    values: Floats
    categorical: bool
    missing: NDArray[np.bool_]

    def only(self, rows: NDArray[np.intp]) -> "Feature":
        """Takes the fact of some images."""
        return Feature(self.name, self.values[rows], self.categorical, self.missing[rows])


def parts_of(images: Images, count: int) -> Integers | None:
    """Deals groups out to parts by their names alone, evenly among those of real images, of generated ones and of both.

    Returns:
        ``(n,)`` the part of each image, or None where a part would lack a class.
    """
    kinds: dict[str, int] = {}
    for group, label in zip(images.groups, images.labels.tolist(), strict=True):
        kinds[group] = kinds.get(group, 0) | (1 << label)
    part_of, dealt = {}, {1: 0, 2: 0, 3: 0}
    for group in sorted(kinds, key=name_hash):
        part_of[group] = dealt[kinds[group]] % count
        dealt[kinds[group]] += 1
    parts = np.array([part_of[group] for group in images.groups], dtype=np.int64)
    complete = all(len(set(images.labels[parts == part].tolist())) == 2 for part in range(count))
    return parts if complete else None


def folds_of(images: Images) -> Integers | None:
    """Deals groups out to `FOLDS` parts, or to fewer where each must hold both classes; None where two would not."""
    return next((parts for count in range(FOLDS, 1, -1) if (parts := parts_of(images, count)) is not None), None)


def learned(feature: Feature, labels: Integers, rows: NDArray[np.bool_]) -> Floats:
    """Turns a feature into scores by what the given rows say of it.

    Returns:
        ``(n,)`` scores, higher for generated: the number, negated if it is lower for the generated ones among the
        rows, or the share of generated images in the category there (both classes weighing the same, one half added
        to each; 0.5 for a category that is not there).
    """
    if not feature.categorical:
        return feature.values * direction_of(feature, labels, rows)
    codes = feature.values.astype(np.int64)
    counts = [np.bincount(codes[rows & (labels == label)], minlength=codes.max() + 1) for label in (0, 1)]
    size = (counts[0].sum() + counts[1].sum()) / 2
    real, generated = (count * size / count.sum() for count in counts)
    return np.asarray(((generated + 0.5) / (real + generated + 1))[codes])


def direction_of(feature: Feature, labels: Integers, rows: NDArray[np.bool_]) -> int:
    """Returns 1 where a number is higher for the generated images among the rows, or alike, and -1 where lower."""
    return 1 if auroc(labels[rows], feature.values[rows]) >= 0.5 else -1


def cross_fitted(feature: Feature, labels: Integers, parts: Integers) -> Floats:
    """Scores each image by what the other parts say of a feature."""
    scores = np.empty(len(labels))
    for inside in _masks(parts):
        scores[inside] = learned(feature, labels, ~inside)[inside]
    return scores


def combined(features: Sequence[Feature], labels: Integers, parts: Integers) -> Floats:
    """Scores each image by a logistic regression on all features, fitted to the other parts.

    Numbers enter as ranks among the images of the fit, scaled to unit variance; categories and missing numbers as
    0 or 1. Classes weigh the same; the penalty is scikit-learn's default.
    """
    scores = np.empty(len(labels))
    for inside in _masks(parts):
        table = np.column_stack([column for feature in features for column in _columns(feature, ~inside)])
        model = LogisticRegression(class_weight="balanced", max_iter=1000)
        model.fit(table[~inside], labels[~inside])
        scores[inside] = model.decision_function(table[inside])
    return scores


def strongest(features: Sequence[Feature], images: Images, halves: Integers) -> tuple[Floats, tuple[str, ...]] | None:
    """Scores each image by the feature that is the strongest in the other half.

    Returns:
        The scores and the names of the features, one or two; None where a half is too small to be halved again.
    """
    scores, names = np.empty(len(halves)), []
    for inside in _masks(halves):
        rows = np.flatnonzero(~inside)
        within = images.only(rows)
        quarters = parts_of(within, 2)
        if quarters is None:
            return None
        fitted = [cross_fitted(feature.only(rows), within.labels, quarters) for feature in features]
        picked = features[int(np.argmax([mean_auroc(within.labels, values, quarters) for values in fitted]))]
        scores[inside] = learned(picked, images.labels, ~inside)[inside]
        names.append(picked.name)
    return scores, tuple(dict.fromkeys(names))


def contrasts_of(images: Images, scores: Floats, parts: Integers) -> tuple[Contrast, ...]:
    """Makes a contrast of each part: their mean AUROC is that of the cross-fitted scores."""
    return tuple(Contrast(images.labels[inside], scores[inside], images.codes[inside]) for inside in _masks(parts))


def mean_auroc(labels: Integers, scores: Floats, parts: Integers) -> float:
    """Averages the AUROC over parts."""
    return float(np.mean([auroc(labels[inside], scores[inside]) for inside in _masks(parts)]))


def _masks(parts: Integers) -> Iterator[NDArray[np.bool_]]:
    return (parts == part for part in range(int(parts.max()) + 1))


def _columns(feature: Feature, fit: NDArray[np.bool_]) -> Iterator[Floats]:
    if feature.categorical:
        codes, counts = np.unique(feature.values[fit], return_counts=True)
        for code in codes[np.argsort(-counts, kind="stable")][:MOST_CATEGORIES]:
            yield (feature.values == code).astype(np.float64)
        return
    ordered = np.sort(feature.values[fit])
    ranks = np.searchsorted(ordered, feature.values, "left") + np.searchsorted(ordered, feature.values, "right")
    yield (ranks / len(ordered) - 1) * np.sqrt(3)
    if feature.missing[fit].any():
        yield feature.missing.astype(np.float64)
