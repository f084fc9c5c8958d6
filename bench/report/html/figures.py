"""The page's figures: ROC curves, histograms of scores, robustness curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bench.report.html.histograms import Histograms
from bench.report.html.roc import RocCurve
from bench.report.plots import INK, draw, series_style, to_svg
from bench.results.numbers import Number
from bench.results.robustness import Curve

CHANCE = 0.5
WIDTH = 3.2
# Scales on which a lower level is a stronger degradation; it is drawn on the right throughout.
FALLING = ("quality", "factor", "short side in pixels", "share of each side")


def roc_figure(detector: str, curves: Mapping[str, RocCurve], position: int, prefix: str) -> str:
    """Draws one detector's curve with its band, and those of the others in grey behind it."""
    figure, (axes,) = draw((WIDTH, WIDTH))
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    for name, curve in curves.items():
        if name != detector:
            axes.plot([0, *curve.fpr[::3]], [0, *curve.tpr[::3]], color=INK, alpha=0.25, linewidth=0.9)
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
    figure, (axes,) = draw((WIDTH, 0.65 + 0.8 * rows))
    edges, colour = histograms.edges, series_style(position)["color"]
    for row, (generator, shares) in enumerate(histograms.shares.items()):
        base = float(rows - 1 - row)
        heights = base + 0.74 * shares / max(float(shares.max()), 1e-12)
        axes.stairs(heights[0], edges, baseline=base, fill=True, color=INK, alpha=0.22, linewidth=0)
        axes.stairs(heights[0], edges, baseline=base, color=INK, alpha=0.6, linewidth=0.8)
        axes.stairs(heights[1], edges, baseline=base, fill=True, color=colour, alpha=0.25, linewidth=0)
        axes.stairs(heights[1], edges, baseline=base, color=colour, linewidth=1.3)
        text = axes.text(0.0, base + 0.93, _literal(generator), transform=axes.get_yaxis_transform(), color=INK)
        text.set(verticalalignment="top", fontsize=9)
    axes.tick_params(length=0)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(-0.03, rows), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.locator_params(axis="x", nbins=4)
    unit = f" / 1e{histograms.exponent}" if histograms.exponent else ""
    axes.set_xlabel(f"score{unit} (higher: more likely generated)")
    return to_svg(figure, f"Scores of {detector}: real and generated images", prefix)


def robustness_figure(curve: Curve, detectors: Sequence[str], prefix: str) -> str:
    """Draws the mean AUROC of every detector over the levels of a degradation, the strongest on the right."""
    figure, (axes,) = draw((WIDTH, 2.6))
    untouched, on_scale = _untouched(curve)
    levels = sorted({level for points in curve.points.values() for level, _ in points} | {untouched})
    for position, detector in enumerate(detectors):
        points = [(level, row.numbers["auroc"]) for level, row in curve.points.get(detector, ())]
        if not points:
            continue
        # Side by side, so that intervals do not hide each other.
        aside = (position - (len(detectors) - 1) / 2) * min(0.015, 0.1 / len(detectors)) * (levels[-1] - levels[0])
        _draw_points(axes, points, position, aside)
        if not on_scale and detector in curve.clean:
            mildest = min(points, key=lambda point: abs(point[0] - untouched))
            bridge = [(untouched, curve.clean[detector].numbers["auroc"]), mildest]
            _draw_points(axes, bridge, position, aside, linestyle=":")
    low, high = axes.get_ylim()
    if low <= CHANCE:
        axes.axhline(CHANCE, color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    axes.set_ylim(max(low, 0.0), min(high, 1.005))
    ticks = {level: f"{level:g}" for level in levels if level != untouched}
    ticks |= {untouched: "clean"} if curve.clean else {}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.grid(visible=False, axis="x")
    if curve.axis in FALLING:
        axes.invert_xaxis()
    axes.set(xlabel=_literal(f"{curve.kind}: {curve.axis}"), ylabel="mean AUROC")
    return to_svg(figure, f"Mean AUROC over {curve.kind}", prefix)


def _draw_points(
    axes: Axes, points: Sequence[tuple[float, Number]], position: int, aside: float, linestyle: str | None = None
) -> None:
    style = series_style(position)
    at, values = [level + aside for level, _ in points], [number.value for _, number in points]
    low, high = np.array([number.interval or (np.nan, np.nan) for _, number in points]).T
    axes.vlines(at, low, high, color=style["color"], alpha=0.5, linewidth=1.3)
    line = linestyle or style["linestyle"]
    axes.plot(at, values, color=style["color"], marker=style["marker"], linestyle=line, markersize=4.5, linewidth=1.5)


def _untouched(curve: Curve) -> tuple[float, bool]:
    """Finds where the clean images are: at their level, or, where the scale has none, one step beyond the mildest."""
    found = [level for name, points in curve.points.items() for level, row in points if row is curve.clean.get(name)]
    if found:
        return found[0], True
    levels = sorted({level for points in curve.points.values() for level, _ in points})
    step = (levels[-1] - levels[0]) / (len(levels) - 1) if len(levels) > 1 else max(abs(levels[0]), 1.0) / 4
    return (levels[-1] + step if curve.axis in FALLING else levels[0] - step), False


def _literal(text: str) -> str:
    """Keeps a name from being read as a formula."""
    return text.replace("$", r"\$")
