"""Draws each detector's AUROC on each of several data sets, and the mean over them."""

import math

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.report.plots.robustness import CHANCE, CHANCE_LINE
from bench.report.plots.svg import INK, STYLE, draw, series_style, to_svg
from bench.results.across.findings import AcrossSets

WIDTH, FRAME, LINE, GAP, LEGEND_LINE = 6.4, 0.75, 0.15, 0.16, 0.21
"""Inches."""


def across_svg(across: AcrossSets, page: str | None = None) -> str:
    """Draws a row for each detector as an ``<svg>`` element; ``page`` as in `bench.report.plots.svg.to_svg`."""
    figure = across_figure(across)
    if page is None:
        figure.patch.set_facecolor("white")  # a file of its own is read on any background
    return to_svg(figure, f"AUROC of detectors on {len(across.sets)} data sets", page)


def across_figure(across: AcrossSets) -> Figure:
    """Draws a detector's AUROC on each set with its 95 % interval, set below set, and its mean as an upright line.

    A hollow marker is an AUROC of a detector that is not ranked in every set; it has no mean.
    """
    names = [ranked.name for ranked in across.sets]
    columns = 3 if max(map(len, names)) <= 18 else 1
    legend = math.ceil((len(names) + 2) / columns)
    block = LINE * len(names) + GAP
    height = FRAME + block * len(across.detectors) + LEGEND_LINE * legend
    figure, (axes, *_) = draw((WIDTH, height))
    with rc_context(STYLE):
        for number in range(len(across.detectors)):
            _draw_detector(axes, across, number, block)
        axes.axvline(CHANCE, **CHANCE_LINE)
        centres = [block * number for number in range(len(across.detectors))]
        axes.set_yticks(centres, [row.detector for row in across.detectors])
        axes.set_ylim(centres[-1] + block / 2, -block / 2)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.set_xlabel("AUROC")
        _draw_legend(figure, names, columns)
    return figure


def _draw_detector(axes: Axes, across: AcrossSets, number: int, block: float) -> None:
    row, centre = across.detectors[number], block * number
    if number:
        axes.axhline(centre - block / 2, color=INK, alpha=0.15, linewidth=0.8)
    for position, ranked in enumerate(across.sets):
        if ranked.name not in row.aurocs:
            continue
        auroc, style = row.aurocs[ranked.name], series_style(position)
        height = centre + LINE * (position - (len(across.sets) - 1) / 2)
        if auroc.interval is not None:
            axes.plot(auroc.interval, (height, height), color=style["color"], linewidth=1.3)
        face = style["color"] if row.everywhere else "none"
        axes.plot(auroc.value, height, marker=style["marker"], color=style["color"], markerfacecolor=face, markersize=5)
    if row.everywhere:
        half = (block - GAP) / 2
        axes.plot((row.mean.value,) * 2, (centre - half, centre + half), color=INK, linewidth=1.6, alpha=0.7)


def _draw_legend(figure: Figure, names: list[str], columns: int) -> None:
    handles = [Line2D([], [], **series_style(position, linestyle="-")) for position in range(len(names))]
    handles += [Line2D([], [], color=INK, linewidth=1.6, alpha=0.7), Line2D([], [], **CHANCE_LINE)]
    legend = figure.legend(
        handles, [*names, "mean over sets", "chance"], loc="outside lower left", ncols=columns, fontsize=9
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may hold any character
