"""Whether our number is the one that a paper reports: pure judgement on what is stored.

Both numbers are estimates. If nothing differs but the images and the seeds, the paper's number lies in 95 % of cases
within ``value ± t sqrt(SE_images^2 (1 + n_ours / n_paper) + s_seeds^2 (1 / S_ours + 1 / S_paper))``. What the papers do
not say is never chosen so that it fits: where they describe it in words of several readings, one reading is fixed
beforehand and named as an assumption; where they do not say it at all, the numbers are not comparable.

That *differs* is wrong in at most one of twenty holds where the paper's numbers of images and seeds are known and its
images were drawn apart from ours. Two of them are often not said:

- Images: a number of each class is assumed, and the verdict is given for other numbers, too (``SIZES``). If there were
  fewer than assumed, a true replication differs more often.
- Seeds: ``1 / S_paper`` is taken as 0 for the interval, as if there were very many, and as 1 for what it can find. So
  no number of seeds would make a match harder; a paper of few seeds may differ by their spread alone.

A number within a long interval has not been shown to be the paper's. So the difference that a verdict finds with a
power of 80 % is given, and beyond a margin the verdict is *too wide to tell* instead of *matches*.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from scipy.stats import t

from bench.references.comparability import Ours, as_read, differences, written
from bench.references.reported import ReportedNumber
from bench.scoring.options import MARGIN
from bench.statistics.intervals import prediction_error, prediction_interval
from bench.statistics.number import Number
from bench.statistics.standard_errors import StandardError, seeds_variance

Kind = Literal["matches", "differs", "too wide to tell", "not comparable"]
MATCHES, DIFFERS, TOO_WIDE, NOT_COMPARABLE = get_args(Kind)
SIZES = (500, 1_000, 2_048, 10_000)
"""Numbers of images of each class under which a verdict is given where the paper does not say its own."""
POWER = 0.8
ROUNDING = 5e-5
"""Half a unit of the last digit that the papers print."""
MOST_UNBALANCED = 1.05
"""AP depends on the ratio of the classes; up to this ratio they count as equally many."""
ZERO = 1e-14
NO_ERROR = StandardError(math.nan, math.nan)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a comparison.

    Args:
        kind: ``differs`` where the paper's number lies outside the interval; within it ``matches``, or ``too wide to
            tell`` where a difference of the margin would not be found.
        reasons: Why not comparable, a clause each.
        low: Lower end of the interval; nan where not comparable, as is the upper end.
        assumption: What the verdict rests on, beside the data.
        detectable: The difference that differs with a power of 80 %; nan where not comparable.
        sensitivity: The verdict by the number of images of each class in the paper, where it does not say it.
    """

    kind: Kind
    reasons: tuple[str, ...]
    low: float
    high: float
    assumption: str
    detectable: float = math.nan
    sensitivity: Mapping[int, "Verdict"] = field(default_factory=dict)

    @property
    def because(self) -> str:
        """The reasons, or what the verdict rests on."""
        return "; ".join(self.reasons) or self.assumption

    def under(self, margin: float) -> "Verdict":
        """Judges again whether a match could have seen a difference of the margin."""
        sensitivity = {images: verdict.under(margin) for images, verdict in self.sensitivity.items()}
        within = self.kind in (MATCHES, TOO_WIDE)
        kind = (MATCHES if self.detectable <= margin else TOO_WIDE) if within else self.kind
        return replace(self, kind=kind, sensitivity=sensitivity)


def judge(number: Number, reported: ReportedNumber, facts: Ours, margin: float = MARGIN) -> Verdict:
    """Compares one of our numbers with a reported one.

    With one verdict in twenty wrong where nothing differs, a table of many holds a few that say ``differs`` by chance.

    Returns:
        The verdict. The reasons do not depend on the value.
    """
    reasons = (*differences(reported, facts), *_limits(number, reported))
    if reasons:
        return Verdict(NOT_COMPARABLE, reasons, math.nan, math.nan, "")
    reported = replace(as_read(reported, facts), condition=facts.condition)
    if reported.n_real is not None and reported.n_generated is not None:
        return _within(number, reported, _pooled(reported.n_real, reported.n_generated)).under(margin)
    assert reported.assumed_images is not None
    sensitivity = {images: _within(number, reported, images) for images in SIZES}
    return replace(_within(number, reported, reported.assumed_images), sensitivity=sensitivity).under(margin)


def _within(number: Number, reported: ReportedNumber, papers: float) -> Verdict:
    """Judges by the interval alone, for a number of images of each class in the paper."""
    se, df = number.error or NO_ERROR
    spread, n_ours = seeds_variance(number.seeds) * len(number.seeds), _pooled(*number.n_groups)
    shortest, longest = (spread / reported.seeds,) * 2 if reported.seeds else (0.0, spread)
    low, high = prediction_interval(number.value, se, df, n_ours, papers, shortest, number.seeds)
    error = prediction_error(se, df, n_ours, papers, longest, number.seeds)
    detectable = float(np.sum(t.ppf([0.975, POWER], error.df))) * error.se + ROUNDING
    inside = low - ROUNDING <= reported.value <= high + ROUNDING
    assumption = _assumption(len(number.seeds), reported)
    return Verdict(MATCHES if inside else DIFFERS, (), low, high, assumption, detectable)


def _limits(number: Number, reported: ReportedNumber) -> list[str]:
    """Says what our number, or the paper's, lacks for an interval."""
    reasons, (n_real, n_generated) = [], number.n_groups
    if not (number.error or NO_ERROR).se > ZERO:
        reasons.append("our number has no standard error, or one of 0")
    if reported.seeds is not None and len(number.seeds) < 2:
        reasons.append(f"1 seed, paper {reported.seeds}: the spread over seeds is unknown")
    if reported.n_real is None and reported.assumed_images is None:
        reasons.append("unpublished: the number of images")
    if reported.metric.startswith("ap_") and max(n_real, n_generated) > MOST_UNBALANCED * min(n_real, n_generated):
        reasons.append(
            f"AP depends on the ratio of the classes ({n_real:,.0f} real and {n_generated:,.0f} generated, paper "
            "assumed balanced)"
        )
    return reasons


def _assumption(seeds: int, reported: ReportedNumber) -> str:
    """Writes what is taken for granted, a clause each."""
    clauses = list(reported.assumptions)
    if reported.n_real is None:
        how_many = f"{reported.assumed_images:,} images of each class in the paper, which does not say how many"
        clauses.append(reported.images_assumption or how_many)
    if reported.metric.startswith("ap_"):
        clauses.append("as many real as generated images in the paper")
    if reported.real_split:
        clauses.append(f"real images of the split {reported.real_split}, which the paper does not say")
    readings = [f"{name}={written(value)}" for name, value in reported.readings.items()]
    if reported.preset:
        clauses.append(", ".join([f"preset={reported.preset}: view {reported.view}", *readings]))
    else:
        clauses += [f"{reading}, as read here" for reading in readings]
    if len(reported.conditions) > 1:
        clauses.append(f"noise read as --conditions {reported.condition}")
    if reported.seeds is not None:
        clauses.append(f"the paper's {reported.seeds} seeds spread as ours")
    elif seeds > 1:
        clauses.append(
            "no spread over the paper's seeds, whose number it does not say: the shortest interval; one seed for the "
            "detectable difference"
        )
    else:
        clauses.append("no spread over seeds: we have one, and the paper does not say how many")
    return "; ".join(clauses)


def _pooled(n_real: float, n_generated: float) -> float:
    """Harmonic mean: the size of two equal classes with the same variance, were both to add alike to it."""
    return 2 / (1 / n_real + 1 / n_generated)
