"""The standard error of a mean over images and seeds, and how many degrees of freedom it has.

``SE^2 = SE_images^2 + s_seeds^2 / S``. With few seeds their spread is measured badly, and Satterthwaite's degrees of
freedom, which take it as measured, are too many where it makes most of the error. So the degrees of freedom (not the
error) count the variance over ``f = S - 1`` degrees of freedom ``1 + 6 / f`` times. The 6 is ours, not the
literature's. It does not carry over to higher levels: p-values below 0.01 from two seeds are too small. How often
intervals hold with it, and what else was measured: see docs/statistics.md.

References:
    Satterthwaite, Biometrics Bulletin 2 (1946) 110-114.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEEDS_ALLOWANCE = 6.0


class StandardError(NamedTuple):
    """A standard error and its degrees of freedom."""

    se: float
    df: float


def over_images_and_seeds(images: float, df: float, seeds: Sequence[Sequence[float]]) -> StandardError:
    """Adds the error over seeds to that over images.

    Args:
        images: Squared standard error over images.
        df: Its degrees of freedom.
        seeds: The value of each seed, for each independent set of seeds; the spread of a single seed is unknown, and
            left out.
    """
    return mixed(images, df, [(seeds_variance(values), len(values) - 1) for values in seeds if len(values) > 1])


def mixed(images: float, df: float, spreads: Sequence[tuple[float, float]]) -> StandardError:
    """Adds variances over seeds, each with its degrees of freedom, to that over images."""
    counted = [(spread * (1 + SEEDS_ALLOWANCE / df_seeds), df_seeds) for spread, df_seeds in spreads]
    weight = images**2 / df + sum(spread**2 / df_seeds for spread, df_seeds in counted)
    se = float(np.sqrt(images + sum(spread for spread, _ in spreads)))
    return StandardError(se, (images + sum(spread for spread, _ in counted)) ** 2 / weight if weight > 0 else df)


def satterthwaite(squares: NDArray[np.float64], freedom: NDArray[np.float64]) -> tuple[float, float]:
    """Adds up the ``(K,)`` variances of strata, each with its degrees of freedom: their sum, and its own degrees."""
    variance, known = float(squares.sum()), freedom > 0
    weight = float(np.sum(squares[known] ** 2 / freedom[known]))
    return variance, variance**2 / weight if weight > 0 else float(freedom.sum())


def seeds_variance(seeds: Sequence[float]) -> float:
    """Returns the variance of a mean over seeds; 0 with one seed."""
    return float(np.var(seeds, ddof=1)) / len(seeds) if len(seeds) > 1 else 0.0


def images_alone(error: StandardError, seeds: Sequence[float]) -> tuple[float, float]:
    """Takes the seeds out of a standard error: the squared one over images, and its degrees of freedom."""
    spread, df_seeds = seeds_variance(seeds), len(seeds) - 1
    images = max(error.se**2 - spread, 0.0)
    if spread == 0 or images == 0:
        return images, error.df
    counted = spread * (1 + SEEDS_ALLOWANCE / df_seeds)
    weight = (images + counted) ** 2 / error.df - counted**2 / df_seeds
    return images, images**2 / weight if weight > 0 else float("inf")
