"""Accuracies under a named threshold rule, with what is uncertain about the threshold in their intervals.

``fpr:P`` fits the threshold to the scores of a held-out half of the real groups alone, as a user would who has no
generated images: one threshold for all generators. Whole groups are held out and take no part in any number, so the
threshold is independent of what is measured. In the bootstrap the two halves are two strata: the split follows from
the groups' names, so other images of the same kind would be split likewise, and each half is drawn in its own size.
The threshold is fitted again in each draw.

``best`` takes, for each generator, the threshold that is best on the very test images: an upper bound that nobody
reaches in use. Its bootstrap fits again too, on the images that it then measures: the interval has the same optimism
(see docs/statistics.md).

``fixed:T`` is for scores that are probabilities.

``fpr:P from K`` fits the threshold to ``K`` of the held-out groups, the same for every detector: what a user would get
who has so few real images. Its draws take ``K`` of all held-out groups anew, so its intervals, that of the FPR too, say
what other choices of them would have given.

The FPR's Clopper-Pearson interval is about the one threshold that was fitted; the bootstrap intervals of the
accuracies are about the rule, with thresholds that other held-out images would give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.errors import BenchError
from bench.results.summary import MEAN
from bench.results.thresholds.halves import Halves, Thresholds, fit_at_fpr, union
from bench.results.thresholds.precision import precision
from bench.results.thresholds.rules import BEST, FIXED, FPR, Rule, Weights, best_thresholds, expected_fpr, fpr_range
from bench.results.thresholds.shares import BOOTSTRAP, CLOPPER_PEARSON, SHARES, Shares, mean_shares, measure
from bench.statistics.bootstrap import Interval, groups_reason, interval
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number, sd_over_seeds
from bench.store.panel import Panel, Part


@dataclass(frozen=True)
class OperatingPoint:
    """A detector with a threshold, against one generator or averaged over them (``mean``).

    Args:
        n_held_out: Number of real images that the threshold was fitted to; they are not among ``n_real``.
        threshold: Mean over seeds.
        numbers: By name, see ``SHARES``: mean over seeds.
        fpr_interval: How the interval of the FPR came about.
        expected_fpr: The FPR that the rule is expected to realise; None where nothing exact can be said.
        expected_range: Where it lies in 95 % of all choices of the held-out images.
        precisions: By prevalence; without numbers there are none.
        calibrated_with: Number of held-out groups that the threshold was fitted to, where these were chosen.
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
    expected_range: Interval | None = None
    precisions: Mapping[float, Number] = field(default_factory=dict)
    calibrated_with: int | None = None
    reason: str | None = None

    @property
    def refused(self) -> bool:
        """Whether the rule has no threshold: it needs held-out images, and there are too few."""
        return self.rule.startswith(FPR) and self.n_held_out == 0


