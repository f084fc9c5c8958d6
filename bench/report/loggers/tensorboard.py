"""What TensorBoard is told beside numbers: ROC and robustness curves, as figures."""

from collections.abc import Mapping
from importlib.util import find_spec

from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure

from bench.errors import BenchError
from bench.report.loggers.curves import Line, roc_lines
from bench.report.plots.robustness import robustness_figure
from bench.report.plots.svg import INK, draw, series_style
from bench.results.comparison import Comparison
from bench.results.robustness import robustness_curves
from bench.scoring.options import RunOptions

WIDTH, HEIGHT, LEGEND_LINE = 5.2, 5.4, 0.2


def check_tensorboard() -> None:
    """Looks for the library that writes event files.

    Raises:
        BenchError: It is not installed.
    """
    if find_spec("tensorboard") is None:
        raise BenchError("--logger tensorboard needs tensorboard: pip install 'fauxbench[tensorboard]'.")


def tensorboard_logger(options: RunOptions) -> TensorBoardLogger:
    """Logs to event files."""
    return TensorBoardLogger(options.output, name="tensorboard")


def log_figures(logger: TensorBoardLogger, comparison: Comparison) -> None:
    """Logs the curves of a comparison."""
    figures = {f"roc/{condition}": roc_figure(condition, lines) for condition, lines in roc_lines(comparison)}
    for curve in robustness_curves(comparison.summary):
        figures[f"robustness/{curve.kind}"] = robustness_figure(curve, comparison.labels)
    for name, figure in figures.items():
        figure.patch.set_facecolor("white")
        logger.experiment.add_figure(name, figure)


def roc_figure(condition: str, lines: Mapping[str, Line]) -> Figure:
    """Draws the curves of all detectors under a condition."""
    figure, (axes,) = draw((WIDTH, HEIGHT + LEGEND_LINE * len(lines)))
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.45, linewidth=0.8, linestyle=":")
    for position, (detector, line) in enumerate(lines.items()):
        axes.plot(*zip(*line, strict=True), label=detector, linewidth=1.6, **series_style(position, marker=""))
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.set_title(f"ROC curves, {condition}", parse_math=False)
    for text in figure.legend(loc="outside lower left", fontsize=9, frameon=False).get_texts():
        text.set_parse_math(False)  # a label may hold any character
    return figure
