"""The page's figures: ROC curves and histograms of scores."""

from collections.abc import Mapping

from bench.report.html.histograms import Histograms
from bench.report.html.roc import RocCurve
from bench.report.plots.svg import INK, draw, series_style, to_svg

WIDTH = 3.2


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


def _literal(text: str) -> str:
    """Keeps a name from being read as a formula."""
    return text.replace("$", r"\$")
