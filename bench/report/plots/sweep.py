"""Draws a sweep: the AUROC of each setting with its interval."""

from matplotlib import rc_context
from matplotlib.figure import Figure

from bench.report.plots.colours import SERIES
from bench.report.plots.svg import INK, STYLE, draw, to_svg
from bench.results.sweep import CHANCE, Sweep
from bench.statistics.number import ABOVE, BELOW

WIDTH, LINE, FRAME = 6.4, 0.26, 0.9
LETTER = 0.075
"""Inches of a letter of a setting's name."""
COLOURS = {ABOVE: SERIES[0], BELOW: SERIES[1]}
"""Of settings above and below chance; the others are grey."""
GREY = "#8a8a8a"


def sweep_svg(sweep: Sweep, page: str | None = None) -> str:
    """Draws the settings on the clean images as an ``<svg>`` element; ``page`` as for `to_svg`."""
    figure = sweep_figure(sweep)
    if page is None:
        figure.patch.set_facecolor("white")  # a file of its own is read on any background
    return to_svg(figure, f"AUROC by setting of {sweep.method}", page)


def sweep_figure(sweep: Sweep) -> Figure:
    """Draws a line for each setting in the order of the table: its AUROC, its 95 % interval, and chance.

    A thin line is the interval that holds for all settings at once; a ring is the method's own setting.
    """
    results = sweep.results.get(sweep.first, [])
    names = [", ".join(f"{option}={value}" for option, value in result.setting.values.items()) for result in results]
    longest = max(map(len, names), default=0)
    figure, (axes, *_) = draw((WIDTH / 2 + 0.6 + LETTER * longest, LINE * len(results) + FRAME))
    with rc_context(STYLE):
        axes.axvline(CHANCE, color=INK, linestyle=(0, (4, 3)), linewidth=0.9, alpha=0.6)
        for place, result in enumerate(results):
            number, colour = result.auroc, COLOURS.get(result.auroc.against_chance or "", GREY)
            if result.simultaneous:
                axes.hlines(place, *result.simultaneous, color=colour, linewidth=0.9)
            if number.interval:
                axes.hlines(place, *number.interval, color=colour, linewidth=2.6)
            face = "white" if result.setting.is_default else colour
            axes.plot(number.value, place, "o", color=colour, markerfacecolor=face, markersize=6, zorder=3)
        axes.set_yticks(range(len(results)), names)
        axes.set_ylim(len(results) - 0.4, -0.6)
        axes.set_xlabel("AUROC: 95 % interval, thin for all settings at once;\nring: the method's own", fontsize=8)
        axes.tick_params(axis="y", labelsize=9)
    return figure
