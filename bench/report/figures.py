"""The page's figures: ROC curves, histograms of scores, robustness curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bench.plots import INK, draw, series_style, to_svg
from bench.report.histograms import Histograms
from bench.report.roc import RocCurve
from bench.robustness import Curve

CHANCE = 0.5
# Scales on which a lower level is a stronger degradation; it is drawn on the right throughout.
FALLING = ("quality", "factor", "short side in pixels", "share of each side")


def roc_figure(detector: str, curves: Mapping[str, RocCurve], position: int, prefix: str) -> str:
    """Draws one detector's curve with its band, and those of the others in grey behind it."""
    figure, (axes,) = draw((2.9, 2.9))
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    for name, curve in curves.items():
        if name != detector:
            axes.plot([0, *curve.fpr], [0, *curve.tpr], color=INK, alpha=0.25, linewidth=0.9)
    own, colour = curves[detector], series_style(position)["color"]
    if own.band is not None:
        axes.fill_between(own.fpr, *own.band, color=colour, alpha=0.22, linewidth=0)
    axes.plot([0, *own.fpr], [0, *own.tpr], color=colour, linewidth=1.9)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    return to_svg(figure, f"ROC curve of {detector}", prefix)


def histogram_figure(detector: str, histograms: Histograms, position: int, prefix: str) -> str:
    """Draws a row for each generator: the real images in grey, the generated ones in the detector's colour."""
    rows = len(histograms.shares)
    figure, (axes,) = draw((3.6, 0.75 + 0.78 * rows))
    edges, colour = histograms.edges, series_style(position)["color"]
    for row, (generator, shares) in enumerate(histograms.shares.items()):
        base = float(rows - 1 - row)
        heights = base + 0.82 * shares / max(float(shares.max()), 1e-12)
        axes.stairs(heights[0], edges, baseline=base, fill=True, color=INK, alpha=0.22, linewidth=0)
        axes.stairs(heights[0], edges, baseline=base, color=INK, alpha=0.6, linewidth=0.8)
        axes.stairs(heights[1], edges, baseline=base, fill=True, color=colour, alpha=0.25, linewidth=0)
        axes.stairs(heights[1], edges, baseline=base, color=colour, linewidth=1.3)
        axes.text(0.0, base + 0.97, _literal(generator), transform=axes.get_yaxis_transform(), va="top", fontsize=9)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(-0.03, rows), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.locator_params(axis="x", nbins=4)
    unit = f" × 1e{histograms.exponent}" if histograms.exponent else ""
    axes.set_xlabel(f"score{unit} (higher: more likely generated)")
    return to_svg(figure, f"Scores of {detector}: real and generated images", prefix)


def robustness_figure(curve: Curve, detectors: Sequence[str], prefix: str) -> str:
    """Draws the mean AUROC of every detector over the levels of a degradation, the strongest on the right."""
    figure, (axes,) = draw((4.2, 3.0))
    levels = sorted({level for points in curve.points.values() for level, _ in points})
    falling = curve.axis in FALLING
    untouched = _untouched(levels, falling) if not _has_clean(curve) else None
    for detector in detectors:
        if detector in curve.points:
            _draw_detector(axes, curve, detector, detectors.index(detector), untouched)
    low, high = axes.get_ylim()
    if low <= CHANCE:
        axes.axhline(CHANCE, color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    axes.set_ylim(max(low, 0.0), min(high, 1.005))
    ticks = {level: f"{level:g}" for level in levels if level not in _clean_levels(curve)}
    ticks |= {level: "clean" for level in (*_clean_levels(curve), *([untouched] if untouched is not None else []))}
    axes.set_xticks(list(ticks), list(ticks.values()))
    if falling:
        axes.invert_xaxis()
    axes.set(xlabel=_literal(f"{curve.kind}: {curve.axis}"), ylabel="mean AUROC")
    return to_svg(figure, f"Mean AUROC over {curve.kind}", prefix)


def _draw_detector(axes: Axes, curve: Curve, detector: str, position: int, untouched: float | None) -> None:
    points = [(level, row.numbers["auroc"]) for level, row in curve.points[detector]]
    style = series_style(position)
    at = np.array([level for level, _ in points])
    values = np.array([number.value for _, number in points])
    ends = np.array([number.interval or (np.nan, np.nan) for _, number in points])
    axes.fill_between(at, ends[:, 0], ends[:, 1], color=style["color"], alpha=0.14, linewidth=0)
    axes.plot(at, values, **style, markersize=4.5, linewidth=1.6)
    if untouched is None or detector not in curve.clean:
        return
    number = curve.clean[detector].numbers["auroc"]
    nearest = int(np.argmin(np.abs(at - untouched)))
    bridge = {"color": style["color"], "linewidth": 0.9, "linestyle": (0, (1, 2))}
    axes.plot([untouched, at[nearest]], [number.value, values[nearest]], **bridge)
    axes.plot([untouched], [number.value], color=style["color"], marker=style["marker"], markersize=4.5, linestyle="")
    if number.interval:
        axes.plot([untouched] * 2, number.interval, color=style["color"], alpha=0.4, linewidth=3)


def _has_clean(curve: Curve) -> bool:
    return bool(_clean_levels(curve)) or not curve.clean


def _clean_levels(curve: Curve) -> tuple[float, ...]:
    """Returns the level of the clean images where it is one of the curve's points."""
    rows = {id(row) for row in curve.clean.values()}
    return tuple({level for points in curve.points.values() for level, row in points if id(row) in rows})


def _untouched(levels: Sequence[float], falling: bool) -> float:
    """Finds a place for the clean images where their level is none of the scale's: one step beyond the mildest."""
    step = (levels[-1] - levels[0]) / (len(levels) - 1) if len(levels) > 1 else max(abs(levels[0]), 1.0) / 4
    return levels[-1] + step if falling else levels[0] - step


def _literal(text: str) -> str:
    """Keeps a name from being read as a formula."""
    return text.replace("$", r"\$")
