"""The loggers of a run: started with its trainer, told its numbers, and closed however it ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from bench.report.loggers.numbers import comparison_numbers
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.machine.csv_log import CsvLog
from bench.scoring.options import RunOptions
from bench.store.facts import Facts

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger


def _maker(name: str, scores_nothing: bool) -> Callable[[RunOptions], "Logger"]:
    """Returns what makes a logger of Lightning, which is imported then; for CSV files of stored scores it is not."""
    if name == "wandb":
        from bench.report.loggers.wandb import wandb_logger

        return wandb_logger
    if name == "tensorboard":
        from bench.report.loggers.tensorboard import tensorboard_logger

        return tensorboard_logger
    if scores_nothing:
        return lambda options: cast("Logger", CsvLog(options.output))
    from bench.scoring.machine.trainer import csv_logger

    return csv_logger


def _log_more(name: str, logger: Any, comparison: Comparison) -> None:  # noqa: ANN401 - of any library
    """Tells a logger what it shows beside numbers."""
    if name == "wandb":
        from bench.report.loggers.wandb import log_report

        log_report(logger, comparison)
    if name == "tensorboard":
        from bench.report.loggers.tensorboard import log_figures

        log_figures(logger, comparison)


class RunLoggers:
    """The loggers that a run's options name."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._started: dict[str, Logger] = {}

    def start(self, scores_nothing: bool = False) -> "list[Logger]":
        """Makes them, once the options are known to be right."""
        self._started = {name: _maker(name, scores_nothing)(self._options) for name in self._options.loggers}
        return list(self._started.values())

    def log(self, comparison: Comparison) -> None:
        """Logs a comparison; the metrics of single generators and seeds have come from the test loop."""
        numbers = comparison_numbers(comparison.summary)
        for name, logger in self._started.items():
            if numbers:
                logger.log_metrics(numbers, step=0)
            _log_more(name, logger, comparison)

    def close(self, status: str) -> None:
        """Writes what they keep; ``status`` is Lightning's word."""
        for logger in self._started.values():
            logger.finalize(status)


def _libraries_of(options: RunOptions) -> AbstractContextManager[None]:
    if "tensorboard" in options.loggers:
        from bench.report.loggers.tensorboard import check_tensorboard

        check_tensorboard()
    if "wandb" not in options.loggers:
        return nullcontext()
    from bench.report.loggers.wandb_session import wandb_session

    return wandb_session(options)


@contextmanager
def logging_session(options: RunOptions) -> Iterator[RunLoggers]:
    """Surrounds a run: what a logger lacks is told before any work, and none outlives a failure.

    Raises:
        BenchError: A library is missing, a name cannot be, or W&B failed.
    """
    loggers = RunLoggers(options)
    with _libraries_of(options):
        try:
            yield loggers
        except BaseException:
            loggers.close("failed")
            raise
        loggers.close("success")


def compare_and_log(
    detectors: Sequence[str], options: RunOptions, progress: bool = False, noted: Facts | None = None
) -> Comparison | None:
    """Compares detectors and logs the run; arguments as for `bench.results.comparison.compare`.

    Raises:
        BenchError: The options cannot be carried out, a detector failed, or a logger did.
    """
    with logging_session(options) as loggers:
        comparison = compare(detectors, options, progress, loggers.start, noted)
        if comparison is not None:
            loggers.log(comparison)
    return comparison
