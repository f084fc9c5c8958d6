"""Histograms of scores: real images against those of each generator, on one axis a detector, and their figures."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report.plots.svg import INK, PAGE_WIDTH, draw, series_style, to_svg
from bench.store.panel import Panel, Part

Floats = NDArray[np.float64]
FEWEST_BINS, MOST_BINS = 14, 60
ROW, LOW_ROW, FEW_ROWS = 0.8, 0.44, 4
"""Inches of a generator's row: of few, and of each of more."""
TAIL = 0.005
"""Share of the scores at each end that the axis leaves out; they are counted in the outermost bins."""


@dataclass(frozen=True)
class Histograms:
    """The scores of one detector under one condition.

    Args:
        edges: ``(bins + 1,)`` of scores divided by ``10 ** exponent``.
        exponent: Of the unit of the axis; 0 unless scores are far from 1.
        shares: By generator, ``(2, bins)``: the share of the real and of the generated images in each bin.
    """

    edges: Floats
    exponent: int
    shares: dict[str, Floats]


def histograms_of(panel: Panel, detector: str, condition: str) -> Histograms | None:
    """Bins the scores of all seeds; None where there are none."""
    parts = {rule.generator: panel.part(detector, condition, rule) for rule in panel.contrasts.get(condition, ())}
    parts = {generator: part for generator, part in parts.items() if part.scores.size}
    if not parts:
        return None
    everything = np.concatenate([part.scores.ravel() for part in parts.values()])
    exponent = _exponent(everything)
    smallest = min(min(part.n_real, part.n_generated) for part in parts.values())
    bins = int(np.clip(round(2 * np.cbrt(smallest)), FEWEST_BINS, MOST_BINS))  # Rice's rule, within bounds
    edges = _edges(_scaled(everything, exponent), bins)
    return Histograms(edges, exponent, {name: _shares(part, exponent, edges) for name, part in parts.items()})


def histogram_figure(detector: str, histograms: Histograms, position: int, prefix: str) -> str:
    """Draws a row for each generator: the real images in grey, the generated ones in the detector's colour."""
    rows = len(histograms.shares)
    figure, (axes,) = draw((PAGE_WIDTH, 0.65 + rows * (ROW if rows <= FEW_ROWS else LOW_ROW)))
    edges, colour = histograms.edges, series_style(position)["color"]
    tallest, letters = (0.74, 9) if rows <= FEW_ROWS else (0.62, 7.5)
    for row, (generator, shares) in enumerate(histograms.shares.items()):
        base = float(rows - 1 - row)
        heights = base + tallest * shares / max(float(shares.max()), 1e-12)
        axes.stairs(heights[0], edges, baseline=base, fill=True, color=INK, alpha=0.22, linewidth=0)
        axes.stairs(heights[0], edges, baseline=base, color=INK, alpha=0.6, linewidth=0.8)
        axes.stairs(heights[1], edges, baseline=base, fill=True, color=colour, alpha=0.25, linewidth=0)
        axes.stairs(heights[1], edges, baseline=base, color=colour, linewidth=1.3)
        text = axes.text(0.0, base + 0.95, generator, transform=axes.get_yaxis_transform(), color=INK)
        text.set(verticalalignment="top", fontsize=letters, parse_math=False)
        text.set_in_layout(False)  # a long name would leave no room for the axes
    axes.tick_params(length=0)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(-0.03, rows), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.locator_params(axis="x", nbins=4)
    unit = f" / 1e{histograms.exponent}" if histograms.exponent else ""
    axes.set_xlabel(f"score{unit} (higher: more likely generated)")
    return to_svg(figure, f"Scores of {detector}: real and generated images", prefix)


def _exponent(scores: Floats) -> int:
    """Chooses a power of ten as the unit where scores are far from 1, where axes and sums of bins would overflow."""
    largest = float(np.abs(scores).max())
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    return exponent if abs(exponent) > 3 else 0


def _scaled(scores: Floats, exponent: int) -> Floats:
    # In two steps: the smallest floats have powers of ten whose inverse is no float.
    half = exponent // 2
    return scores / 10.0**half / 10.0 ** (exponent - half)


def _edges(scores: Floats, bins: int) -> Floats:
    low, high = np.quantile(scores, [TAIL, 1 - TAIL])
    margin = 0.02 * (high - low)
    # All of one score, or so close that bins would have no width: one bin in the middle holds them.
    if not margin > 1e-12 * max(abs(low), abs(high)):
        margin = 0.5 * max(abs(low), 1e-3)
    return np.linspace(low - margin, high + margin, bins + 1)


def _shares(part: Part, exponent: int, edges: Floats) -> Floats:
    shares = []
    for label in (0, 1):
        scores = _scaled(part.scores[:, part.labels == label].ravel(), exponent)
        counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), bins=edges)
        shares.append(counts / max(len(scores), 1))
    return np.array(shares)
