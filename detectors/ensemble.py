"""Several detectors fused into one score, with the help of a fixed set of real images.

What a member's score means is taken from scores of real images alone, so that a fused score is a function of one image,
and no generated image is needed. :mod:`detectors.fusion` has the ways of fusing.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from detectors.base import Detector, View
from detectors.errors import OptionError
from detectors.fitting import NotFittedError, Pixels, Views
from detectors.fusion import Evidence, Fusion, ZScore, create_fusion


def known_sum(counts: Iterable[int | None]) -> int | None:
    """Sums counts; None where one of them is not known.

    Examples:
        >>> known_sum([1, 2]), known_sum([1, None])
        (3, None)
    """
    known = list(counts)
    return sum(count for count in known if count is not None) if None not in known else None


def member_names(members: Sequence[Detector]) -> tuple[str, ...]:
    """Returns the names that tell members apart: a second ``rigid`` is ``rigid#2``."""
    names = [member.name for member in members]
    return tuple(f"{name}#{n}" if (n := names[: at + 1].count(name)) > 1 else name for at, name in enumerate(names))


class Ensemble(Detector):
    """Fuses detectors; it must be fitted to real images first.

    Members may want different views: then the images are given by view. Who has the members' scores already, as from
    the score store, uses :meth:`fit_scores` and :meth:`fuse`, and needs no pass.

    Score:
        ``zscore``: mean of the members' robust z-scores, centred near 0 for real images. ``minp``: minus the logarithm
        of the members' least p-value, from 0. ``stouffer``: sum of the normal quantiles of their p-values over the root
        of their number, centred near 0. Higher means more likely generated.

    Args:
        members: Two or more detectors; one may come again with other options, or on another backbone.
        fusion: ``zscore``, ``minp`` or ``stouffer``, or what :func:`create_fusion` made.

    References:
        Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 1993, for the factor 1.4826.
        RealStats, arXiv 2601.18900, for p-values from real images; :mod:`detectors.fusion` says what differs.
    """

    paper = "none: the members' scores, fused"
    tuned_on = "held-out real images only, for what the members' scores mean; the members as they are"

    def __init__(self, members: Sequence[Detector], fusion: Fusion | str = "zscore") -> None:
        super().__init__()
        if len(members) < 2 or len({member.fingerprint() for member in members}) < len(members):
            names = "+".join(member.name for member in members)
            raise OptionError(f"An ensemble takes two or more different detectors, got {names or 'none'}.")
        self.names = member_names(members)
        self.members = nn.ModuleList(members)
        self.fusion = create_fusion(fusion) if isinstance(fusion, str) else fusion
        self._evidence: dict[str, Evidence] = {}
        self._fitted: str | None = None
        if len(self.views) == 1:
            self.view = self.views[0]

    @property
    def label(self) -> str:
        """How the ensemble is written: its members' names, joined by a plus, after the way of fusing."""
        return self.fusion.prefix + "+".join(self.names)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The members, typed."""
        return tuple(member for member in self.members if isinstance(member, Detector))

    def _named(self) -> Iterator[tuple[str, Detector]]:
        return zip(self.names, self.detectors, strict=True)

    @property
    def views(self) -> tuple[View, ...]:
        """The distinct views of the members."""
        return tuple(dict.fromkeys(member.view for member in self.detectors))

    @property
    def fitted_fingerprint(self) -> str | None:
        """Hexadecimal sha256 of the keys of the images it was fitted to; None before."""
        return self._fitted

    def fit(self, images: Pixels | Views, keys: Tensor) -> None:
        """Scores real images with every member and learns what their scores mean; see :class:`detectors.Fittable`."""
        self.fit_scores(self.member_scores(images, keys), keys)

    def fit_scores(self, scores: Mapping[str, Tensor], keys: Tensor) -> None:
        """Learns from scores of real images what the members' scores mean.

        Args:
            scores: ``(N,)`` scores by member, as :attr:`names` has them.
            keys: ``(N,)`` integers that identify the images' bytes.

        Raises:
            OptionError: A member's scores tell nothing, or are as many as there are not keys.
        """
        if any(len(scores[name]) != len(keys) for name in self.names):
            raise OptionError(f"An ensemble is fitted to one score an image; there are {len(keys)} images.")
        self._evidence = {name: self.fusion.fit(scores[name], name) for name in self.names}
        self._fitted = hashlib.sha256(json.dumps(sorted(set(keys.tolist()))).encode()).hexdigest()

    def fuse(self, scores: Mapping[str, Tensor]) -> Tensor:
        """Fuses the members' scores ``(B,)`` into one ``(B,)``, in float64.

        Raises:
            NotFittedError: No real image was seen.
        """
        if not self._evidence:
            raise NotFittedError(f"{self.label} must be fitted to real images before it can score one.")
        evidence = [evidence_of(scores[name]) for name, evidence_of in self._evidence.items()]
        return self.fusion.combine(torch.stack(evidence))

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
        return {name: member(images[member.view], keys) for name, member in self._named()}

    def forward(self, images: Pixels | Views, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        return self.fuse(self.member_scores(images, keys))

    @property
    def passes(self) -> int | None:  # noqa: D102 - see Detector
        return known_sum(member.passes for member in self.detectors)

    @property
    def options(self) -> dict[str, Any]:
        """The way of fusing and its options, and those of every member."""
        members = {f"{name}.{key}": value for name, member in self._named() for key, value in member.options.items()}
        return {"fuse": self.fusion.name, **self.fusion.options, **members}

    def fingerprint(self, **run: str | int) -> str:
        """Covers the members, in any order, the images it was fitted to, and a way of fusing other than z-scores.

        See :meth:`Detector.fingerprint`.
        """
        facts = ["ensemble", self.version, sorted(member.fingerprint(**run) for member in self.detectors), self._fitted]
        if not isinstance(self.fusion, ZScore):
            facts.append([self.fusion.name, self.fusion.options])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
