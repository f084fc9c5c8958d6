"""A detector's AUROC on edited images by the share of their area that was edited, in quartiles of that share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.results.estimates import Estimate, influences_of
from bench.statistics.bootstrap import groups_reason
from bench.statistics.metrics import undefined_reason
from bench.statistics.number import Number
from bench.store.contrasts import ContrastRule
from bench.store.panel import Panel, Part
from bench.store.schema import CLEAN

QUARTILES = 4
FEWEST = 10
"""Images that a quartile must have."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EditedArea:
    """A detector on the clean edited images of one generator whose share lies in one quartile.

    Args:
        quartile: From 1; 0 where there are too few images for quartiles, and the number is about none.
        low: The least share of the quartile, from 0 to 1.
        high: The greatest.
        images: Number of edited images with a score and a known share.
        auroc: Against the real images that the generator faces.
    """

    detector: str
    generator: str
    quartile: int
    low: float
    high: float
    images: int
    auroc: Number


def edited_areas(panel: Panel) -> list[EditedArea]:
    """Measures every detector on every generator of edited images of which shares are known."""
    shares = shares_of(panel)
    rules = [rule for rule in panel.contrasts.get(CLEAN, ()) if rule.apart]
    detectors = [label for label, condition in panel.cells if condition == CLEAN]
    return [
        row
        for rule in rules
        if np.isfinite(shares[_edited(panel, rule)]).any()
        for label in detectors
        for row in _quartiles(panel, rule, label, shares)
    ]


def shares_of(panel: Panel) -> Floats:
    """Returns the edited share of each image, ``(n,)``; nan where it is not known."""
    if "share" not in panel.images.columns:
        return np.full(len(panel.images), np.nan)
    return panel.images["share"].cast(float).fill_null(np.nan).to_numpy()


def _edited(panel: Panel, rule: ContrastRule) -> NDArray[np.bool_]:
    return np.asarray(panel.takes_part(rule) & (panel.labels == 1))


def _quartiles(panel: Panel, rule: ContrastRule, detector: str, shares: Floats) -> list[EditedArea]:
    """Makes a row for each quartile of the images with a known share; images alike in it stay together."""
    known = _edited(panel, rule) & np.isfinite(shares)
    of_generator = shares[known]
    if len(of_generator) < QUARTILES * FEWEST:
        reason = f"fewer than {QUARTILES * FEWEST} edited images with a known share ({len(of_generator)})"
        nothing = Number(float("nan"), reason=reason)
        low, high = float(of_generator.min()), float(of_generator.max())
        return [EditedArea(detector, rule.generator, 0, low, high, len(of_generator), nothing)]
    inner = np.quantile(of_generator, np.arange(1, QUARTILES) / QUARTILES)
    quartile = np.searchsorted(inner, shares)  # nan, of reals, comes last and is not looked at
    rows = []
    for number in range(QUARTILES):
        chosen = known & (quartile == number)
        if not chosen.any():
            continue
        part = panel.part(detector, CLEAN, rule, within=chosen | (panel.labels == 0))
        low, high = float(shares[chosen].min()), float(shares[chosen].max())
        auroc = _auroc(part)
        rows.append(EditedArea(detector, rule.generator, number + 1, low, high, part.n_generated, auroc))
    return rows


def _auroc(part: Part) -> Number:
    undefined = undefined_reason(part.labels)
    if undefined:
        return Number(float("nan"), reason=undefined)
    influence = influences_of(part, ["auroc"])["auroc"]
    return Estimate(np.array(influence.seeds), groups_reason(*part.n_groups), influence).number("auroc")
