"""The held-out half of a panel's real groups, thresholds fitted to it, and what lies above them, in bootstrap draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.results.summary import DRAWS
from bench.results.thresholds.rules import (
    Bools,
    Floats,
    Weights,
    count_above,
    held_out,
    interval_refusal,
    refusal,
    threshold_at_fpr,
)
from bench.statistics.bootstrap import GroupBootstrap
from bench.store.contrasts import ContrastRule
from bench.store.panel import Panel, Part

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Counts:
    """``(seeds, draws)`` images above the thresholds, and ``(draws,)`` images, of both classes."""

    real_above: Floats
    real: Floats
    generated_above: Floats
    generated: Floats


SHARES: dict[str, Callable[[Counts], Floats]] = {
    "balanced_accuracy": lambda c: (1 - _share(c.real_above, c.real) + _share(c.generated_above, c.generated)) / 2,
    "accuracy": lambda c: _share(c.real - c.real_above + c.generated_above, c.real + c.generated),
    "real_accuracy": lambda c: 1 - _share(c.real_above, c.real),
    "generated_accuracy": lambda c: _share(c.generated_above, c.generated),
    "fpr": lambda c: _share(c.real_above, c.real),
    "tpr": lambda c: _share(c.generated_above, c.generated),
}


class Draws:
    """Bootstrap draws of some of a panel's images, whose groups are drawn among themselves."""

    def __init__(self, panel: Panel, images: Rows, draws: int, seed: int) -> None:
        groups = panel.images["group"].gather(images).to_list()
        self._bootstrap = GroupBootstrap(groups, panel.labels[images].tolist(), draws, seed)
        self._position = np.full(len(panel.images), -1, dtype=np.intp)
        self._position[images] = np.arange(len(images))

    def weights(self, rows: Rows) -> Weights:
        """Returns ``(draws, n)`` counts of the images at ``(n,)`` rows of the panel."""
        return self._bootstrap.weights(self._position[rows])


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
        return Draws(self.panel, np.flatnonzero(self.held), self.draws, seed=1)

    @cached_property
    def measured(self) -> Draws:
        """Draws of the other half and of the generated images."""
        return Draws(self.panel, np.flatnonzero(~self.held), self.draws, seed=0)

    @cached_property
    def everything(self) -> Draws:
        """Draws of all images."""
        return Draws(self.panel, np.arange(len(self.panel.images)), self.draws, seed=0)

    def parts(self, detector: str, condition: str) -> dict[str, Part]:
        """Returns the images of each generator and of the reals that it faces."""
        rules: Sequence[ContrastRule] = self.panel.contrasts[condition]
        return {rule.generator: self.panel.part(detector, condition, rule) for rule in rules}


@dataclass(frozen=True)
class Thresholds:
    """What a rule makes of one detector under one condition.

    Args:
        points: ``(seeds,)``.
        drawn: ``(seeds, draws)``.
        n: Number of real images fitted to.
        n_groups: Number of their groups.
        no_interval: Why they are too few for intervals, or None.
    """

    points: Floats
    drawn: Floats
    n: int = 0
    n_groups: int = 0
    no_interval: str | None = None


def fit_at_fpr(halves: Halves, parts: Mapping[str, Part], share: float) -> Thresholds | str:
    """Fits one threshold for each seed to the held-out real images that face any of the generators.

    Returns:
        The thresholds, or why there are none.
    """
    real = {name: take(part, halves.held[part.rows] & (part.labels == 0)) for name, part in parts.items()}
    if not real:
        return "no generator to face"
    rows, first = np.unique(np.concatenate([part.rows for part in real.values()]), return_index=True)
    scores = np.concatenate([part.scores for part in real.values()], axis=1)[:, first]
    n_groups = len(np.unique(halves.panel.groups[rows]))
    reason = refusal(n_groups, share)
    if reason:
        return reason
    weights = halves.fitting.weights(rows)
    points = np.array([threshold_at_fpr(seed, share)[0] for seed in scores])
    drawn = np.stack([threshold_at_fpr(seed, share, weights) for seed in scores])
    return Thresholds(points, drawn, len(rows), n_groups, interval_refusal(n_groups, share))


def count(part: Part, thresholds: Floats, weights: Weights | None = None) -> Counts:
    """Counts the images above ``(seeds, draws)`` thresholds, one row of thresholds for each row of scores."""
    found = []
    for label in (0, 1):
        own = part.labels == label
        weight = None if weights is None else weights[:, own]
        each = [count_above(s[own], t, weight) for s, t in zip(part.scores, thresholds, strict=True)]
        found += [np.stack([above for above, _ in each]), each[0][1]]
    return Counts(*found)


def take(part: Part, chosen: Bools) -> Part:
    """Takes some of the images."""
    return Part(part.rows[chosen], part.labels[chosen], part.groups[chosen], part.scores[:, chosen], part.n_unreadable)


def _share(above: Floats, total: Floats) -> Floats:
    """Divides; nan for a draw without images."""
    share = np.full(np.broadcast(above, total).shape, np.nan)
    np.divide(above, total, out=share, where=total > 0)
    return share
