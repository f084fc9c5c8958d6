"""Whether a detector is above every trivial cue, below one of them, or neither.

*Above* is an intersection-union test: the detector must be above each cue, and above the combination of all, in a
paired test of its own. Nothing is picked, so nothing is to be adjusted. Numbers are turned by the very images of the
test (``max(A, 1 - A)``), which can only favour the cue; categories and the combination, which would gain much by that,
are cross-fitted. *Below* is said where one cue is better by Holm over all of them; there directions are cross-fitted,
too.

References:
    Berger, Technometrics 24 (1982) 295-300.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import n_groups, no_interval_reason
from bench.statistics.crossfit import (
    Feature,
    Images,
    contrasts_of,
    cross_fitted,
    folds_of,
    learned,
    parts_of,
    strongest,
)
from bench.statistics.crossfit import combined as combined_scores
from bench.statistics.influence import Contrast, InfluenceValues, auroc_influence, combined
from bench.statistics.intervals import holm, paired_test
from bench.statistics.number import ABOVE, BELOW, NOT_SEPARATED

Integers = NDArray[np.int64]
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Opponents:
    """What the cues of some images reach.

    Args:
        turned: Each cue by name, as a detector must be above it.
        fitted: Each cue, cross-fitted: what a detector may be below.
        together: The combination of all.
        worst: The strongest cue, its choice cross-fitted.
        names: Which it is; two where the halves chose differently, none for a mean over generators.
        reason: Why there are too few groups for a verdict.
    """

    turned: Mapping[str, InfluenceValues]
    fitted: Mapping[str, InfluenceValues]
    together: InfluenceValues
    worst: InfluenceValues
    names: tuple[str, ...] = ()
    reason: str | None = None


def opponents_of(features: Sequence[Feature], images: Images) -> Opponents | None:
    """Makes opponents of the cues of one contrast; None where there are too few images to learn anything."""
    halves, folds = parts_of(images, 2), folds_of(images)
    found = None if halves is None else strongest(features, images, halves)
    if halves is None or folds is None or found is None:
        return None
    return Opponents(
        turned_cues(features, images, halves),
        fitted_cues(features, images, halves),
        cross_fitted_influence(images, combined_scores(features, images.labels, folds), folds),
        cross_fitted_influence(images, found[0], halves),
        found[1],
        no_interval_reason(images.groups, images.labels.tolist()),
    )


def fitted_cues(features: Sequence[Feature], images: Images, halves: Integers) -> dict[str, InfluenceValues]:
    """Measures each cue on one half with the direction, or the shares of categories, of the other.

    A cue that is alike in all images says nothing, and is left out. The halves of a number are averaged. Those of
    categories are two opponents: each half is learned from the other, so the errors of the two go together, for many
    categories so much that the variance of their mean doubles.
    """
    fitted = {}
    for feature in features:
        if len(np.unique(feature.values)) == 1:
            continue
        scores = cross_fitted(feature, images.labels, halves)
        if feature.categorical:
            for number, contrast in enumerate(contrasts_of(images, scores, halves), start=1):
                fitted[f"{feature.name}, half {number}"] = auroc_influence([contrast])
        else:
            fitted[feature.name] = cross_fitted_influence(images, scores, halves)
    return fitted


def turned_cues(features: Sequence[Feature], images: Images, halves: Integers) -> dict[str, InfluenceValues]:
    """Measures numbers on all images, in the direction in which they separate these; categories are cross-fitted."""
    labels, everything = images.labels, np.ones(len(images.labels), dtype=np.bool_)
    return {
        feature.name: cross_fitted_influence(images, cross_fitted(feature, labels, halves), halves)
        if feature.categorical
        else auroc_influence([Contrast(labels, learned(feature, labels, everything), images.codes)])
        for feature in features
    }


def mean_opponents(generators: Sequence[Opponents]) -> Opponents:
    """Averages opponents over generators: each cue, and each generator's own strongest one."""
    turned, fitted = (
        {name: combined([cues[name] for cues in kind]) for name in kind[0] if all(name in cues for cues in kind)}
        for kind in ([single.turned for single in generators], [single.fitted for single in generators])
    )
    own = combined([max(single.turned.values(), key=lambda cue: cue.value) for single in generators])
    worst = combined([single.worst for single in generators])
    return Opponents(
        {**turned, "each generator's own": own},
        {**fitted, "each generator's own": worst},
        combined([single.together for single in generators]),
        worst,
        (),
        next((single.reason for single in generators if single.reason), None),
    )


def verdict_of(detector: InfluenceValues, opponents: Opponents) -> str:
    """Says how a detector stands against the cues of the same images."""
    strongest_first = sorted([*opponents.turned.values(), opponents.together], key=lambda cue: -cue.value)
    if all(_above(detector, cue) for cue in strongest_first):
        return ABOVE
    tests = [paired_test(detector, cue) for cue in opponents.fitted.values()]
    adjusted = holm([test.p for test in tests])
    below = any(p < SIGNIFICANT and test.difference < 0 for p, test in zip(adjusted, tests, strict=True))
    return BELOW if below else NOT_SEPARATED


def cross_fitted_influence(images: Images, scores: NDArray[np.float64], parts: Integers) -> InfluenceValues:
    """Makes of cross-fitted scores what `paired_test` compares with a detector on the same images."""
    # Each part holds only a share of the images, but their mean is as certain as one AUROC of all.
    n_real, n_generated = n_groups(images.groups, images.labels.tolist())
    influence = auroc_influence(contrasts_of(images, scores, parts))
    return replace(influence, n_real=float(n_real), n_generated=float(n_generated))


def _above(detector: InfluenceValues, cue: InfluenceValues) -> bool:
    test = paired_test(detector, cue)
    return test.p < SIGNIFICANT and test.difference > 0
