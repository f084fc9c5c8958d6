"""Threshold-free and fixed-rate metrics: pure functions of labels and scores.

Labels are 0 for real and 1 for generated; a higher score means more likely generated. Scores are compared in float64
as they are, never squashed or rounded. Every metric takes weights, in particular bootstrap counts ``(draws, n)``,
for which the scores are sorted once.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.statistics import curve_values
from bench.statistics.operating_curve import Curve, Floats, curves_of

Weights = ArrayLike | None
Positive = Literal["generated", "real"]


@dataclass(frozen=True)
class CurveMetric:
    """A metric that follows from the operating curve alone, so that several share one sorting of the images.

    Called as `auroc` is.
    """

    value: Callable[[Curve], Floats]
    positive: Positive = "generated"

    def __call__(self, labels: ArrayLike, scores: ArrayLike, weights: Weights = None) -> float | Floats:
        """Computes the value; shapes and errors are those of `auroc`."""
        (values,) = _over_draws([self.value], labels, scores, self.positive, weights)
        return float(values[0]) if weights is None or np.ndim(weights) == 1 else values


def auroc(labels: ArrayLike, scores: ArrayLike, weights: Weights = None) -> float | Floats:
    """Computes the area under the ROC curve.

    The probability that a generated image scores above a real one, ties counting one half.

    Args:
        labels: ``(n,)``, 0 for real and 1 for generated.
        scores: ``(n,)`` finite scores, higher for generated.
        weights: ``(n,)`` or ``(draws, n)`` finite and not negative; None for ones.

    Returns:
        The value, or ``(draws,)`` values for weights of two dimensions; nan where a class is missing.

    Raises:
        ValueError: If a score is not finite, a label neither 0 nor 1, a weight negative, or the shapes differ.

    Examples:
        >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
        0.875
    """
    return CurveMetric(_auroc)(labels, scores, weights)


def average_precision(
    labels: ArrayLike, scores: ArrayLike, positive: Positive, weights: Weights = None, balanced: bool = False
) -> float | Floats:
    """Computes the average precision of one class; labels, scores, weights and errors are those of `auroc`.

    ``AP = sum_k (R_k - R_{k-1}) P_k`` over the distinct scores from strict to lenient: step-wise, without
    interpolation, as in scikit-learn. Unlike AUROC it depends on which class is positive (for ``real`` the lowest
    scores come first) and on the ratio of the classes; ``balanced`` gives both the same total weight (in every draw),
    so that chance is 0.5.

    Examples:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "generated"), 4)
        0.8333
        >>> round(average_precision([0, 0, 0, 1], [0.1, 0.4, 0.9, 0.8], "generated", balanced=True), 4)
        0.75
    """
    return CurveMetric(partial(_average_precision, balanced=balanced), positive)(labels, scores, weights)


def tpr_at_fpr(
    labels: ArrayLike, scores: ArrayLike, fpr: float = 0.05, positive: Positive = "generated", weights: Weights = None
) -> float | Floats:
    """Computes the true positive rate at the most lenient threshold whose false positive rate is at most ``fpr``.

    Thresholds are the distinct scores, an image is called positive at or above them (``real`` at or below), tied images
    pass together, and nothing is interpolated: the pair of rates is one that a threshold reaches. Where even the
    strictest threshold has too many false positives, no image is called positive and the rate is 0. Labels, scores,
    weights and errors are those of `auroc`; a rate that is not in [0, 1] is a ``ValueError``, too.

    Examples:
        >>> tpr_at_fpr([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.5, 0.7], fpr=0.2)
        0.5
    """
    return CurveMetric(partial(curve_values.tpr_at_fpr, limit=_rate("fpr", fpr)), positive)(labels, scores, weights)


def fpr_at_tpr(
    labels: ArrayLike, scores: ArrayLike, tpr: float = 0.95, positive: Positive = "generated", weights: Weights = None
) -> float | Floats:
    """Computes the false positive rate at the strictest threshold whose true positive rate is at least ``tpr``.

    The convention of `tpr_at_fpr`; the value is the smallest false positive rate among the thresholds that find enough.

    Examples:
        >>> fpr_at_tpr([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.5, 0.7], tpr=0.95)
        0.25
    """
    return CurveMetric(partial(curve_values.fpr_at_tpr, limit=_rate("tpr", tpr)), positive)(labels, scores, weights)


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """Returns ``(n,)`` labels and ``(n,)`` scores as arrays.

    Raises:
        ValueError: If a score is not finite, a label neither 0 nor 1, or the shapes differ.
    """
    label, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if label.ndim != 1 or label.shape != score.shape:
        raise ValueError(f"labels and scores must both have shape (n,), got {label.shape} and {score.shape}.")
    valid, finite = (label == 0) | (label == 1), np.isfinite(score)
    if not valid.all():
        raise ValueError(f"labels must be 0 (real) or 1 (generated), got {label[~valid][0]}.")
    if not finite.all():
        at = int(np.flatnonzero(~finite)[0])
        raise ValueError(f"scores must be finite, got {score[at]} at position {at}.")
    return label.astype(np.int64, copy=False), score


def undefined_reason(labels: ArrayLike) -> str | None:
    """Says why the metrics of these images are nan, or returns None where they are defined.

    Examples:
        >>> undefined_reason([1, 1])
        'no real images'
    """
    label = np.asarray(labels)
    if not label.size:
        return "no images"
    missing = [name for name, number in (("real", 0), ("generated", 1)) if not (label == number).any()]
    return f"no {missing[0]} images" if missing else None


@dataclass(frozen=True)
class Metric:
    """A named metric.

    Attributes:
        title: The name for people.
        function: Takes labels, scores and ``weights``, as `auroc` does.
        shown: Whether tables have a column of it; files have all.
        prevalence: The class whose share of the images is the value of chance; None where chance is 0.5.
        rate: Whether it is a rate at a fixed rate, of which chance is not told.
    """

    name: str
    title: str
    function: Callable[..., float | Floats]
    shown: bool = False
    prevalence: Positive | None = None
    rate: bool = False

    def chance(self, n_real: int, n_generated: int) -> float | None:
        """Returns what scores that know nothing would get on so many images; None of a rate, or of one class."""
        if self.rate or not n_real or not n_generated:
            return None
        positives = {"real": n_real, "generated": n_generated}
        return positives[self.prevalence] / (n_real + n_generated) if self.prevalence else 0.5

    def __call__(self, labels: ArrayLike, scores: ArrayLike) -> float:
        """Computes the value; nan where a class is missing (see `undefined_reason`)."""
        return float(self.function(labels, scores))

    def replicates(self, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Floats:
        """Computes ``(draws,)`` values for ``(draws, n)`` weights."""
        return np.asarray(self.function(labels, scores, weights=np.atleast_2d(weights)))


def replicates(metrics: Collection[str], labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> dict[str, Floats]:
    """Computes ``(draws,)`` values of several of `METRICS` for ``(draws, n)`` weights; images are sorted once a class.

    The values are those of `Metric.replicates`, to the last bit.
    """
    on_curves: dict[Positive, dict[str, Callable[[Curve], Floats]]] = {}
    drawn = {}
    for name in metrics:
        function = METRICS[name].function
        if isinstance(function, CurveMetric):
            on_curves.setdefault(function.positive, {})[name] = function.value
        else:
            drawn[name] = METRICS[name].replicates(labels, scores, weights)
    for positive, values in on_curves.items():
        together = _over_draws(list(values.values()), labels, scores, positive, np.atleast_2d(weights))
        drawn |= dict(zip(values, together, strict=True))
    return {name: drawn[name] for name in metrics}


def _at_fpr(limit: float, positive: Positive = "generated") -> CurveMetric:
    return CurveMetric(partial(curve_values.tpr_at_fpr, limit=limit), positive)


def _at_tpr(limit: float, positive: Positive = "generated") -> CurveMetric:
    return CurveMetric(partial(curve_values.fpr_at_tpr, limit=limit), positive)


def _to_fpr(limit: float) -> CurveMetric:
    return CurveMetric(partial(curve_values.partial_auroc, limit=limit))


_balanced_ap = partial(average_precision, balanced=True)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("auroc", "AUROC", auroc, shown=True),
        Metric("ap_generated", "AP (generated)", partial(average_precision, positive="generated"), True, "generated"),
        Metric("ap_real", "AP (real)", partial(average_precision, positive="real"), True, "real"),
        Metric("ap_generated_balanced", "balanced AP (generated)", partial(_balanced_ap, positive="generated")),
        Metric("ap_real_balanced", "balanced AP (real)", partial(_balanced_ap, positive="real")),
        Metric("tpr_at_5_fpr", "TPR at 5 % FPR (generated)", _at_fpr(0.05), rate=True),
        Metric("fpr_at_95_tpr", "FPR at 95 % TPR (generated)", _at_tpr(0.95), rate=True),
        Metric("tpr_at_5_fpr_real", "TPR at 5 % FPR (real)", _at_fpr(0.05, "real"), rate=True),
        Metric("fpr_at_95_tpr_real", "FPR at 95 % TPR (real)", _at_tpr(0.95, "real"), rate=True),
        Metric("partial_auroc_5_fpr", "partial AUROC to 5 % FPR", _to_fpr(0.05)),
        Metric("eer", "EER", CurveMetric(curve_values.equal_error_rate)),
        Metric("tpr_at_1_fpr", "TPR at 1 % FPR (generated)", _at_fpr(0.01), rate=True),
    )
}


def shown_metrics() -> list[str]:
    """Returns the names of the metrics that tables have a column of."""
    return [name for name, metric in METRICS.items() if metric.shown]


def shown_titles() -> list[str]:
    """Returns the headers of those columns."""
    return [METRICS[name].title for name in shown_metrics()]


def _auroc(curve: Curve) -> Floats:
    # On counts the area is a whole number of half pairs, exact in float64, so only the division rounds.
    positives, negatives = curve.totals()
    return np.trapezoid(curve.tps, curve.fps, axis=-1) / (positives * negatives)


def _average_precision(curve: Curve, balanced: bool) -> Floats:
    tps, fps = curve.rates() if balanced else (curve.tps, curve.fps)
    called = tps + fps
    # A draw may give weight 0 to the strictest scores; nothing is recalled there, so any finite precision will do.
    precision = np.divide(tps, called, out=np.zeros_like(tps), where=called != 0)
    area: Floats = np.sum(np.diff(curve.tps, axis=-1) * precision[:, 1:], axis=-1)
    return area / curve.totals()[0]


def _over_draws(
    values: Sequence[Callable[[Curve], Floats]],
    labels: ArrayLike,
    scores: ArrayLike,
    positive: Positive,
    weights: Weights,
) -> list[Floats]:
    """Computes ``(draws,)`` values of several functions of the same curves; one draw for weights of one dimension."""
    label, score = checked(labels, scores)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights)
    if weight.ndim not in (1, 2) or weight.shape[-1] != len(label):
        raise ValueError(f"weights must have shape ({len(label)},) or (draws, {len(label)}), got {weight.shape}.")
    is_positive = label == (1 if positive == "generated" else 0)
    ascending = -score if positive == "generated" else score
    drawn: list[list[Floats]] = [[np.empty(0)] for _ in values]
    for curve in curves_of(is_positive, ascending, np.atleast_2d(weight)):
        # Some metrics have a value without negatives, but not one that says anything.
        undefined = np.isnan(sum(curve.totals()))
        for value, chunks in zip(values, drawn, strict=True):
            chunks.append(np.where(undefined, np.nan, value(curve)))
    return [np.concatenate(chunks) for chunks in drawn]


def _rate(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a rate in [0, 1], got {value}.")
    return value
