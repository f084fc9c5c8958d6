"""What a run finds out about its detectors and images before and after it scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.store.findings import Finding, Severity


@dataclass(frozen=True)
class MatchedImages(Finding):
    """What ``--match unbiased`` keeps of some generators, and for which it keeps nothing."""

    condition: str
    images: int
    generators: Sequence[str]
    unmatched: Sequence[str]


@dataclass(frozen=True)
class FittedEnsemble(Finding):
    """An ensemble that was set on the real images of some groups, which are left out of its own numbers.

    Args:
        fusion: Name of the way of fusing.
    """

    detector: str
    fusion: str
    images: int
    groups: int


@dataclass(frozen=True)
class TiedScores(Finding):
    """The p-values of an ensemble are so coarse that many images have the same score.

    Args:
        images: Real images that the p-values are ranks among.
        tied: Share of the pairs of a real and a generated image with one score, on the clean images.
    """

    detector: str
    images: int
    tied: float
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True)
class TrainedGroups(Finding):
    """Detectors that were trained on images of some groups, which are left out of their own numbers."""

    detectors: Sequence[str]
    groups: int


@dataclass(frozen=True)
class ProbedBlocks(Finding):
    """Blocks that a probe chose on the real images of some groups, which are left out of its own numbers."""

    detector: str
    count: int
    images: int
    groups: int
    blocks: str
