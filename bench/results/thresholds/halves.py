"""The held-out half of a panel's real groups, thresholds fitted to it, and bootstrap draws of either half."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.results.summary import DRAWS, Draws
from bench.results.thresholds.rules import (
    Bools,
    Floats,
    Weights,
    calibration_groups,
    held_out,
    interval_refusal,
    refusal,
    threshold_at_fpr,
)
from bench.store.contrasts import averaged
from bench.store.panel import Panel, Part


class Halves:
    """A panel whose real groups are split into a half to fit thresholds to and a half to measure."""

    def __init__(self, panel: Panel, draws: int = DRAWS) -> None:
        self.panel, self.draws = panel, draws

    @cached_property
    def held(self) -> Bools:
        """``(n,)``, which images are held out."""
        return held_out(self.panel.images)

    @cached_property
    def fitting(self) -> Draws:
        """Draws of the held-out half."""
        return Draws(self.panel, self.draws, self.held, seed=1)

    @cached_property
    def measured(self) -> Draws:
        """Draws of the other half and of the generated images."""
        return Draws(self.panel, self.draws, ~self.held)

    @cached_property
    def everything(self) -> Draws:
        """Draws of all images."""
        return Draws(self.panel, self.draws)

    def parts(self, detector: str, condition: str) -> dict[str, Part]:
        """Returns the images of each generator and of the reals that it faces."""
        rules = self.panel.contrasts[condition]
        return {rule.generator: self.panel.part(detector, condition, rule) for rule in rules}

    def averaged(self, condition: str) -> list[str]:
        """Names the generators that means are about."""
        return [rule.generator for rule in averaged(self.panel.contrasts[condition])]

    def measured_parts(self, detector: str, condition: str) -> dict[str, Part]:
        """Returns the same without what is held out."""
        return {name: take(part, ~self.held[part.rows]) for name, part in self.parts(detector, condition).items()}


@dataclass(frozen=True)
class Thresholds:
    """What a rule makes of one detector under one condition.

    Args:
        points: ``(seeds,)``.
        drawn: ``(seeds, draws)``.
        n: Number of real images fitted to, of ``n_groups``.
        no_interval: Why they are too few for intervals, or None.
        refused: Why there are no thresholds at all, or None.
    """

    points: Floats
    drawn: Floats
    n: int = 0
    n_groups: int = 0
    no_interval: str | None = None
    refused: str | None = None


def fit_at_fpr(
    halves: Halves, detector: str, condition: str, share: float, calibrate_with: int | None = None
) -> Thresholds:
    """Fits one threshold for each seed to the held-out real images that face any of the generators.

    With ``calibrate_with`` it is fitted to the images of so many groups of these alone. Each draw then takes as many
    groups anew, out of all held-out ones: it shows what other choices of them would have given.
    """
    parts = halves.parts(detector, condition).values()
    if not parts:
        return _refused("no generator to face")
    real = union([take(part, halves.held[part.rows] & (part.labels == 0)) for part in parts])
    n_groups = len(np.unique(real.groups))
    fitted, n_fitted = real, calibrate_with or n_groups
    reason = refusal(n_fitted, share)
    if n_groups < n_fitted:
        reason = f"{n_groups} held-out groups of real images are fewer than the {n_fitted} to calibrate with"
    if reason:
        return _refused(reason)
    if calibrate_with is None:
        weights: Weights = halves.fitting.weights(real)
    else:
        names = halves.panel.images["group"].gather(real.rows)
        fitted = take(real, names.is_in(sorted(calibration_groups(names.to_list(), n_fitted))).to_numpy())
        weights = _drawn_of_all(real, n_fitted, halves.draws)
    points = np.array([threshold_at_fpr(scores, share)[0] for scores in fitted.scores])
    drawn = np.stack([threshold_at_fpr(scores, share, weights) for scores in real.scores])
    return Thresholds(points, drawn, len(fitted.rows), n_fitted, interval_refusal(n_groups, share))


def _drawn_of_all(real: Part, number: int, draws: int) -> Weights:
    """Counts, ``(draws, n)``, how often each image is there if so many of all groups are drawn with replacement."""
    groups, codes = np.unique(real.groups, return_inverse=True)
    counts = np.empty((draws, len(groups)), dtype=np.int16)
    for draw, row in enumerate(counts):
        picked = np.random.default_rng((2, draw)).integers(len(groups), size=number)
        row[:] = np.bincount(picked, minlength=len(groups))
    return counts[:, codes]


def take(part: Part, chosen: Bools) -> Part:
    """Takes some of the images."""
    return Part(part.rows[chosen], part.labels[chosen], part.groups[chosen], part.scores[:, chosen], part.n_unreadable)


def union(parts: Sequence[Part], n_unreadable: int = 0) -> Part:
    """Takes the images of all parts, each once."""
    rows, first = np.unique(np.concatenate([part.rows for part in parts]), return_index=True)
    labels, groups = (np.concatenate([getattr(part, name) for part in parts])[first] for name in ("labels", "groups"))
    scores = np.concatenate([part.scores for part in parts], axis=1)[:, first]
    return Part(rows, labels, groups, scores, n_unreadable)


def _refused(reason: str) -> Thresholds:
    return Thresholds(np.empty(0), np.empty((0, 0)), refused=reason)
