"""Ways of fusing detectors: what real images alone tell of a member's score, and what the members' parts give together.

``zscore`` averages robust z-scores. ``minp`` and ``stouffer`` know ranks alone: a member's score becomes the share of
``n`` held-out real images that score as high, a conformal p-value ``p = (1 + #{real >= s}) / (n + 1)``, and the
members' p-values become one score. Ranks are exact, ties counted; no generated image is needed.

The idea of the latter two is RealStats'. The same: p-values from real images alone, and their minimum or Stouffer's
sum. Different: RealStats reads p from a histogram of some hundreds of bins, here it is the exact rank; there it is
two-sided, here upper-tailed unless ``sides=2``; RealStats chooses a clique of statistics that look independent, here
the members are those that are named; and it gives the result back as a p-value, which needs that independence. Members
that see the same image, and more so the same backbone, depend on each other: what is fused here ranks images, and is
no calibrated p-value.

References:
    RealStats: arXiv 2601.18900, code ``shaham-lab/RealStats``.
    Conformal p-values: Bates et al., "Testing for Outliers with Conformal p-values", Annals of Statistics 2023.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from detectors.errors import OptionError, UnknownNameError

MAD_TO_STD = 1.4826
"""The standard deviation of a normal distribution is so many times its median absolute deviation."""
LEAST_IMAGES = 8
Evidence = Callable[[Tensor], Tensor]
"""Turns a member's scores ``(B,)`` into what is fused, ``(B,)`` float64; higher means more likely generated."""


class Fusion(ABC):
    """How members' scores become one; nothing but :meth:`fit` sees held-out real images, and it sees no others."""

    name: ClassVar[str]
    paper: ClassVar[str]
    citations: ClassVar[tuple[Mapping[str, str], ...]] = ()
    tuned_on: ClassVar[str]

    @property
    def options(self) -> dict[str, Any]:
        """The options and their values."""
        return {}

    @property
    def prefix(self) -> str:
        """How it is written before the members, without defaults; nothing for the mean of z-scores."""
        changed = self.options.items() - type(self)().options.items()
        return ",".join((f"fuse={self.name}", *(f"{name}={value}" for name, value in sorted(changed)))) + ":"

    def fit(self, scores: Tensor, member: str) -> Evidence:
        """Learns from scores ``(N,)`` of held-out real images what a score of that member means.

        Raises:
            OptionError: They are too few, or not finite, or tell nothing.
        """
        scores = scores.double()
        if len(scores) < LEAST_IMAGES:
            raise OptionError(f"An ensemble is fitted to at least {LEAST_IMAGES} real images, got {len(scores)}.")
        if not scores.isfinite().all():
            raise OptionError(f"Some scores of {member} on the real images are not finite.")
        return self._fitted(scores, member)

    @abstractmethod
    def _fitted(self, scores: Tensor, member: str) -> Evidence:
        """Does so for finite float64 scores."""

    @abstractmethod
    def combine(self, evidence: Tensor) -> Tensor:
        """Makes one score ``(B,)`` of the members' evidence ``(M, B)``."""


class ZScore(Fusion):
    """``score(x) = 1/m sum_d (s_d(x) - median_d) / (1.4826 MAD_d)``."""

    name = "zscore"
    paper = "none: robust z-scores, averaged"
    tuned_on = "held-out real images only, for the members' scales; the members as they are"

    @property
    def prefix(self) -> str:  # noqa: D102 - see Fusion
        return ""

    def _fitted(self, scores: Tensor, member: str) -> Evidence:
        median = scores.quantile(0.5)
        spread = MAD_TO_STD * (scores - median).abs().quantile(0.5)
        if spread <= 0:
            raise OptionError(f"At least half of the real images have the same score of {member}: it cannot be scaled.")
        return partial(_z_scores, median.item(), spread.item())

    def combine(self, evidence: Tensor) -> Tensor:  # noqa: D102 - see Fusion
        return evidence.mean(dim=0)


