"""What follows from influence values: standard errors, intervals, paired tests.

References:
    Intervals near 1: Newcombe, Statistics in Medicine 25 (2006) 559-573, method 5. Multiplicity: Holm, Scandinavian
    Journal of Statistics 6 (1979) 65-70.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import nct, t

from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues, aligned
from bench.statistics.standard_errors import (
    StandardError,
    images_alone,
    mixed,
    over_images_and_seeds,
    satterthwaite,
    seeds_variance,
)

Floats = NDArray[np.float64]

# Rounding leaves differences and errors of about 1e-17 where they are 0; the smallest real ones at 10^5 images of
# each class are 1e-10.
ZERO = 1e-14
# Weight, in images on the wrong side, of the variance that the AUROC alone suggests (see `auroc_interval`).
PRIOR_EVENTS = 0.5


@dataclass(frozen=True)
class PairedTest:
    """The difference of two AUROCs on the same images, first minus second, and the two-sided p-value of its absence.

    ``df`` are the degrees of freedom of its standard error ``se``.
    """

    difference: float
    se: float
    df: float
    p: float
    low: float
    high: float

    @property
    def reversed(self) -> "PairedTest":
        """Second minus first."""
        return PairedTest(-self.difference, self.se, self.df, self.p, -self.high, -self.low)


def standard_error(influence: InfluenceValues) -> StandardError:
    """Computes the standard error over images and seeds (nan where a class is one group) and its degrees of freedom.

    ``SE^2 = SE_images^2 + s_seeds^2 / S`` for the mean over seeds as an estimate of what further seeds would give. With
    one seed the spread over seeds is unknown, and left out. See `bench.statistics.standard_errors`. ``SE_images^2`` is
    the sum over strata of squared influences ``S_k``; its degrees of freedom are Satterthwaite's,
    ``(sum_k S_k)^2 / sum_k (S_k^2 / f_k)``. With 10 real images and 2,000 generated ones they are about 9, not 2,009;
    where every group holds both classes they are the number of groups less one.
    """
    return over_images_and_seeds(*_over_images(influence, influence.values), [influence.seeds])


def heavy_tailed_error(influence: InfluenceValues) -> StandardError:
    """Computes the standard error of a metric that hangs on few images, with fewer degrees of freedom.

    A handful of negatives among the strictest scores makes most of an average precision's error. The variance of a
    variance is ``(kurtosis - 1) / C``, so a stratum with degrees of freedom ``f`` counts ``2 f / (kurtosis - 1)``, at
    most ``f``; its kurtosis is that of its influences about 0, 3 where they are normal.
    """
    return over_images_and_seeds(*_over_images(influence, influence.values, heavy_tails=True), [influence.seeds])


def auroc_interval(influence: InfluenceValues, level: float = 0.95, error: StandardError | None = None) -> Interval:
    """Computes an interval for an AUROC, or for a mean of them, that keeps its length near 1.

    A score interval of Newcombe's kind: all ``theta`` with ``(A - theta)^2 <= q^2 k H(theta)``, where ``H`` is Hanley
    and McNeil's variance for the numbers of groups and ``q`` a quantile of t. The factor ``k`` is ``SE^2 / H(A)``, so
    away from 1 this is DeLong's interval. Near 1 the SE rests on the few images on the wrong side, some
    ``e = N min(A, 1 - A)``, and is 0 where there are none; so ``k`` is averaged with 1 by the weights ``e`` and 0.5.
    Hence never [1, 1]: with 48 images of each class all in order, [0.96, 1]. ``N`` is twice the harmonic mean of the
    numbers of groups of both classes, at most the number of groups: the smaller class decides. Nan where a class is
    one group. ``error`` is its `standard_error`, where that is known.
    """
    value, (se, df) = influence.value, error or standard_error(influence)
    if np.isnan(se):
        return Interval(float("nan"), float("nan"))
    expected = _hanley_mcneil(value, influence)
    ratio = se**2 / expected if expected > 0 else 1.0
    events = _effective_groups(influence) * min(value, 1 - value)
    factor = (ratio * events + PRIOR_EVENTS) / (events + PRIOR_EVENTS)
    spread = float(t.ppf((1 + level) / 2, df)) ** 2 * factor

    def outside(theta: float) -> float:
        return (value - theta) ** 2 - spread * _hanley_mcneil(theta, influence)

    # At 0 and 1 the variance is 0: an AUROC there is its own root, which hides the other from a bracket.
    inside = min(max(value, 1e-12), 1 - 1e-12)
    low = brentq(outside, 0.0, inside, xtol=1e-12) if value > 0 else 0.0
    high = brentq(outside, inside, 1.0, xtol=1e-12) if value < 1 else 1.0
    return Interval(float(low), float(high))


def bounded_interval(
    influence: InfluenceValues, level: float = 0.95, error: StandardError | None = None
) -> Interval | None:
    """Computes an interval of a metric in (0, 1) on the logit scale, such as an average precision.

    None where it would be a point: a value of 0 or 1, no error, a single group. ``error`` is its `heavy_tailed_error`,
    where that is known.
    """
    return logit_interval(influence.value, error or heavy_tailed_error(influence), level)


def logit_interval(value: float, error: StandardError, level: float = 0.95) -> Interval | None:
    """Computes an interval of a value in (0, 1) on the logit scale; None where it would be a point."""
    if not 0 < value < 1 or not error.se > ZERO:
        return None
    arm = float(t.ppf((1 + level) / 2, error.df)) * error.se / (value * (1 - value))
    return Interval(float(expit(logit(value) - arm)), float(expit(logit(value) + arm)))


def paired_test(
    first: InfluenceValues, second: InfluenceValues, level: float = 0.95, same_seeds: bool = False
) -> PairedTest:
    """Tests whether two detectors differ on the same images (DeLong's paired test, over groups and seeds).

    Without any difference the p-value is 1. Where the error is 0 but the difference is not (one separates the
    classes wholly and the other is constant), the error comes from the intervals of the two. A group of images that
    only one of them has scored has no influence on the other. The seeds of the two are independent, unless a seed does
    the same in both (``same_seeds``), as under two conditions of one detector.

    Raises:
        ValueError: If the seeds should be the same but are not equally many.
    """
    first, second = aligned(first, second)
    difference = first.value - second.value
    seeds: list[Sequence[float]] = [first.seeds, second.seeds]
    if same_seeds:
        if len(first.seeds) != len(second.seeds):
            raise ValueError(f"Expected the same seeds, got {len(first.seeds)} and {len(second.seeds)}.")
        seeds = [np.subtract(first.seeds, second.seeds).tolist()]
    se, df = over_images_and_seeds(*_over_images(first, first.values - second.values), seeds)
    if abs(difference) < ZERO and se < ZERO:
        return PairedTest(0.0, 0.0, df, 1.0, 0.0, 0.0)
    quantile = float(t.ppf((1 + level) / 2, df))
    if se < ZERO:
        se = float(np.hypot(_arm(first, level), _arm(second, level))) / quantile
    p = 1.0 if abs(difference) < ZERO else 2 * float(t.sf(abs(difference) / se, df))
    low, high = difference - quantile * se, difference + quantile * se
    return PairedTest(difference, se, df, p, max(low, -1.0), min(high, 1.0))


def smallest_difference(test: PairedTest, tests: int) -> float:
    """Returns the difference that would be found in four of five data sets like this one; nan of a test that is nan.

    By the noncentral t distribution with the degrees of freedom of the test, for the first step of Holm's procedure at
    5 % over a family of ``tests``. With many degrees of freedom and one test it is 2.8 standard errors.
    """
    if np.isnan(test.df):
        return float("nan")
    critical = float(t.ppf(1 - 0.025 / tests, test.df))
    errors = brentq(lambda shift: nct.sf(critical, test.df, shift) - 0.8, 0.0, 4 * critical + 10, xtol=1e-6)
    return float(errors) * test.se


def holm(p_values: ArrayLike) -> Floats:
    """Adjusts p-values for their number (Holm), in the order given; nan stays nan and does not count.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    adjusted = np.full(p.shape, np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def prediction_interval(
    value: float,
    se: float,
    df: float,
    n_ours: float,
    n_paper: float,
    seeds_variance_paper: float = 0.0,
    seeds: Sequence[float] = (),
    level: float = 0.95,
) -> Interval:
    """Computes where in [0, 1] a paper's number is expected if nothing differs but the images and the seeds.

    The paper's number is an estimate, too: ``value ± t sqrt(SE_images^2 (1 + n_ours / n_paper) + V_ours + V_paper)``
    with the variances ``V`` of the two means over seeds. ``SE_images^2 = se^2 - V_ours``, and its degrees of freedom,
    are taken out of ``se`` and ``df``. Both ``V`` are taken to come from one measured spread, with one degree of
    freedom less than we have seeds; with one seed ``V_ours`` is 0 and ``V_paper`` counts as known.

    Our number, its `standard_error` and degrees of freedom are over images and seeds. The paper's images are drawn
    apart from ours; the same photographs on both sides make the interval too long. ``V_paper`` is ``s_seeds^2 / S`` of
    the paper: either its own, or ours with its number of seeds.
    """
    error = prediction_error(se, df, n_ours, n_paper, seeds_variance_paper, seeds)
    arm = float(t.ppf((1 + level) / 2, error.df)) * error.se
    return Interval(max(value - arm, 0.0), min(value + arm, 1.0))


def prediction_error(
    se: float,
    df: float,
    n_ours: float,
    n_paper: float,
    seeds_variance_paper: float = 0.0,
    seeds: Sequence[float] = (),
) -> StandardError:
    """Computes the standard error of the difference between our number and a paper's (see `prediction_interval`)."""
    images, df_images = images_alone(StandardError(se, df), seeds)
    spread = seeds_variance(seeds) + seeds_variance_paper
    df_seeds = len(seeds) - 1 if len(seeds) > 1 else float("inf")
    return mixed(images * (1 + n_ours / n_paper), df_images, [(spread, df_seeds)])


def _over_images(influence: InfluenceValues, values: Floats, heavy_tails: bool = False) -> tuple[float, float]:
    """Returns the squared standard error of ``(C,)`` influences and its degrees of freedom, for the groups at hand."""
    if min(influence.class_sizes) < 2:
        return float("nan"), float("nan")
    squared = values * values
    squares = np.bincount(influence.strata, weights=squared)
    freedom = influence.stratum_freedom
    if heavy_tails:
        fourths, sizes = np.bincount(influence.strata, weights=squared * squared), np.bincount(influence.strata)
        # (kurtosis - 1) times the squared sum, which is 0 where all influences are alike.
        excess = sizes * fourths - squares**2
        freedom = freedom * np.divide(2 * squares**2, excess, out=np.ones_like(excess), where=excess > 2 * squares**2)
    return satterthwaite(squares.astype(np.float64), freedom)


def _effective_groups(influence: InfluenceValues) -> float:
    real, generated = influence.class_sizes
    return min(float(np.count_nonzero(influence.classes)), 4 * real * generated / (real + generated))


def _hanley_mcneil(theta: float, influence: InfluenceValues) -> float:
    """Variance of an AUROC ``theta`` under exponential scores, with Newcombe's mean of both class sizes."""
    m, n = influence.n_real, influence.n_generated
    both = (1 - theta) / (2 - theta) + theta / (1 + theta)
    return theta * (1 - theta) * (1 + ((m + n) / 2 - 1) * both) / (m * n)


def _arm(influence: InfluenceValues, level: float) -> float:
    low, high = auroc_interval(influence, level)
    return max(influence.value - low, high - influence.value)
