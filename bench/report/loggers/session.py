"""The loggers of a run: started with its trainer, told its numbers, and closed however it ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from lightning.pytorch.loggers import Logger

from bench.report.loggers.numbers import comparison_numbers
from bench.report.loggers.tensorboard import check_tensorboard, log_figures, tensorboard_logger
from bench.report.loggers.wandb import log_report, wandb_logger
from bench.report.loggers.wandb_session import wandb_session
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.machine.trainer import csv_logger
from bench.scoring.options import RunOptions
from bench.store.facts import Facts

MAKERS: Mapping[str, Callable[[RunOptions], Logger]] = {
    "csv": csv_logger,
    "wandb": wandb_logger,
    "tensorboard": tensorboard_logger,
}
FURTHER: Mapping[str, Callable[[Any, Comparison], None]] = {"wandb": log_report, "tensorboard": log_figures}
"""What a logger is told beside numbers."""


class RunLoggers:
    """The loggers that a run's options name."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._started: dict[str, Logger] = {}

    def start(self) -> list[Logger]:
        """Makes them, once the options are known to be right."""
        self._started = {name: MAKERS[name](self._options) for name in self._options.loggers}
        return list(self._started.values())

    def log(self, comparison: Comparison) -> None:
        """Logs a comparison; the metrics of single generators and seeds have come from the test loop."""
        numbers = comparison_numbers(comparison.summary)
        for name, logger in self._started.items():
            if numbers:
                logger.log_metrics(numbers, step=0)
            if name in FURTHER:
                FURTHER[name](logger, comparison)

    def close(self, status: str) -> None:
        """Writes what they keep; ``status`` is Lightning's word."""
        for logger in self._started.values():
            logger.finalize(status)


@contextmanager
def logging_session(options: RunOptions) -> Iterator[RunLoggers]:
    """Surrounds a run: what a logger lacks is told before any work, and none outlives a failure.

    Raises:
        BenchError: A library is missing, a name cannot be, or W&B failed.
    """
    loggers = RunLoggers(options)
    if "tensorboard" in options.loggers:
        check_tensorboard()
    with wandb_session(options) if "wandb" in options.loggers else nullcontext():
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