class OfRanks(Fusion):
    """What is fused from p-values.

    Args:
        sides: 1 takes high scores alone for unusual, as every detector's are; 2 takes low ones, too, as RealStats does:
            twice the smaller of both tails' p-values, at most 1.
    """

    paper = "arXiv 2601.18900, its idea: p-values from real images"
    citations = (
        {
            "key": "zisman2026realstats",
            "author": "Zisman, Haim and Shaham, Uri",
            "title": "RealStats: A Rigorous Real-Only Statistical Framework for Fake Image Detection",
            "booktitle": "International Conference on Artificial Intelligence and Statistics (AISTATS)",
            "year": "2026",
            "eprint": "2601.18900",
        },
    )
    tuned_on = "held-out real images only, for the members' p-values; the members as they are"

    def __init__(self, *, sides: int = 1) -> None:
        if sides not in (1, 2):
            raise OptionError(f"sides must be 1 or 2, got {sides}.")
        self.sides = sides

    @property
    def options(self) -> dict[str, Any]:  # noqa: D102 - see Fusion
        return {"sides": self.sides}

    def _fitted(self, scores: Tensor, member: str) -> Evidence:
        return partial(self.evidence, scores.sort().values)

    @abstractmethod
    def evidence(self, reals: Tensor, scores: Tensor) -> Tensor:
        """Makes evidence of scores ``(B,)`` beside sorted scores of real images ``(N,)``."""

    def p_values(self, reals: Tensor, scores: Tensor) -> Tensor:
        """Returns conformal p-values ``(B,)`` of scores beside sorted scores of real images ``(N,)``."""
        reals, scores = reals.to(scores.device), scores.double()
        as_high = len(reals) - torch.searchsorted(reals, scores)
        p = (1 + as_high).double() / (len(reals) + 1)
        if self.sides == 2:
            as_low = torch.searchsorted(reals, scores, right=True)
            p = (2 * torch.minimum(p, (1 + as_low).double() / (len(reals) + 1))).clamp(max=1)
        return p.masked_fill(scores.isnan(), math.nan)


class MinP(OfRanks):
    """``score(x) = -log min_d p_d(x)``: one member that finds the image unusual is enough.

    With ``n`` held-out reals it has ``n + 1`` values, and all images that some member puts above every one of them
    share the highest, ``log(n + 1)``.
    """

    name = "minp"

    def evidence(self, reals: Tensor, scores: Tensor) -> Tensor:  # noqa: D102 - see OfRanks
        return -self.p_values(reals, scores).log()

    def combine(self, evidence: Tensor) -> Tensor:  # noqa: D102 - see Fusion
        return evidence.amax(dim=0)


class Stouffer(OfRanks):
    """``score(x) = sum_d Phi^-1(1 - p_d(x)) / sqrt(m)``: members that agree add up.

    An image below every held-out real has ``p = 1``, whose quantile is minus infinity; ``(n + 1/2) / (n + 1)`` stands
    for it, between 1 and the next value, so that scores are finite and their order stays.
    """

    name = "stouffer"

    def evidence(self, reals: Tensor, scores: Tensor) -> Tensor:  # noqa: D102 - see OfRanks
        most = 1 - 0.5 / (len(reals) + 1)
        quantiles: Tensor = torch.special.ndtri(self.p_values(reals, scores).clamp(max=most))
        return -quantiles

    def combine(self, evidence: Tensor) -> Tensor:  # noqa: D102 - see Fusion
        return evidence.sum(dim=0) / math.sqrt(len(evidence))


FUSIONS: dict[str, type[Fusion]] = {fusion.name: fusion for fusion in (ZScore, MinP, Stouffer)}


def create_fusion(name: str, **options: Any) -> Fusion:  # noqa: ANN401 - checked by the class
    """Makes a way of fusing by name.

    Raises:
        UnknownNameError: There is none of that name.
        OptionError: An option's value cannot be.

    Examples:
        >>> create_fusion("stouffer", sides=2).prefix
        'fuse=stouffer,sides=2:'
    """
    return find_fusion(name)(**options)


def find_fusion(name: str) -> type[Fusion]:
    """Returns the class of a way of fusing.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in FUSIONS:
        raise UnknownNameError("way of fusing", name, FUSIONS)
    return FUSIONS[name]


def _z_scores(median: float, spread: float, scores: Tensor) -> Tensor:
    return (scores.double() - median) / spread
