"""Several detectors fused into one score: the mean of their z-scores, taken on a fixed set of real images.

``score(x) = 1/m sum_d (s_d(x) - median_d) / (1.4826 MAD_d)``. Median and median absolute deviation come from scores of
real images alone, so that a fused score is a function of one image, and no generated image is needed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from detectors.base import Detector, View
from detectors.errors import OptionError
from detectors.fitting import NotFittedError, Pixels, Views

MAD_TO_STD = 1.4826
"""The standard deviation of a normal distribution is so many times its median absolute deviation."""
LEAST_IMAGES = 8


@dataclass(frozen=True)
class RobustScale:
    """Median and spread of the scores of real images.

    Args:
        median: Their median.
        spread: 1.4826 times their median absolute deviation.
    """

    median: float
    spread: float

    @classmethod
    def of(cls, scores: Tensor, name: str) -> "RobustScale":
        """Measures scores ``(N,)``.

        Raises:
            OptionError: They are too few, not finite, or more than half of them equal.
        """
        scores = scores.double()
        if len(scores) < LEAST_IMAGES:
            raise OptionError(f"An ensemble is fitted to at least {LEAST_IMAGES} real images, got {len(scores)}.")
        if not scores.isfinite().all():
            raise OptionError(f"Some scores of {name} on the real images are not finite.")
        median = scores.quantile(0.5)
        spread = MAD_TO_STD * (scores - median).abs().quantile(0.5)
        if spread <= 0:
            raise OptionError(f"At least half of the real images have the same score of {name}: it cannot be scaled.")
        return cls(median.item(), spread.item())


def known_sum(counts: Iterable[int | None]) -> int | None:
    """Sums counts; None where one of them is not known.

    Examples:
        >>> known_sum([1, 2]), known_sum([1, None])
        (3, None)
    """
    known = list(counts)
    return sum(count for count in known if count is not None) if None not in known else None


class Ensemble(Detector):
    """Fuses detectors; it must be fitted to real images first.

    Members may want different views: then the images are given by view. Who has the members' scores already, as from
    the score store, uses :meth:`fit_scores` and :meth:`fuse`, and needs no pass.

    Score:
        Mean of the members' robust z-scores, centred near 0 for real images; higher means more likely generated.

    Args:
        members: Two or more detectors of different names.

    References:
        Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 1993, for the factor 1.4826.
    """

    paper = "none: robust z-scores, averaged"
    tuned_on = "held-out real images only, for the members' scales; the members as they are"

    def __init__(self, members: Sequence[Detector]) -> None:
        super().__init__()
        names = [member.name for member in members]
        if len(names) < 2 or len(set(names)) < len(names):
            raise OptionError(f"An ensemble takes two or more different detectors, got {'+'.join(names) or 'none'}.")
        self.names = tuple(names)
        self.members = nn.ModuleList(members)
        self.scales: dict[str, RobustScale] = {}
        self._fitted: str | None = None
        if len(self.views) == 1:
            self.view = self.views[0]

    @property
    def label(self) -> str:
        """How the ensemble is written: its members' names, joined by a plus."""
        return "+".join(self.names)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The members, typed."""
        return tuple(member for member in self.members if isinstance(member, Detector))

    @property
    def views(self) -> tuple[View, ...]:
        """The distinct views of the members."""
        return tuple(dict.fromkeys(member.view for member in self.detectors))

    @property
    def fitted_fingerprint(self) -> str | None:
        """Hexadecimal sha256 of the keys of the images it was fitted to; None before."""
        return self._fitted

    def fit(self, images: Pixels | Views, keys: Tensor) -> None:
        """Scores real images with every member and takes the scales from them; see :class:`detectors.Fittable`."""
        self.fit_scores(self.member_scores(images, keys), keys)

    def fit_scores(self, scores: Mapping[str, Tensor], keys: Tensor) -> None:
        """Takes the scales from scores of real images.

        Args:
            scores: ``(N,)`` scores by member.
            keys: ``(N,)`` integers that identify the images' bytes.

        Raises:
            OptionError: A member's scores cannot be scaled, or are as many as there are not keys.
        """
        if any(len(scores[name]) != len(keys) for name in self.names):
            raise OptionError(f"An ensemble is fitted to one score an image; there are {len(keys)} images.")
        self.scales = {name: RobustScale.of(scores[name], name) for name in self.names}
        self._fitted = hashlib.sha256(json.dumps(sorted(set(keys.tolist()))).encode()).hexdigest()

    def fuse(self, scores: Mapping[str, Tensor]) -> Tensor:
        """Fuses the members' scores ``(B,)`` into one ``(B,)``, in float64.

        Raises:
            NotFittedError: No real image was seen.
        """
        if not self.scales:
            raise NotFittedError(f"{self.label} must be fitted to real images before it can score one.")
        scaled = [(scores[name].double() - scale.median) / scale.spread for name, scale in self.scales.items()]
        return torch.stack(scaled).mean(dim=0)

    def member_scores(self, images: Pixels | Views, keys: Tensor) -> dict[str, Tensor]:
        """Scores ``(B,)`` of each member.

        Raises:
            OptionError: The members want different views, and the images are not given by view.
        """
        if not isinstance(images, Mapping):
            if len(self.views) > 1:
                wanted = ", ".join(f"{member.name}: {member.view}" for member in self.detectors)
                raise OptionError(f"The members of {self.label} want different views ({wanted}): give one for each.")
            images = {self.views[0]: images}
        return {member.name: member(images[member.view], keys) for member in self.detectors}

    def forward(self, images: Pixels | Views, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return self.fuse(self.member_scores(images, keys))

    @property
    def passes(self) -> int | None:  # noqa: D102 - see Detector
        return known_sum(member.passes for member in self.detectors)

    @property
    def options(self) -> dict[str, Any]:
        """The options of every member."""
        return {f"{member.name}.{key}": value for member in self.detectors for key, value in member.options.items()}

    def fingerprint(self, **run: str | int) -> str:
        """Covers the members, in any order, and the images it was fitted to; see :meth:`Detector.fingerprint`."""
        members = sorted(member.fingerprint(**run) for member in self.detectors)
        return hashlib.sha256(json.dumps(["ensemble", self.version, members, self._fitted]).encode()).hexdigest()
