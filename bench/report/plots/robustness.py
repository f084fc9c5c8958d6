"""Draws a robustness curve: mean AUROC over the levels of a degradation, with bands."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.report.plots.svg import INK, STYLE, draw, series_style, to_svg
from bench.results.robustness import Curve
from bench.statistics.number import Number

CHANCE = 0.5
WIDTH, HEIGHT, LEGEND_LINE = 6.4, 3.7, 0.21
SMALL = (3.2, 2.6)
MOST_TICKS = 12
COLUMNS: dict[int, float] = {3: 18, 2: 34, 1: math.inf}
"""Columns of the legend, and the longest label, in characters, that fits."""
BAND = 0.16
APART = 0.03
"""Between detectors at a level that is the only one, as a share of the axis."""
CLEAN_LINE: dict[str, Any] = {"linestyle": ":", "linewidth": 1.1, "alpha": 0.8}
CHANCE_LINE: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 3)), "linewidth": 0.9, "alpha": 0.6}


def robustness_svg(curve: Curve, page: str | None = None, detectors: Sequence[str] | None = None) -> str:
    """Draws a curve as an ``<svg>`` element; the same bytes from the same numbers.

    Args:
        curve: One kind of degradation.
        page: As in :func:`bench.report.plots.svg.to_svg`; a page has one legend for all its figures.
        detectors: In the order of their colours; by default that of the curve.
    """
    figure = robustness_figure(curve, detectors or curve.detectors, small=page is not None)
    if page is None:
        figure.patch.set_facecolor("white")  # a file of its own is read on any background
    return to_svg(figure, f"Mean AUROC under {curve.kind}", page)


def robustness_figure(curve: Curve, detectors: Sequence[str], small: bool = False) -> Figure:
    """Draws every detector's mean AUROC with its 95 % interval at each level; degradation grows to the right.

    A dotted line is a detector's AUROC on the clean images, a dashed one chance. A line is broken where a level
    lacks scores; a single level beside the clean images makes no curve, and its points are not joined. A small figure
    is one of several beside each other, without a legend.
    """
    lines = math.ceil((len(detectors) + 3) / _columns(detectors))
    figure, (axes, *_) = draw(SMALL if small else (WIDTH, HEIGHT + LEGEND_LINE * lines))
    with rc_context(STYLE):
        lowest = [_draw_detector(axes, curve, detectors, i) for i in range(len(detectors))]
        _draw_frame(axes, curve, min([CHANCE, *lowest]))
        if not small:
            _draw_legend(figure, curve, detectors)
    return figure


def _draw_detector(axes: Axes, curve: Curve, detectors: Sequence[str], position: int) -> float:
    """Draws a curve, or points beside those of the other detectors, and returns how low it gets."""
    detector, style = detectors[position], series_style(position)
    rows = {level: row.numbers["auroc"] for level, row in curve.points.get(detector, [])}
    numbers = [rows.get(level, Number(np.nan)) for level in curve.levels]
    values = np.array([number.value for number in numbers])
    low, high = np.array([number.interval or (np.nan, np.nan) for number in numbers], dtype=np.float64).T
    levels, known = np.array(curve.levels), np.isfinite(low)
    if curve.joined:
        axes.plot(levels, values, zorder=3, **_line(style))
        axes.fill_between(levels, low, high, color=style["color"], alpha=BAND, linewidth=0)
        # A band has no width where no neighbour has an interval, too.
        known = np.pad(known, 1)
        known = known[1:-1] & ~known[:-2] & ~known[2:]
    else:
        levels = levels + APART * (np.ptp(levels) or 1.0) * (position - (len(detectors) - 1) / 2)
        axes.plot(levels, values, zorder=3, **_line({**style, "linestyle": "none"}))
    axes.vlines(levels[known], low[known], high[known], color=style["color"], linewidth=1.2)
    clean = curve.clean[detector].numbers["auroc"].value if detector in curve.clean else np.nan
    if np.isfinite(clean):
        axes.axhline(clean, color=style["color"], **CLEAN_LINE)
    drawn = np.concatenate([values, low, [clean]])
    return float(np.nanmin(drawn)) if np.isfinite(drawn).any() else CHANCE


def _line(style: dict[str, str]) -> dict[str, Any]:
    colours = dict.fromkeys(("markeredgecolor", "markerfacecolor"), style["color"])
    return {**style, **colours, "markersize": 5, "linewidth": 1.6}


def _draw_frame(axes: Axes, curve: Curve, lowest: float) -> None:
    axes.axhline(CHANCE, **CHANCE_LINE)
    axes.set_ylim(max(lowest - 0.04, -0.02), 1.02)
    axes.set_ylabel("mean AUROC")
    axes.set_xlabel(f"{curve.kind}: {curve.axis.title}", parse_math=False)
    if len(curve.levels) <= MOST_TICKS:
        axes.set_xticks(curve.levels, [f"{level:g}" for level in curve.levels])
    if curve.axis.falling and not axes.xaxis_inverted():
        axes.invert_xaxis()


def _draw_legend(figure: Figure, curve: Curve, detectors: Sequence[str]) -> None:
    styles = [series_style(i, **({} if curve.joined else {"linestyle": "none"})) for i in range(len(detectors))]
    handles: list[Artist] = [Line2D([], [], **_line(style)) for style in styles]
    labels = [name + (" (incomplete)" if name in curve.incomplete else "") for name in detectors]
    interval = Patch(color=INK, alpha=BAND) if curve.joined else Line2D([], [], color=INK, linewidth=1.2)
    handles += [Line2D([], [], color=INK, **CLEAN_LINE), interval, Line2D([], [], **CHANCE_LINE)]
    labels += ["clean images", "95 % interval", "chance"]
    legend = figure.legend(
        handles, labels, loc="outside lower left", ncols=_columns(detectors), fontsize=9, handlelength=2.6
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a label may hold any character


def _columns(detectors: Sequence[str]) -> int:
    longest = max(map(len, detectors))
    return next(columns for columns, fits in COLUMNS.items() if longest <= fits)
