"""Figures of comparison studies: a point for each row, or a line over the levels of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.report.plots.svg import INK, draw, series_style, to_svg
from bench.statistics.metrics import METRICS
from bench.studies.base import Line

ROW_HEIGHT, LEGEND_HEIGHT, WIDTH = 0.26, 1.1, 4.2
OURS, PAPER = "ours, 95 % interval", "paper"
CHANCE = dict.fromkeys(("auroc", "balanced_accuracy"), 0.5)
"""What a detector that knows nothing reaches, whatever the ratio of the classes."""
CHANCE_LINE: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": ":"}


@dataclass(frozen=True)
class Axis:
    """What the levels of a sweep measure.

    Args:
        title: In words.
        logarithmic: Whether equal steps are equal factors.
    """

    title: str
    logarithmic: bool = False


def draw_rows(title: str, lines: Sequence[Line], metrics: Sequence[str]) -> str:
    """Draws a point for each row, with its interval, and the paper's as a cross.

    Args:
        title: What a screen reader says.
        lines: Numbers, one for each row and metric.
        metrics: The panels, from left to right.

    Returns:
        An ``<svg>`` element.
    """
    rows = list(dict.fromkeys(line.row for line in lines))
    size = (WIDTH * len(metrics) + 1.5, ROW_HEIGHT * max(len(rows), 3) + LEGEND_HEIGHT)
    figure, panels = draw(size, (1, len(metrics)))
    for axes, metric in zip(panels, metrics, strict=True):
        for line in lines:
            if line.metric == metric:
                _draw_row(axes, rows.index(line.row), line)
        axes.set_yticks(range(len(rows)), rows if axes is panels[0] else [""] * len(rows), parse_math=False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        if metric in CHANCE:
            axes.axvline(CHANCE[metric], **CHANCE_LINE)
        axes.set_xlabel(metric_title(metric))
    _legend(figure)
    return to_svg(figure, title)


def draw_sweep(
    title: str, axis: Axis, levels: Mapping[str, float], lines: Sequence[Line], metrics: Sequence[str]
) -> str:
    """Draws each metric over the levels of a sweep, with intervals and, as whiskers, the spread over seeds.

    Args:
        title: What a screen reader says.
        axis: What the levels measure.
        levels: The level of each row.
        lines: Numbers, one for each row and metric.
        metrics: The panels, from left to right.

    Returns:
        An ``<svg>`` element.
    """
    figure, panels = draw((WIDTH * len(metrics), 3.4), (1, len(metrics)))
    for axes, metric in zip(panels, metrics, strict=True):
        own = sorted((levels[line.row], i) for i, line in enumerate(lines) if _on(line, metric, levels))
        _draw_line(axes, [(level, lines[i]) for level, i in own])
        if metric in CHANCE:
            axes.axhline(CHANCE[metric], **CHANCE_LINE)
        axes.set_ylabel(metric_title(metric))
        axes.set_xlabel(axis.title)
        if axis.logarithmic:
            axes.set_xscale("log")
        ticks = sorted(set(levels.values()))
        axes.set_xticks(ticks, [f"{level:g}" for level in ticks])
        axes.minorticks_off()
    _legend(figure, "standard deviation over seeds")
    return to_svg(figure, title)


def metric_title(metric: str) -> str:
    """Returns a metric's name for people.

    Examples:
        >>> metric_title("ap_real"), metric_title("balanced_accuracy")
        ('AP (real)', 'balanced accuracy')
    """
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ")


def _on(line: Line, metric: str, levels: Mapping[str, float]) -> bool:
    return line.metric == metric and line.row in levels and line.ours is not None


def _draw_row(axes: Axes, place: int, line: Line) -> None:
    if line.ours is not None:
        if line.ours.interval is not None:
            axes.hlines(place, *line.ours.interval, color=_ours()["color"], linewidth=1.4)
        axes.plot(line.ours.value, place, **_ours())
    if line.reported is not None:
        axes.plot(line.reported.value, place, **_paper())


def _draw_line(axes: Axes, points: Sequence[tuple[float, Line]]) -> None:
    colour = _ours()["color"]
    numbers = [(level, line.ours) for level, line in points if line.ours is not None]
    axes.plot([level for level, _ in numbers], [number.value for _, number in numbers], **_ours() | {"linestyle": "-"})
    for level, number in numbers:
        if number.interval is not None:
            axes.vlines(level, *number.interval, color=colour, linewidth=1.2)
        if number.seeds_sd is not None:
            ends = (number.value - number.seeds_sd, number.value + number.seeds_sd)
            axes.vlines(level, *ends, color=colour, linewidth=5, alpha=0.35)
    for level, line in points:
        if line.reported is not None:
            axes.plot(level, line.reported.value, **_paper())


def _ours() -> dict[str, Any]:
    return {**series_style(0), "linestyle": "none", "markersize": 5}


def _paper() -> dict[str, Any]:
    return {"color": series_style(1)["color"], "marker": "x", "linestyle": "none", "markersize": 6}


def _legend(figure: Figure, spread: str | None = None) -> None:
    handles: list[Any] = [Line2D([], [], **_ours()), Line2D([], [], **_paper())]
    labels = [OURS, PAPER]
    if spread is not None:
        handles.append(Patch(color=_ours()["color"], alpha=0.35))
        labels.append(spread)
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False)
