"""Draws a heat map: what each condition changes for each detector."""

import textwrap

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.report.heat_map import SEPARATED, cell_words
from bench.report.plots.colours import GAIN, LOSS
from bench.report.plots.svg import INK, STYLE, draw, to_svg
from bench.results.heat_map import HeatMap
from bench.results.summary import Change

DEEPEST = 0.6
"""The share of the colour in the strongest cell: dark text stays readable on it."""
COLOURS = LinearSegmentedColormap.from_list("change", [LOSS, "#ffffff", GAIN])
CELL_WIDTH, CELL_HEIGHT, MARGIN = 1.5, 0.42, 0.7
LETTERS = 18
"""Of a detector's label, in a line above its column."""
PART = 0.55
"""Of a cell's height, between conditions of both classes and those of one."""
MISSING = "#f0f0f0"
CAPTION = (
    f"change of mean AUROC against the clean images, 95 % interval below;\n{SEPARATED}: separated from no change (Holm "
    "over each detector's conditions)"
)


def heat_map_svg(heat_map: HeatMap) -> str:
    """Draws a heat map as an ``<svg>`` element; the same bytes from the same numbers."""
    figure = heat_map_figure(heat_map)
    figure.patch.set_facecolor("white")  # a file of its own is read on any background
    return to_svg(figure, "Change of mean AUROC by detector and condition")


def heat_map_figure(heat_map: HeatMap) -> Figure:
    """Draws a column for each detector and a row for each condition; those of one class alone stand apart below."""
    heads = [textwrap.wrap(name, LETTERS, break_long_words=True) or [name] for name in heat_map.detectors]
    names = max(map(len, heat_map.conditions)) * 0.085 + 0.3
    rows, y = [], 0.0
    for alone, conditions in heat_map.parts.items():
        y += PART if alone else 0.0
        rows += [(y + number, condition) for number, condition in enumerate(conditions)]
        y += len(conditions)
    top = 0.19 * max(map(len, heads)) + 0.2
    size = (max(names + CELL_WIDTH * len(heads), 5.5), CELL_HEIGHT * y + top + MARGIN)
    figure, (axes, *_) = draw(size)
    with rc_context(STYLE):
        for column, detector in enumerate(heat_map.detectors):
            for place, condition in rows:
                _draw_cell(axes, column, place, heat_map, heat_map.changes.get((detector, condition)))
        axes.set_xlim(0, len(heads))
        axes.set_ylim(y, 0)
        axes.set_xticks([column + 0.5 for column in range(len(heads))], ["\n".join(lines) for lines in heads])
        axes.set_yticks([place + 0.5 for place, _ in rows], [condition for _, condition in rows])
        axes.tick_params(length=0, labelsize=9, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        if True in heat_map.parts:
            above = len(heat_map.parts.get(False, ())) + PART / 2
            axes.text(0, above, "one class alone:", fontsize=8, va="center", style="italic")
        axes.set_xlabel(CAPTION, fontsize=8, loc="left")
    return figure


def _draw_cell(axes: Axes, column: int, place: float, heat_map: HeatMap, change: Change | None) -> None:
    value = heat_map.strength(change) if change else 0.0
    known = change is not None and change.auroc.interval is not None
    face = COLOURS(0.5 + 0.5 * DEEPEST * value) if known else MISSING
    axes.add_patch(Rectangle((column, place), 1, 1, facecolor=face, edgecolor="white", linewidth=1.5))
    if change is None:
        return
    words, ends = cell_words(change)
    weight = "bold" if change.separated else "normal"
    axes.text(column + 0.5, place + 0.36, words, ha="center", va="center", fontsize=9, fontweight=weight, color=INK)
    axes.text(column + 0.5, place + 0.74, ends, ha="center", va="center", fontsize=6.5, color=INK)
