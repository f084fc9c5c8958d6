"""How far rankings of the same detectors on several data sets agree: Spearman's rho and Kendall's W, and intervals.

A draw's rankings carry the error of the images twice, so they agree less than the true ones, and where these agree
wholly, a percentile interval lies below 1 in almost every study. So 1 stays in the interval as long as no two detectors
are separated one way on one set and the other way on another, and rho's -1 as long as none are separated the same way
on both (paired tests, Holm). How often intervals hold: see docs/statistics.md.

References:
    Spearman, American Journal of Psychology 15 (1904) 72-101. Kendall and Babington Smith, Annals of Mathematical
    Statistics 10 (1939) 275-287.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from bench.statistics.bootstrap import Interval, interval
from bench.statistics.number import Number

Floats = NDArray[np.float64]
FEWEST_DETECTORS = 4
"""Two random orders of three detectors are the same one time in six, of four one time in 24."""
TIED = "all detectors are tied on a set"
DIGITS = 12
"""Of AUROCs that are ranked: what differs less is tied."""


def spearman_rho(first: ArrayLike, second: ArrayLike) -> Floats:
    """Correlates the ranks of the same detectors on two sets; ties share their mean rank.

    Args:
        first: ``(..., K)`` AUROCs, in any number of draws.
        second: ``(..., K)``.

    Returns:
        ``(...)``; nan where all on one side are tied.

    Examples:
        >>> float(spearman_rho([0.9, 0.8, 0.7], [0.8, 0.9, 0.6]))
        0.5
    """
    one, other = _centred_ranks(first), _centred_ranks(second)
    norms = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    products = (one * other).sum(axis=-1)
    return np.asarray(np.divide(products, norms, out=np.full(np.shape(norms), np.nan), where=norms > 0))


def kendall_w(values: ArrayLike) -> Floats:
    """Computes the concordance of several rankings, from 0 to 1, corrected for ties.

    Args:
        values: ``(..., S, K)`` AUROCs of ``K`` detectors on ``S`` sets.

    Returns:
        ``(...)``; nan where all detectors are tied on every set.

    Examples:
        >>> float(kendall_w([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.6, 0.5]]))
        1.0
    """
    ranks = _centred_ranks(values)
    sets = ranks.shape[-2]
    between = (ranks.sum(axis=-2) ** 2).sum(axis=-1)
    most = sets * (ranks**2).sum(axis=(-2, -1))
    return np.asarray(np.divide(between, most, out=np.full(np.shape(most), np.nan), where=most > 0))


def agreement(values: ArrayLike, drawn: ArrayLike, signs: ArrayLike) -> Number:
    """Computes rho of two sets, or W of more, with its interval.

    Args:
        values: ``(S, K)`` AUROCs of ``K`` detectors on ``S`` sets.
        drawn: ``(draws, S, K)`` the same in each draw.
        signs: ``(S, P)`` for each pair of detectors 1 where the first is separated above the second on a set, -1 where
            it is below, 0 where the two are not separated.
    """
    aurocs, draws, sign = (np.asarray(array, dtype=np.float64) for array in (values, drawn, signs))
    two = len(aurocs) == 2
    value = float(spearman_rho(aurocs[0], aurocs[1]) if two else kendall_w(aurocs))
    low, high = interval(spearman_rho(draws[:, 0], draws[:, 1]) if two else kendall_w(draws))
    if np.isnan(value) or np.isnan(low):
        return Number(value, reason=TIED)
    may_agree = not np.any((sign == 1).any(axis=0) & (sign == -1).any(axis=0))
    may_oppose = two and not np.any(sign[0] * sign[1] == 1)
    return Number(value, Interval(-1.0 if may_oppose else low, 1.0 if may_agree else high))


def _centred_ranks(values: ArrayLike) -> Floats:
    ranks = rankdata(np.round(np.asarray(values, dtype=np.float64), DIGITS), axis=-1)
    return np.asarray(ranks - ranks.mean(axis=-1, keepdims=True))