def operating_points(
    halves: Halves,
    detector: str,
    condition: str,
    rule: Rule,
    probability: bool = False,
    prevalences: Sequence[float] = (),
) -> list[OperatingPoint]:
    """Measures a detector with the threshold that a rule gives, against each generator and averaged over them.

    ``probability`` is the caller's word that the scores are probabilities of being generated; ``prevalences`` are the
    shares of generated images, in (0, 1), at which to tell the precision.

    Returns:
        One for each generator and, with two and more that are not apart, one for their mean; where the rule is refused,
        without numbers.

    Raises:
        BenchError: The rule is ``fixed`` and the scores are not probabilities.
    """
    if rule.kind == FIXED:
        check_probabilities(halves.panel, detector, condition, rule.title, probability)
    measurement = _Measurement(halves, detector, condition, rule, prevalences)
    points = [measurement.generator(name, part) for name, part in measurement.parts.items()]
    return [*points, measurement.mean()] if len(halves.averaged(condition)) > 1 else points


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
        self, halves: Halves, detector: str, condition: str, rule: Rule, prevalences: Sequence[float] = ()
    ) -> None:
        self.halves, self.detector, self.condition, self.rule = halves, detector, condition, rule
        self.prevalences = prevalences
        self.shares: dict[str, Shares] = {}
        self.common: Thresholds | None = None  # to all generators
        if rule.kind == FPR:
            self.parts, self.draws = halves.measured_parts(detector, condition), halves.measured
            self.common = fit_at_fpr(halves, detector, condition, rule.value, rule.groups)
            return
        self.parts, self.draws = halves.parts(detector, condition), halves.everything
        if rule.kind == FIXED:
            seeds = len(halves.panel.seeds(detector, condition))
            self.common = Thresholds(np.full(seeds, rule.value), np.full((seeds, halves.draws), rule.value))

    def generator(self, name: str, part: Part) -> OperatingPoint:
        """Measures one generator."""
        reason = (self.common and self.common.refused) or undefined_reason(part.labels)
        if reason:
            return self._nothing(name, part, reason)
        weights = self.draws.weights(part)
        thresholds = self.common or _best(part, weights)
        shares = measure(part, thresholds, weights)
        inexact = self.rule.kind == BEST or self.rule.groups is not None
        self.shares[name] = replace(shares, exact=None) if inexact else shares
        numbers = self.shares[name].numbers([part], self._no_interval(part))
        point = self._point(name, part, self._threshold(thresholds), numbers, self.shares[name].exact)
        return self._with_precisions(point, self.shares[name], part, part.n_groups[1])

    def mean(self) -> OperatingPoint:
        """Averages over the generators that are not apart."""
        names, panel = self.halves.averaged(self.condition), self.halves.panel
        parts = [self.parts[name] for name in names]
        everything = panel.part(self.detector, self.condition, within=~panel.apart(self.condition))
        everyone = union(parts, everything.n_unreadable)
        undefined = next((f"undefined for {name}" for name in names if name not in self.shares), None)
        reason = (self.common and self.common.refused) or undefined
        if reason:
            return self._nothing(MEAN, everyone, reason)
        shares = mean_shares(parts, [self.shares[name] for name in names])
        one_each = Number(np.nan, reason="one for each generator")
        threshold = self._threshold(self.common) if self.common else one_each
        numbers = shares.numbers(parts, self._no_interval(everyone), classes={})
        point = self._point(MEAN, everyone, threshold, numbers, shares.exact)
        return self._with_precisions(point, shares, everyone, min(part.n_groups[1] for part in parts))

    def _with_precisions(self, point: OperatingPoint, shares: Shares, part: Part, n_generated: int) -> OperatingPoint:
        reason, n_groups = self._no_interval(part), (part.n_groups[0], n_generated)
        found = {prevalence: precision(shares, prevalence, n_groups, reason) for prevalence in self.prevalences}
        return replace(point, precisions=found)

    def _no_interval(self, part: Part) -> str | None:
        return groups_reason(*part.n_groups) or (self.common.no_interval if self.common else None)

    def _threshold(self, thresholds: Thresholds) -> Number:
        ends = interval(thresholds.drawn.mean(axis=0))
        known = self.rule.kind != FIXED and thresholds.no_interval is None and not np.isnan(ends.low)
        return Number(float(thresholds.points.mean()), ends if known else None, sd_over_seeds(thresholds.points))

    def _nothing(self, name: str, part: Part, reason: str) -> OperatingPoint:
        nothing = Number(np.nan, reason=reason)
        return replace(self._point(name, part, nothing, dict.fromkeys(SHARES, nothing), None), reason=reason)

    def _point(
        self, name: str, part: Part, threshold: Number, numbers: Mapping[str, Number], exact: Interval | None
    ) -> OperatingPoint:
        n, n_groups = (self.common.n, self.common.n_groups) if self.common else (0, 0)
        exactly = 0 < n == n_groups
        return OperatingPoint(
            detector=self.detector,
            condition=self.condition,
            generator=name,
            rule=self.rule.title,
            n_held_out=n,
            n_real=part.n_real,
            n_generated=part.n_generated,
            n_unreadable=part.n_unreadable,
            threshold=threshold,
            numbers=numbers,
            fpr_interval=CLOPPER_PEARSON if exact else BOOTSTRAP,
            expected_fpr=expected_fpr(n, self.rule.value) if exactly else None,
            expected_range=fpr_range(n, self.rule.value) if exactly else None,
            calibrated_with=self.rule.groups,
        )


def _best(part: Part, weights: Weights) -> Thresholds:
    return Thresholds(
        np.array([best_thresholds(part.labels, scores)[0] for scores in part.scores]),
        np.stack([best_thresholds(part.labels, scores, weights) for scores in part.scores]),
    )
