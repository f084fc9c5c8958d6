"""Metrics as functions of an operating curve: what a detector reaches where few errors are allowed.

The positive class is the curve's; the curve's points are the distinct scores, from the strictest.
"""

import numpy as np

from bench.statistics.operating_curve import Curve, Floats


def tpr_at_fpr(curve: Curve, limit: float) -> Floats:
    """Computes the highest true positive rate of a point whose false positive rate is at most ``limit``."""
    # Rates, not counts, are compared: the rounded quotient 3 / 60 is the float 0.05, but 0.05 * 60 may round past 3.
    tpr, fpr = curve.rates()
    return np.asarray(np.max(tpr, axis=-1, where=fpr <= limit, initial=0.0))


def fpr_at_tpr(curve: Curve, limit: float) -> Floats:
    """Computes the lowest false positive rate of a point whose true positive rate is at least ``limit``."""
    tpr, fpr = curve.rates()
    return np.asarray(np.min(fpr, axis=-1, where=tpr >= limit, initial=1.0))


def partial_auroc(curve: Curve, limit: float) -> Floats:
    """Computes the area under the curve up to a false positive rate, standardised to 0.5 for chance and 1 for perfect.

    With the area ``A`` between the rates 0 and ``limit``, straight between points, as scikit-learn has it:
    ``(1 + (A - limit^2 / 2) / (limit - limit^2 / 2)) / 2``. It can be a little below 0.5.

    References:
        McClish, Medical Decision Making 9 (1989) 190-195.
    """
    tpr, fpr = curve.rates()
    inside = np.count_nonzero(fpr <= limit, axis=-1)
    # Points beyond the first that passes the limit change nothing, and are most of them.
    near = min(int(inside.max(initial=1)) + 1, fpr.shape[-1])
    tpr, fpr = tpr[:, :near], fpr[:, :near]
    area = np.trapezoid(tpr, np.minimum(fpr, limit), axis=-1)
    draws = np.arange(len(fpr))
    before = np.clip(inside - 1, 0, near - 1)
    after = np.minimum(before + 1, near - 1)
    step, width = fpr[draws, after] - fpr[draws, before], limit - fpr[draws, before]
    share = np.divide(width, step, out=np.ones_like(width), where=step > 0)
    # The last piece ends on the limit, lower than the point that it leads to.
    area -= width * (tpr[draws, after] - tpr[draws, before]) * (1 - share) / 2
    chance = limit**2 / 2
    return np.asarray((1 + (area - chance) / (limit - chance)) / 2)


def equal_error_rate(curve: Curve) -> Floats:
    """Computes the rate at which false positives equal false negatives.

    Where no threshold has both rates equal, it lies on the straight line between the two points around: what drawing
    lots between their thresholds reaches. So tied images count in the shares that make the rates equal. It is the same
    for both classes as the positive one.
    """
    tpr, fpr = curve.rates()
    balance = tpr + fpr - 1  # from -1 up to 1: false positives less false negatives
    after = np.argmax(balance >= 0, axis=-1)
    draws = np.arange(len(fpr))
    before = np.maximum(after - 1, 0)
    low, high = balance[draws, before], balance[draws, after]
    share = np.divide(-low, high - low, out=np.zeros_like(low), where=high > low)
    return np.asarray(fpr[draws, before] + share * (fpr[draws, after] - fpr[draws, before]))
