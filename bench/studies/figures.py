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
OURS: dict[str, Any] = series_style(0, linestyle="none", markersize=5)
PAPER: dict[str, Any] = {"color": series_style(1)["color"], "marker": "x", "linestyle": "none", "markersize": 6}
CHANCE = dict.fromkeys(("auroc", "balanced_accuracy"), 0.5)
"""What a detector that knows nothing reaches, whatever the ratio of the classes."""
CHANCE_LINE: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": ":"}


@dataclass(frozen=True)
class Axis:
    """What the levels of a sweep measure, and whether equal steps are equal factors."""

    title: str
    logarithmic: bool = False


def draw_rows(title: str, lines: Sequence[Line], metrics: Sequence[str]) -> str:
    """Draws a panel for each metric: a point for each row, with its interval, and the paper's as a cross.

    Args:
        title: What a screen reader says.
        lines: Numbers, one for each row and metric.
        metrics: The panels, from left to right.
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
    _legend(figure, [line for line in lines if line.metric in metrics])
    return to_svg(figure, title)


def draw_sweep(
    title: str, axis: Axis, levels: Mapping[str, float], lines: Sequence[Line], metrics: Sequence[str]
) -> str:
    """Draws each metric over the levels of the rows, with intervals and, as whiskers, the spread over seeds.

    Other arguments are those of :func:`draw_rows`.
    """
    figure, panels = draw((WIDTH * len(metrics), 3.4), (1, len(metrics)))
    for axes, metric in zip(panels, metrics, strict=True):
        _draw_line(axes, [line for line in lines if line.metric == metric], levels)
        if metric in CHANCE:
            axes.axhline(CHANCE[metric], **CHANCE_LINE)
        axes.set(ylabel=metric_title(metric), xlabel=axis.title)
        if axis.logarithmic:
            axes.set_xscale("log")
        ticks = sorted(set(levels.values()))
        axes.set_xticks(ticks, [f"{level:g}" for level in ticks])
        axes.minorticks_off()
    drawn = [line for line in lines if line.metric in metrics and line.row in levels]
    _legend(figure, drawn, "standard deviation over seeds")
    return to_svg(figure, title)


def metric_title(metric: str) -> str:
    """Returns a metric's name for people.

    Examples:
        >>> metric_title("ap_real"), metric_title("balanced_accuracy")
        ('AP (real)', 'balanced accuracy')
    """
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ")


def _draw_row(axes: Axes, place: int, line: Line) -> None:
    if line.ours is not None:
        if line.ours.interval is not None:
            axes.hlines(place, *line.ours.interval, color=OURS["color"], linewidth=1.4)
        axes.plot(line.ours.value, place, **OURS)
    if line.reported is not None:
        axes.plot(line.reported.value, place, **PAPER)


def _draw_line(axes: Axes, lines: Sequence[Line], levels: Mapping[str, float]) -> None:
    points = [
        (levels[line.row], line.ours, line.reported)
        for line in sorted(lines, key=lambda line: levels.get(line.row, 0.0))
        if line.row in levels and line.ours is not None
    ]
    values = [number.value for _, number, _ in points]
    axes.plot([level for level, _, _ in points], values, **OURS | {"linestyle": "-"})
    for level, number, _ in points:
        if number.interval is not None:
            axes.vlines(level, *number.interval, color=OURS["color"], linewidth=1.2)
        if number.seeds_sd is not None:
            ends = (number.value - number.seeds_sd, number.value + number.seeds_sd)
            axes.vlines(level, *ends, color=OURS["color"], linewidth=5, alpha=0.35)
    for level, _, reported in points:
        if reported is not None:
            axes.plot(level, reported.value, **PAPER)


def _legend(figure: Figure, lines: Sequence[Line], spread: str | None = None) -> None:
    """Explains what is drawn of these lines, and nothing else."""
    numbers = [line.ours for line in lines if line.ours is not None]
    interval = ", 95 % interval" if any(number.interval for number in numbers) else ""
    entries: list[tuple[Any, str]] = [(Line2D([], [], **OURS), f"ours{interval}")]
    if any(line.reported is not None for line in lines):
        entries.append((Line2D([], [], **PAPER), "paper"))
    if spread is not None and any(number.seeds_sd is not None for number in numbers):
        entries.append((Patch(color=OURS["color"], alpha=0.35), spread))
    handles, labels = zip(*entries, strict=True)
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False)
