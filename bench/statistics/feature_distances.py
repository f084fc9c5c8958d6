"""Distances between two sets of features: Fréchet's, as FID has it, and the kernel distance of KID.

``FID = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` of means and covariances. It is biased upwards, roughly as
1/n, so numbers compare at equal n only, and with fewer images than features the covariances are singular. KID is the
squared maximum mean discrepancy with the kernel ``(x.y / D + 1)^3``; its estimate is unbiased at any n, and may be
negative.

References:
    Heusel et al., arXiv 1706.08500 (FID); Bińkowski et al., arXiv 1801.01401 (KID). The numbers are those of
    ``torchmetrics.image``, features being given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIMES_FEATURES = 2
"""FID asks for so many images a side for each feature."""
SUBSETS, SUBSET_SIZE, DEGREE = 100, 1000, 3


@dataclass(frozen=True)
class KernelDistance:
    """KID over subsets of ``size`` images a side.

    Args:
        value: Mean over subsets; unbiased.
        sd: Standard deviation over subsets; they overlap, so it is no standard error.
    """

    value: float
    sd: float
    size: int
    subsets: int


def fid_refusal(n: int, features: int) -> str | None:
    """Says why so few images a side cannot carry a FID, or returns None where they can.

    Examples:
        >>> fid_refusal(100, 1024)
        '100 images a side are fewer than 2 x 1024 features: the covariances would be noise'
        >>> fid_refusal(2048, 1024)
    """
    if n >= TIMES_FEATURES * features:
        return None
    return f"{n} images a side are fewer than {TIMES_FEATURES} x {features} features: the covariances would be noise"


def fid(first: Floats, second: Floats) -> float:
    """Computes the squared Fréchet distance of ``(n, D)`` and ``(m, D)`` features, at least 0 up to rounding.

    The root's trace comes from the symmetric ``S1^(1/2) S2 S1^(1/2)``, which has the eigenvalues of ``S1 S2`` without
    their imaginary rounding errors.

    Raises:
        ValueError: The features do not fit together, or a side has fewer than two images.

    Examples:
        >>> fid(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
        9.0
    """
    _check(first, second)
    difference = first.mean(axis=0) - second.mean(axis=0)
    covariances = [np.atleast_2d(np.cov(side, rowvar=False)) for side in (first, second)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(values.clip(min=0))
    inner = np.linalg.eigvalsh(root.T @ covariances[1] @ root)
    spread = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.sqrt(inner.clip(min=0)).sum()
    return float(difference @ difference + spread)


def kid(
    first: Floats, second: Floats, subsets: int = SUBSETS, size: int | None = None, seed: int = 0
) -> KernelDistance:
    """Computes the kernel distance of ``(n, D)`` and ``(m, D)`` features over subsets, drawn without replacement.

    A subset has 1,000 images a side by default, or half the smaller side where that is less.

    Raises:
        ValueError: The features do not fit together, or a subset would hold fewer than two images or more than there
            are.
    """
    _check(first, second)
    smallest = min(len(first), len(second))
    size = min(SUBSET_SIZE, smallest // 2) if size is None else size
    if not 2 <= size <= smallest:
        raise ValueError(f"A subset needs 2 to {smallest} images of each side, got {size}.")
    stream = np.random.default_rng(seed)
    values = [
        squared_mmd(*(side[stream.choice(len(side), size, replace=False)] for side in (first, second)))
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(values)), float(np.std(values)), size, subsets)


def squared_mmd(first: Floats, second: Floats) -> float:
    """Estimates the squared maximum mean discrepancy without bias: an image is never compared with itself.

    Examples:
        >>> squared_mmd(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]))  # 1 + 1 - 2 (1 + 1 + 1 + 8) / 4
        -3.5
    """
    _check(first, second)
    within = [
        (_kernel(side @ side.T, side).sum() - _kernel((side * side).sum(axis=1), side).sum())
        / len(side)
        / (len(side) - 1)
        for side in (first, second)
    ]
    return float(within[0] + within[1] - 2 * _kernel(first @ second.T, first).mean())


def _kernel(products: Floats, side: Floats) -> Floats:
    return np.asarray((products / side.shape[1] + 1) ** DEGREE)


def _check(first: Floats, second: Floats) -> None:
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"Expected features (n, D) and (m, D), got {first.shape} and {second.shape}.")
    if min(len(first), len(second)) < 2:
        raise ValueError(f"Each side needs 2 images or more, got {len(first)} and {len(second)}.")
