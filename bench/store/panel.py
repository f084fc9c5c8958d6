"""Scores of the same images side by side: what every table, test and plot starts from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import local
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.store.contrasts import ContrastRule
from bench.store.schema import OK, SCHEMA, Scoring
from datamodules.grouping import merged, same_content

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
IMAGES = ("path", "group", "label", "generator", "sha256", "kind", "share")
"""Columns of a panel's images; ``kind`` and ``share`` say what is edited, and how much of it."""


@dataclass(frozen=True)
class Panel:
    """The scores of one dataset's images.

    Args:
        images: The `IMAGES` of ``n`` images, sorted by path.
        scorings: ``S`` columns of scores; those of one detector and condition are its seeds.
        scores: ``(S, n)``, nan where an image was unreadable or is not scored.
        present: ``(S, n)``, whether there is a row at all, with a score or a reason why there is none.
        contrasts: By condition.
    """

    images: pl.DataFrame
    scorings: tuple[Scoring, ...]
    scores: Floats
    present: Bools
    contrasts: Mapping[str, Sequence[ContrastRule]]

    @classmethod
    def of(
        cls,
        rows: pl.DataFrame,
        scorings: Sequence[Scoring],
        contrasts: Mapping[str, Sequence[ContrastRule]],
        left_out: Mapping[str, Collection[str]] | None = None,
    ) -> "Panel":
        """Arranges rows of the store: each image and scoring at most once, with ``scoring``, the scoring's position.

        Images of one sha256 are one group. ``left_out`` are groups that a detector was fitted to, by its label.
        """
        images = rows.unique("path", maintain_order=True).sort("path")
        groups = merged(images["group"], same_content(images["sha256"]))
        outside = {
            label: groups.filter(images["group"].is_in(list(of_label))).unique().to_list()
            for label, of_label in (left_out or {}).items()
        }
        images = images.with_columns(groups, *_absent(images)).select(*IMAGES)
        scores = np.full((len(scorings), len(images)), np.nan)
        present = np.zeros(scores.shape, dtype=np.bool_)
        position = images.select("path").with_row_index("image")
        values = rows.select("path", "scoring", "status", "score")
        for number in range(len(scorings)):
            scored = values.filter(pl.col("scoring") == number).join(position, on="path")
            at = scored["image"].to_numpy()
            present[number, at] = True
            scores[number, at] = scored.select(pl.when(pl.col("status") == OK).then("score")).to_series().to_numpy()
        return cls(images, tuple(scorings), scores, present, contrasts).leaving_out(outside)

    def leaving_out(self, groups: Mapping[str, Collection[str]]) -> "Panel":
        """Takes from some detectors, by their labels, the scores of some groups; the images stay."""
        outside = {label: self.images["group"].is_in(list(of_label)).to_numpy() for label, of_label in groups.items()}
        scores, present = self.scores.copy(), self.present.copy()
        for number, scoring in enumerate(self.scorings):
            if scoring.detector in outside:
                present[number, outside[scoring.detector]] = False
                scores[number, outside[scoring.detector]] = np.nan
        return replace(self, scores=scores, present=present)

    def only(self, chosen: Bools) -> "Panel":
        """Takes some of the images, ``(n,)``."""
        images = self.images.filter(pl.Series(chosen, dtype=pl.Boolean))
        return replace(self, images=images, scores=self.scores[:, chosen], present=self.present[:, chosen])

    def table(self) -> pl.DataFrame:
        """Returns ``path, label, generator, group, detector, condition, seed, score``; null for an unreadable image."""
        images = self.images.select("path", "label", "generator", "group")
        frames = []
        for scoring, scores, present in zip(self.scorings, self.scores, self.present, strict=True):
            frame = images.with_columns(
                detector=pl.lit(scoring.detector),
                condition=pl.lit(scoring.condition),
                seed=pl.lit(scoring.seed),
                score=pl.Series(scores).fill_nan(None),
            )
            frames.append(frame.filter(pl.Series(present)))
        return pl.concat(frames)

    @cached_property
    def groups(self) -> NDArray[np.int32]:
        """``(n,)`` codes of the groups, in the order of their names."""
        return (self.images["group"].rank("dense").to_numpy() - 1).astype(np.int32)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """``(n,)``, 0 for real and 1 for generated."""
        return self.images["label"].to_numpy().astype(np.int64)

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Detectors and conditions, in the order of the scorings."""
        return list(dict.fromkeys((scoring.detector, scoring.condition) for scoring in self.scorings))

    def seeds(self, detector: str, condition: str) -> list[int]:
        """Returns the scorings of one detector under one condition."""
        return [i for i, s in enumerate(self.scorings) if (s.detector, s.condition) == (detector, condition)]

    def readable(self, detector: str, condition: str) -> Bools:
        """Says which images a detector has a score of under a condition, with every seed, ``(n,)``."""
        seeds = self.seeds(detector, condition)
        return np.asarray((self.present[seeds] & np.isfinite(self.scores[seeds])).all(axis=0))

    def part(
        self, detector: str, condition: str, rule: ContrastRule | None = None, within: Bools | None = None
    ) -> "Part":
        """Takes the images of one contrast, or all, with the scores of one detector under one condition.

        ``within`` are the only images to take, ``(n,)``; all of them without it.
        """
        scores, present, readable, of_cell = self._cell(detector, condition)
        chosen = present & self.takes_part(rule) if rule else present
        chosen = chosen if within is None else chosen & within
        rows = np.flatnonzero(chosen & readable)
        n_unreadable = int((chosen & ~readable).sum())
        known = self._known.get(rule)
        if known is None or not np.array_equal(known.rows, rows):
            known = Part(rows, self.labels[rows], self.groups[rows], scores[:, :0], n_unreadable)
            if within is None:
                self._known[rule] = known
        return replace(known, scores=scores[:, rows], n_unreadable=n_unreadable, of_cell=of_cell)

    def _cell(self, detector: str, condition: str) -> tuple[Floats, Bools, Bools, dict[bytes, Any]]:
        """Takes the seeds of one detector under one condition: scores, who is there and who is readable with all."""
        last = self._last
        if getattr(last, "cell", None) != (detector, condition):
            seeds = self.seeds(detector, condition)
            follow = bool(seeds) and seeds == list(range(seeds[0], seeds[0] + len(seeds)))
            chosen = slice(seeds[0], seeds[0] + len(seeds)) if follow else seeds  # a view where it can be one
            scores = self.scores[chosen]
            of_cell: dict[bytes, Any] = {}
            last.cell = detector, condition
            last.known = scores, self.present[chosen].all(axis=0), np.isfinite(scores).all(axis=0), of_cell
        found: tuple[Floats, Bools, Bools, dict[bytes, Any]] = last.known
        return found

    @cached_property
    def _known(self) -> dict[ContrastRule | None, "Part"]:
        """The last images of each contrast, without scores: detectors that read the same images share what is known."""
        return {}

    @cached_property
    def _last(self) -> local:
        return local()

    def apart(self, condition: str) -> Bools:
        """Says which images are edited ones that are in no mean under a condition, ``(n,)``."""
        edited = [rule.generator for rule in self.contrasts[condition] if rule.apart]
        return np.asarray((self.labels == 1) & self.images["generator"].is_in(edited).to_numpy())

    def takes_part(self, rule: ContrastRule | None) -> Bools:
        """Says which images a contrast is about, ``(n,)``; all without one."""
        if rule is None:
            return np.ones(len(self.images), dtype=np.bool_)
        if rule not in self._masks:
            self._masks[rule] = self.images.select(rule.expression()).to_series().to_numpy()
        return self._masks[rule]

    @cached_property
    def _masks(self) -> dict[ContrastRule, Bools]:
        return {}


def _absent(images: pl.DataFrame) -> list[pl.Expr]:
    """Fills what rows of hand-made scores need not say."""
    return [pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in IMAGES if name not in images.columns]


@dataclass(frozen=True)
class Part:
    """The readable ones among some images, with the scores that one detector gave them.

    Args:
        rows: ``(k,)`` positions in the panel.
        labels: ``(k,)``, 0 for real and 1 for generated.
        groups: ``(k,)`` codes of the groups.
        scores: ``(seeds, k)``.
        n_unreadable: Images left out because they could not be read.
        shared: What has been made of these images without their scores, for all parts that have the same.
        of_cell: What has been made of the scores of some images, for all parts of one detector and condition.
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    groups: NDArray[np.int32]
    scores: Floats
    n_unreadable: int
    shared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    of_cell: dict[bytes, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def n_real(self) -> int:
        """Number of real images."""
        return int((self.labels == 0).sum())

    @cached_property
    def n_generated(self) -> int:
        """Number of generated images."""
        return int((self.labels == 1).sum())

    @cached_property
    def n_groups(self) -> tuple[int, int]:
        """Numbers of groups with real and with generated images; one may be in both."""
        if "n_groups" not in self.shared:
            real, generated = (np.bincount(self.groups[self.labels == label]) for label in (0, 1))
            self.shared["n_groups"] = int(np.count_nonzero(real)), int(np.count_nonzero(generated))
        known: tuple[int, int] = self.shared["n_groups"]
        return known
