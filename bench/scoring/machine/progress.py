"""Says how far a run is: images, images and passes a second, and the time that is left."""

import sys
import time
from datetime import timedelta
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

EVERY = 30.0
"""Seconds between two lines where no bar can be drawn."""


class Progress(Callback):
    """Follows the first device; the others have as much to do, so that its rates times their number are the run's.

    Args:
        draw: Whether to draw a bar on the terminal; otherwise a line is written to standard error now and then.
    """

    def __init__(self, draw: bool) -> None:
        self.draw = draw
        self.bar: Bar | None = None
        self.started = self.written = time.monotonic()

    def on_test_start(self, trainer: L.Trainer, pl_module: Any) -> None:  # noqa: ANN401 - the Evaluation
        """Begins to count."""
        self.started = self.written = time.monotonic()
        if self.draw and trainer.is_global_zero and pl_module.images_total:
            columns = (TextColumn("Scoring"), BarColumn(), TextColumn("{task.description}"))
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self.bar.add_task("", total=pl_module.images_total)
            self.bar.start()

    def on_test_batch_end(self, trainer: L.Trainer, pl_module: Any, *batch: object, **loader: object) -> None:  # noqa: ANN401
        """Shows the state."""
        if not trainer.is_global_zero:
            return
        done, passes, now = pl_module.images_done, pl_module.meter.passes, time.monotonic()
        words = progress_words(done, pl_module.images_total, passes, now - self.started, trainer.world_size)
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=done, description=words)
        elif now - self.written > EVERY:
            self.written = now
            print(f"Scoring: {words}", file=sys.stderr, flush=True)

    def on_test_end(self, trainer: L.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Takes the bar away."""
        self._stop()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Takes the bar away."""
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def progress_words(done: int, total: int, passes: int, seconds: float, devices: int = 1) -> str:
    """Writes the state of a run, of which one device has done so many images and passes in so many seconds.

    Examples:
        >>> progress_words(400, 1600, 1200, 20.0, devices=2)
        '800 of 3,200 images, 40.0 images/s, 120 passes/s, 0:01:00 left'
    """
    rate = done / seconds if seconds > 0 else 0.0
    left = timedelta(seconds=round((total - done) / rate)) if rate else "?"
    speed = f"{rate * devices:.1f} images/s, {passes / max(seconds, 1e-9) * devices:,.0f} passes/s"
    return f"{done * devices:,} of {total * devices:,} images, {speed}, {left} left"
