"""Accuracies under a named threshold rule, with what is uncertain about the threshold in their intervals.

``fpr:P`` fits the threshold to the scores of a held-out half of the real groups alone, as a user would who has no
generated images: one threshold for all generators. Whole groups are held out and take no part in any number, so the
threshold is independent of what is measured. In the bootstrap the two halves are two strata: the split follows from
the groups' names, so other images of the same kind would be split likewise, and each half is drawn in its own size.
The threshold is fitted again in each draw.

``best`` takes, for each generator, the threshold that is best on the very test images: an upper bound that nobody
reaches in use. Its bootstrap fits again too, on the images that it then measures: the interval has the same optimism.
Measured with 48 to 500 images of each class, it holds the best balanced accuracy of all images in 80 to 90 % of cases.

``fixed:T`` is for scores that are probabilities.

The FPR's Clopper-Pearson interval is about the one threshold that was fitted; the bootstrap intervals of the
accuracies are about the rule, with thresholds that other held-out images would give.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.errors import BenchError
from bench.results.summary import DRAWS, MEAN
from bench.results.thresholds.halves import SHARES, Halves, Thresholds, count, fit_at_fpr, take
from bench.results.thresholds.intervals import (
    BOOTSTRAP,
    CLOPPER_PEARSON,
    binomial_fpr,
    fewest_groups,
    same_reals,
    share_number,
    union,
)
from bench.results.thresholds.rules import (
    BEST,
    FIXED,
    FPR,
    Floats,
    Rule,
    Weights,
    best_thresholds,
    expected_fpr,
    parse_rule,
)
from bench.statistics.bootstrap import Interval, interval, no_interval_reason
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number
from bench.store.panel import Panel, Part

# The classes whose images a share is of, where it is not both.
CLASSES = {"real_accuracy": (0,), "fpr": (0,), "generated_accuracy": (1,), "tpr": (1,)}


@dataclass(frozen=True)
class OperatingPoint:
    """A detector with a threshold, against one generator or averaged over them.

    Args:
        detector: Its label.
        condition: What was done to the images.
        generator: The generator, or ``mean``.
        rule: The rule's title.
        n_held_out: Number of real images that the threshold was fitted to; they are not among ``n_real``.
        n_real: Number of real images that were measured.
        n_generated: Number of generated images.
        n_unreadable: Number of images left out because they could not be read.
        threshold: Mean over seeds.
        numbers: By name, see ``SHARES``: mean over seeds.
        fpr_interval: How the interval of the FPR came about.
        expected_fpr: The FPR that the rule is expected to realise; None where nothing exact can be said.
        reason: Why there are no numbers, or None.
    """

    detector: str
    condition: str
    generator: str
    rule: str
    n_held_out: int
    n_real: int
    n_generated: int
    n_unreadable: int
    threshold: Number
    numbers: Mapping[str, Number]
    fpr_interval: str = BOOTSTRAP
    expected_fpr: float | None = None
    reason: str | None = None

    @property
    def refused(self) -> bool:
        """Whether the rule has no threshold: it needs held-out images, and there are too few."""
        return self.rule.startswith(FPR) and self.n_held_out == 0


def operating_points(
    panel: Panel, detector: str, condition: str, rule: str, draws: int = DRAWS, probability: bool = False
) -> list[OperatingPoint]:
    """Measures a detector with the threshold that a rule gives, against each generator and averaged over them.

    Args:
        panel: The scores.
        detector: The detector's label.
        condition: What was done to the images.
        rule: ``fpr:P``, ``best`` or ``fixed:T``.
        draws: Number of bootstrap draws.
        probability: Whether the scores are probabilities of being generated.

    Returns:
        One for each generator and, with two and more, one for their mean; where the rule is refused, without numbers.

    Raises:
        BenchError: The rule is unknown, or fixed and the scores are not probabilities.
    """
    return points_of(Halves(panel, draws), detector, condition, parse_rule(rule), probability)


def points_of(halves: Halves, detector: str, condition: str, rule: Rule, probability: bool) -> list[OperatingPoint]:
    """Does what `operating_points` says, with draws that serve many detectors and rules."""
    parts = halves.parts(detector, condition)
    if rule.kind == FIXED:
        check_probabilities(halves.panel, detector, condition, rule.title, probability)
    if rule.kind != FPR:
        return _Measurement(halves, detector, condition, rule, parts).points()
    fitted = fit_at_fpr(halves, parts, rule.value or 0.0)
    measured = {name: take(part, ~halves.held[part.rows]) for name, part in parts.items()}
    return _Measurement(halves, detector, condition, rule, measured, fitted).points()


def check_probabilities(panel: Panel, detector: str, condition: str, what: str, probability: bool) -> None:
    """Refuses what is about probabilities for scores that are none.

    Raises:
        BenchError: The caller does not vouch for them, or a score lies outside [0, 1].
    """
    scores = panel.part(detector, condition).scores
    outside = scores[(scores < 0) | (scores > 1)]
    if not probability or len(outside):
        why = f"its scores include {outside[0]:g}" if len(outside) else "they are not declared to be"
        raise BenchError(
            f"{what} needs scores that are probabilities, and those of {detector} are not ({why}): leave it out, or "
            f"use fpr:5."
        )


class _Measurement:
    """One detector under one condition on the images to measure, by generator, with the thresholds of one rule."""

    def __init__(
        self,
        halves: Halves,
        detector: str,
        condition: str,
        rule: Rule,
        parts: Mapping[str, Part],
        fitted: Thresholds | str | None = None,
    ) -> None:
        self.halves, self.detector, self.condition, self.rule, self.parts = halves, detector, condition, rule, parts
        self.refused = fitted if isinstance(fitted, str) else None
        self.fitted = None if isinstance(fitted, str) else fitted
        self.draws = halves.measured if rule.kind == FPR else halves.everything
        self.shares: dict[str, dict[str, tuple[Floats, Floats]]] = {}
        self.fprs: dict[str, Interval | None] = {}

    def points(self) -> list[OperatingPoint]:
        """Measures each generator, and their mean."""
        found = [self._generator(name, part) for name, part in self.parts.items()]
        return [*found, self._mean()] if len(found) > 1 else found

    def _generator(self, name: str, part: Part) -> OperatingPoint:
        reason = self.refused or undefined_reason(part.labels)
        if reason:
            return self._point(name, part, Number(np.nan, reason=reason), _nothing(reason))
        weights = self.draws.weights(part.rows)
        thresholds = self._thresholds(part, weights)
        counts, drawn = count(part, thresholds.points[:, None]), count(part, thresholds.drawn, weights)
        self.shares[name] = {key: (of(counts)[:, 0], of(drawn).mean(axis=0)) for key, of in SHARES.items()}
        self.fprs[name] = binomial_fpr(part, counts) if self.rule.kind != BEST else None
        return self._point(
            name, part, self._threshold(thresholds), self._numbers(part, self.shares[name], self.fprs[name])
        )

    def _mean(self) -> OperatingPoint:
        """Averages over generators; the real images are one binomial sample only where all face the same."""
        parts = list(self.parts.values())
        everyone = union(parts, self.halves.panel.part(self.detector, self.condition).n_unreadable)
        undefined = [name for name in self.parts if name not in self.shares]
        reason = self.refused or (f"undefined for {undefined[0]}" if undefined else None)
        if reason:
            return self._point(MEAN, everyone, Number(np.nan, reason=reason), _nothing(reason))
        shares = {
            key: (
                np.mean([of[key][0] for of in self.shares.values()], axis=0),
                np.mean([of[key][1] for of in self.shares.values()], axis=0),
            )
            for key in SHARES
        }
        self.fprs[MEAN] = next(iter(self.fprs.values())) if same_reals(parts) else None
        if self.rule.kind == BEST:
            threshold = Number(np.nan, reason="one for each generator")
        else:
            threshold = self._threshold(self._thresholds(parts[0]))
        fewest = min(fewest_groups(part, (0, 1)) for part in parts)
        return self._point(MEAN, everyone, threshold, self._numbers(everyone, shares, self.fprs[MEAN], fewest))

    def _thresholds(self, part: Part, weights: Weights | None = None) -> Thresholds:
        if self.fitted:
            return self.fitted
        seeds = part.scores
        if self.rule.kind == FIXED:
            value = self.rule.value or 0.0
            return Thresholds(np.full(len(seeds), value), np.full((len(seeds), self.halves.draws), value))
        return Thresholds(
            np.array([best_thresholds(part.labels, scores)[0] for scores in seeds]),
            np.stack([best_thresholds(part.labels, scores, weights) for scores in seeds]),
        )

    def _threshold(self, thresholds: Thresholds) -> Number:
        seeds = thresholds.points
        value, seeds_sd = float(seeds.mean()), float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
        found = interval(thresholds.drawn.mean(axis=0))
        given = self.rule.kind == FIXED or thresholds.no_interval is not None
        return Number(value, None if given or np.isnan(found.low) else found, seeds_sd)

    def _numbers(
        self, part: Part, shares: Mapping[str, tuple[Floats, Floats]], fpr: Interval | None, fewest: int | None = None
    ) -> dict[str, Number]:
        reason = no_interval_reason(part.groups.tolist(), part.labels.tolist())
        reason = reason or (self.fitted.no_interval if self.fitted else None)
        numbers = {
            key: share_number(points, drawn, fewest or fewest_groups(part, CLASSES.get(key, (0, 1))), reason)
            for key, (points, drawn) in shares.items()
        }
        if fpr is not None:
            numbers["fpr"] = replace(numbers["fpr"], interval=fpr, reason=None)
        return numbers

    def _point(self, name: str, part: Part, threshold: Number, numbers: Mapping[str, Number]) -> OperatingPoint:
        fitted, exact = self.fitted, self.fprs.get(name) is not None
        return OperatingPoint(
            detector=self.detector,
            condition=self.condition,
            generator=name,
            rule=self.rule.title,
            n_held_out=fitted.n if fitted else 0,
            n_real=part.n_real,
            n_generated=part.n_generated,
            n_unreadable=part.n_unreadable,
            threshold=threshold,
            numbers=numbers,
            fpr_interval=CLOPPER_PEARSON if exact else BOOTSTRAP,
            expected_fpr=expected_fpr(fitted.n, self.rule.value or 0.0)
            if fitted and fitted.n == fitted.n_groups
            else None,
            reason=next((number.reason for number in numbers.values() if np.isnan(number.value)), None),
        )


def _nothing(reason: str) -> dict[str, Number]:
    return {key: Number(np.nan, reason=reason) for key in SHARES}
