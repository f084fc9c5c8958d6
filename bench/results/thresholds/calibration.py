"""Whether probabilities mean what they say: expected calibration error and Brier score.

Both are about the mix of classes that was measured: with another share of generated images the same probabilities are
calibrated otherwise. For scores that are no probabilities they are refused.

The calibration error is ``sum_b n_b / n |mean(p)_b - mean(y)_b|`` over bins of equal width or of equal numbers of
images. It is not debiased: chance alone makes it positive, the more so the fewer images, so beside it stands what
calibrated probabilities would give (consistency resampling: labels drawn from the probabilities themselves). The
bootstrap adds that bias a second time; its interval is therefore the basic one, ``2 value - quantile``, which takes it
out again, cut at 0. Where the value is within what chance gives calibrated probabilities (97.5 %), the interval begins
at 0. Chance is counted by image, so where images share groups it is underestimated (see docs/statistics.md).

The Brier score is ``miscalibration - discrimination + uncertainty`` without bins: the first is what an isotonic
recalibration on the same images would gain, the second what that gains over the constant share of generated images,
the third that constant's Brier score. Fitted and measured on the same images, the first two are somewhat too large.

References:
    Naeini, Cooper and Hauskrecht, AAAI 2015 (calibration error). Broecker and Smith, Weather and Forecasting 22 (2007)
    651-661 (consistency). Dimitriadis, Gneiting and Jordan, PNAS 118 (2021) e2016191118 (decomposition).
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

from bench.results.summary import MEAN
from bench.results.thresholds.halves import Halves, union
from bench.results.thresholds.points import check_probabilities
from bench.results.thresholds.rules import Floats, Weights
from bench.statistics.bootstrap import Interval, groups_reason, interval
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number, sd_over_seeds
from bench.store.panel import Part

BINS = 15
MEASURES = ("ece_width", "ece_mass", "brier")
CONSISTENCY_DRAWS = 200
Labels = NDArray[np.int64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Decomposition:
    """Parts of a Brier score: ``brier = miscalibration - discrimination + uncertainty``."""

    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True)
class Calibration:
    """How well calibrated a detector is against one generator, or averaged over them (``mean``).

    Args:
        numbers: ``ece_width`` (bins of equal width), ``ece_mass`` (bins of equal numbers) and ``brier``.
        if_calibrated: What the first two would be on average if the probabilities were right.
        decomposition: Of the Brier score, mean over seeds; None where it is undefined.
    """

    detector: str
    condition: str
    generator: str
    n_real: int
    n_generated: int
    numbers: Mapping[str, Number]
    if_calibrated: Mapping[str, float]
    decomposition: Decomposition | None


def calibration(halves: Halves, detector: str, condition: str, probability: bool = False) -> list[Calibration]:
    """Computes calibration errors and Brier scores, with 95 % intervals over bootstrap draws of the groups.

    ``probability`` is the caller's word that the scores are probabilities of being generated.

    Returns:
        One for each generator and, with two and more that are not apart, one for their mean.

    Raises:
        BenchError: The scores are not probabilities.
    """
    check_probabilities(halves.panel, detector, condition, "Calibration", probability)
    parts = halves.parts(detector, condition)
    measured = {name: undefined_reason(part.labels) or _measure(part, halves) for name, part in parts.items()}
    rows = [_row(detector, condition, name, part, {name: measured[name]}) for name, part in parts.items()]
    names = halves.averaged(condition)
    if len(names) > 1:
        whole = union([parts[name] for name in names])
        rows.append(_row(detector, condition, MEAN, whole, {name: measured[name] for name in names}))
    return rows


def ece(labels: Labels, probabilities: Floats, bins: Indices, weights: Weights) -> Floats:
    """Computes the expected calibration error.

    Args:
        labels: ``(n,)``, 0 for real and 1 for generated.
        probabilities: ``(n,)`` of being generated.
        bins: ``(n,)`` the bin of each image.
        weights: ``(draws, n)`` counts.

    Returns:
        ``(draws,)``.

    Examples:
        >>> ece(np.array([0, 1]), np.array([0.2, 0.9]), np.array([0, 1]), np.ones((1, 2))).round(4)
        array([0.15])
    """
    gaps = np.zeros((len(labels), int(bins.max()) + 1))
    gaps[np.arange(len(labels)), bins] = probabilities - labels
    weight = weights.astype(np.float64)
    error: Floats = np.abs(weight @ gaps).sum(axis=1) / weight.sum(axis=1)
    return error


def brier(labels: Labels, probabilities: Floats, weights: Weights) -> Floats:
    """Computes the mean squared error of the probabilities, ``(draws,)``; arguments as for `ece`."""
    weight = weights.astype(np.float64)
    score: Floats = weight @ (probabilities - labels) ** 2 / weight.sum(axis=1)
    return score


def decompose(labels: Labels, probabilities: Floats) -> Decomposition:
    """Splits a Brier score with an isotonic recalibration; equal probabilities stay equal.

    Examples:
        >>> parts = decompose(np.array([0, 1, 0, 1]), np.array([0.1, 0.1, 0.9, 0.9]))
        >>> round(parts.miscalibration, 4), parts.discrimination, parts.uncertainty
        (0.16, 0.0, 0.25)
    """
    _, position, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    shares = np.bincount(position, weights=labels) / counts
    recalibrated = isotonic_regression(shares, weights=counts).x[position]
    base = np.full(len(labels), labels.mean())
    score, best, constant = (float(np.mean((p - labels) ** 2)) for p in (probabilities, recalibrated, base))
    return Decomposition(score - best, constant - best, constant)


def equal_width(probabilities: Floats, bins: int = BINS) -> Indices:
    """Puts probabilities into bins of equal width; 1 belongs to the last."""
    return np.minimum((probabilities * bins).astype(np.intp), bins - 1)


def equal_mass(probabilities: Floats, bins: int = BINS) -> Indices:
    """Puts probabilities into bins of about equally many; equal ones share a bin, so some bins may stay empty."""
    return ((rankdata(probabilities) - 0.5) / len(probabilities) * bins).astype(np.intp)


@dataclass(frozen=True)
class _Measured:
    """The measures against one generator.

    Args:
        points: ``(seeds, measures)``.
        drawn: ``(measures, draws)``, means over seeds.
        chance: ``(errors, CONSISTENCY_DRAWS)``, the calibration errors with labels drawn from the probabilities.
        parts: ``(seeds, 3)`` of the Brier score.
    """

    points: Floats
    drawn: Floats
    chance: Floats
    parts: Floats


def _measure(part: Part, halves: Halves) -> _Measured:
    weights, once = halves.everything.weights(part), np.ones((1, len(part.rows)))
    # By image of the panel, so that a real image has the same label in a draw whatever generator it faces.
    streams = (np.random.default_rng((0, draw)) for draw in range(CONSISTENCY_DRAWS))
    uniform = np.stack([stream.random(len(halves.panel.images))[part.rows] for stream in streams])
    points: list[list[Floats]] = []
    drawn: list[list[Floats]] = []
    chance = []
    for scores in part.scores:
        binned = (equal_width(scores), equal_mass(scores))
        for weight, measures in ((once, points), (weights, drawn)):
            errors = [ece(part.labels, scores, bins, weight) for bins in binned]
            measures.append([*errors, brier(part.labels, scores, weight)])
        drawn_labels = (uniform < scores).astype(np.int64)
        chance.append([[ece(labels, scores, bins, once)[0] for labels in drawn_labels] for bins in binned])
    parts = np.array([astuple(decompose(part.labels, scores)) for scores in part.scores])
    return _Measured(np.array(points)[:, :, 0], np.mean(drawn, axis=0), np.mean(chance, axis=0), parts)


def _row(detector: str, condition: str, name: str, part: Part, measured: Mapping[str, _Measured | str]) -> Calibration:
    """Makes a row of the measures against one generator, or their means; text says why there are none."""
    undefined = next((f"{generator}: {why}" for generator, why in measured.items() if isinstance(why, str)), None)
    if undefined:
        nothing = dict.fromkeys(MEASURES, Number(np.nan, reason=undefined))
        return Calibration(detector, condition, name, part.n_real, part.n_generated, nothing, {}, None)
    known = [measures for measures in measured.values() if isinstance(measures, _Measured)]
    points, drawn, chance = (
        np.mean([getattr(measures, field) for measures in known], axis=0) for field in ("points", "drawn", "chance")
    )
    reason = groups_reason(*part.n_groups)
    errors = dict(zip(MEASURES, chance, strict=False))
    numbers = {
        measure: _number(points[:, i], drawn[i], reason, errors.get(measure)) for i, measure in enumerate(MEASURES)
    }
    expected = {measure: float(draws.mean()) for measure, draws in errors.items()}
    decomposition = Decomposition(*np.mean(np.concatenate([measures.parts for measures in known]), axis=0).tolist())
    return Calibration(detector, condition, name, part.n_real, part.n_generated, numbers, expected, decomposition)


def _number(points: Floats, drawn: Floats, reason: str | None, chance: Floats | None) -> Number:
    value, seeds_sd, ends = float(points.mean()), sd_over_seeds(points), interval(drawn)
    if reason is None and (np.isnan(ends.low) or ends.low == ends.high):
        reason = "every bootstrap draw gives the same, or too many lack images"
    if reason:
        return Number(value, None, seeds_sd, reason)
    if chance is not None:
        within = value <= np.quantile(chance, 0.975)
        low = 0.0 if within else max(2 * value - ends.high, 0.0)
        ends = Interval(low, max(2 * value - ends.low, 0.0))
    return Number(value, ends, seeds_sd)
