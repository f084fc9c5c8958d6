"""Figures as SVG text, the same bytes from the same numbers, drawn in the colours of the page around them."""

import io
import re
from collections.abc import Collection, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.report.escaping import printable
from bench.report.plots.colours import SERIES

PAGE_WIDTH = 3.2
"""Inches that figures of a page have, of which several stand side by side."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")

# Stands for the colour of text, and becomes the page's own.
INK = "#010203"
STYLE: dict[Any, Any] = {  # the keys are literals of matplotlib
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "aigi-bench",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


def draw(size: tuple[float, float], panels: tuple[int, int] = (1, 1)) -> tuple[Figure, Sequence[Axes]]:
    """Makes a figure with its axes, row by row; the size in inches, rows and columns of panels."""
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(*panels, squeeze=False)
    return figure, list(axes.flat)


def series_style(position: int, **changed: object) -> dict[str, Any]:
    """Returns colour, marker and line of the series at a position, which stay apart without colour, with changes."""
    return {
        "color": SERIES[position % len(SERIES)],
        "marker": MARKERS[position % len(MARKERS)],
        "linestyle": LINES[position // len(SERIES) % len(LINES)],
        **changed,
    }


def to_svg(figure: Figure, title: str, page: str | None = None) -> str:
    """Writes a figure of :func:`draw` as an ``<svg>`` element, a picture with a title for who cannot see it.

    Args:
        figure: The drawing.
        title: What a screen reader says.
        page: For a figure in a page, what its ids begin with, so that they are the page's only ones: text then has the
            page's colour and family, and series have the colours of its CSS variables (--series-1, ...).
    """
    for words in figure.findobj(Text):
        words.set_text(printable(words.get_text(), lines=True))
        words.set_parse_math(False)  # a name may hold any character
    text, unsaid = io.StringIO(), dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context(STYLE):
        figure.savefig(text, format="svg", metadata={**unsaid, "Title": printable(title)})
    svg = text.getvalue()
    svg = svg[svg.index("<svg ") :].replace("*{stroke", "svg *{stroke").replace("<svg ", '<svg role="img" ', 1)
    return svg.replace(INK, "#1a1a1a") if page is None else _for_page(svg, page)


def _for_page(svg: str, prefix: str) -> str:
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    referred = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    # Tags alone: what is between them are names, which may look like anything.
    svg = re.sub(r"<[^>]*>", lambda tag: _tag_for_page(tag[0], prefix, referred), svg)
    return re.sub(r">\s+<", "><", svg).strip()


def _tag_for_page(tag: str, prefix: str, referred: Collection[str]) -> str:
    tag = re.sub(r"\s+", " ", tag).replace(INK, "currentColor")
    for number, colour in enumerate(SERIES, start=1):
        tag = tag.replace(colour, f"var(--series-{number}, {colour})")
    # Matplotlib 3.11 names size and family apart; the shorthand of its predecessors would not allow inherit.
    tag = re.sub(r"font: (\S+) [^;\"]*", r"font-size: \1; font-family: inherit", tag)
    tag = re.sub(r"font-family: [^;\"]*", "font-family: inherit", tag)
    tag = re.sub(r' id="([^"]*)"', lambda match: f' id="{prefix}{match[1]}"' if match[1] in referred else "", tag)
    tag = re.sub(r"(url\(|href=\")#", rf"\g<1>#{prefix}", tag)
    return re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", tag)  # a hundredth of a point is unseen
