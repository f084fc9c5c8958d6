"""ROC curves: the mean over generators and seeds, with a band from the bootstrap over groups, and their figures.

A curve is the line through a detector's operating points; images of one score pass together, so it is a diagonal there
and the area under it is the AUROC with ties counting one half. Curves are averaged at fixed false positive rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.report.plots.svg import INK, PAGE_WIDTH, draw, series_style, to_svg
from bench.statistics.bootstrap import GroupBootstrap, groups_reason
from bench.statistics.metrics import undefined_reason
from bench.statistics.operating_curve import curves_of
from bench.store.contrasts import averaged
from bench.store.panel import Panel, Part

Floats = NDArray[np.float64]

# Closer together where curves rise: 132 rates.
RATES: Floats = np.unique(np.concatenate([[0.0], np.geomspace(1e-3, 0.1, 41), np.linspace(0.1, 1.0, 91)]))
MOST_DRAWN = 5_000
MOST_DRAWN_AT_ALL = 20_000
DRAWS, FEWER_DRAWS = 500, 200
TOO_MANY = f"more than {MOST_DRAWN_AT_ALL:,} images of a generator are too many for the bootstrap"


@dataclass(frozen=True)
class RocCurve:
    """A mean ROC curve.

    Args:
        fpr: ``(P,)`` false positive rates, ascending.
        tpr: ``(P,)`` true positive rates, means over generators and seeds.
        band: ``(2, P)`` ends of the 95 % intervals of the true positive rate at each rate, over images.
        draws: Number of bootstrap draws behind the band.
        reason: Why there is no band.
    """

    fpr: Floats
    tpr: Floats
    band: Floats | None = None
    draws: int = 0
    reason: str | None = None


def tpr_at_rates(labels: ArrayLike, scores: ArrayLike, rates: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Reads a ROC curve at false positive rates, on the line between its operating points.

    Args:
        labels: ``(n,)``, 0 for real and 1 for generated.
        scores: ``(n,)`` finite scores, higher for generated.
        rates: ``(P,)`` false positive rates in [0, 1]; where the curve rises upright its upper end counts.
        weights: ``(draws, n)`` finite and not negative; None for one draw of ones.

    Returns:
        ``(draws, P)``; nan in a draw that lacks a class.

    Examples:
        >>> tpr_at_rates([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.0, 0.25, 0.5, 1.0]).tolist()
        [[0.5, 0.5, 1.0, 1.0]]
    """
    label, at = np.asarray(labels), np.asarray(rates, dtype=np.float64)
    weight = np.ones((1, len(label))) if weights is None else np.asarray(weights)
    curves = curves_of(label == 1, -np.asarray(scores, dtype=np.float64), weight)
    pairs = (pair for curve in curves for pair in zip(*curve.rates(), strict=True))
    return np.array([_read(fpr, tpr, at) for tpr, fpr in pairs])


def _read(fpr: Floats, tpr: Floats, at: Floats) -> Floats:
    if np.isnan(fpr[-1]) or np.isnan(tpr[-1]):
        return np.full(len(at), np.nan)
    after = np.searchsorted(fpr, at, side="right")
    left, right = after - 1, np.minimum(after, len(fpr) - 1)
    width = fpr[right] - fpr[left]
    share = np.divide(at - fpr[left], width, out=np.zeros(len(at)), where=width > 0)
    return np.asarray(tpr[left] + share * (tpr[right] - tpr[left]))


def mean_roc_curve(panel: Panel, detector: str, condition: str, band: bool = True) -> RocCurve | str:
    """Computes the curve of one detector, or says why it has none; those of a panel are drawn from the same groups.

    Without a band it takes a fraction of the time.
    """
    rules = averaged(panel.contrasts.get(condition, ()))
    parts = {rule.generator: panel.part(detector, condition, rule) for rule in rules}
    if not parts:
        return (
            "no generator but of edited images" if panel.contrasts.get(condition) else "no generator faces real images"
        )
    for generator, part in parts.items():
        reason = undefined_reason(part.labels)
        if reason is not None:
            return f"undefined for {generator}: {reason}"
    tpr = np.mean([_mean_over_seeds(part) for part in parts.values()], axis=0)[0]
    if not band:
        return RocCurve(RATES, tpr)
    most = max(len(part.rows) for part in parts.values())
    everyone = panel.part(detector, condition, within=~panel.apart(condition))
    everyone = next(iter(parts.values())) if len(parts) == 1 else everyone
    reason = TOO_MANY if most > MOST_DRAWN_AT_ALL else groups_reason(*everyone.n_groups)
    if reason is not None:
        return RocCurve(RATES, tpr, reason=reason)
    draws = DRAWS if most <= MOST_DRAWN else FEWER_DRAWS
    bootstrap = GroupBootstrap(panel.images["group"].to_list(), panel.labels.tolist(), draws)
    drawn = np.mean([_mean_over_seeds(part, bootstrap.weights(part.rows)) for part in parts.values()], axis=0)
    return RocCurve(RATES, tpr, np.nanquantile(drawn, [0.025, 0.975], axis=0), draws)


def _mean_over_seeds(part: Part, weights: ArrayLike | None = None) -> Floats:
    return np.asarray(np.mean([tpr_at_rates(part.labels, scores, RATES, weights) for scores in part.scores], axis=0))


def roc_figure(detector: str, curves: Mapping[str, RocCurve], position: int, prefix: str) -> str:
    """Draws one detector's curve with its band, and those of the others in grey behind it."""
    figure, (axes,) = draw((PAGE_WIDTH, PAGE_WIDTH))
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    for name, curve in curves.items():
        if name != detector:
            axes.plot([0, *curve.fpr[::3]], [0, *curve.tpr[::3]], color=INK, alpha=0.25, linewidth=0.9)
    curve, colour = curves[detector], series_style(position)["color"]
    if curve.band is not None:
        axes.fill_between(curve.fpr, *curve.band, color=colour, alpha=0.22, linewidth=0)
    axes.plot([0, *curve.fpr], [0, *curve.tpr], color=colour, linewidth=1.9)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    return to_svg(figure, f"ROC curve of {detector}", prefix)
