"""The one loop over batches of a data set's images, beside the test loop of Lightning's trainer."""

from collections.abc import Iterator, Sequence

import torch
from rich.progress import track
from torch import Tensor

from bench.scoring.machine.phases import begin, end
from datamodules import Batch, DetectionData
from datamodules.conditions import Picture
from detectors import View


def image_batches(
    datamodule: DetectionData,
    views: Sequence[View],
    device: torch.device,
    indices: Sequence[int] | None = None,
    unreadable: list[str] | None = None,
    progress: bool = False,
) -> Iterator[Batch]:
    """Yields batches on a device; those without a readable image are left out.

    Args:
        datamodule: Set up; its ``conditions`` are what happens to the images.
        views: What is cut.
        device: Where the networks are.
        indices: Which images; all by default.
        unreadable: Is told which images have no pixels, and why.
        progress: Whether to draw a bar.
    """
    chosen, size = list(range(len(datamodule.items)) if indices is None else indices), datamodule.batch_size
    datamodule.views, datamodule.wanted = tuple(dict.fromkeys(views)), None
    datamodule.batches = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    if not progress:
        begin(f"Reading {len(chosen):,} images")
    for batch in track(datamodule.test_dataloader(), disable=not progress):
        if unreadable is not None:
            unreadable += [f"{sample.path} ({sample.reason})" for sample in batch.unreadable]
        if len(batch):
            yield batch.to(device)
    end()


def pixel_batches(
    datamodule: DetectionData,
    view: View,
    device: torch.device,
    indices: Sequence[int] | None = None,
    unreadable: list[str] | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    """Yields the pixels ``(B, 3, H, W)`` of the first condition alone; the view is not ``native``."""
    for batch in image_batches(datamodule, (view,), device, indices, unreadable, progress):
        pixels = batch.views[Picture(datamodule.conditions[0].name, view)]
        assert isinstance(pixels, Tensor)
        yield pixels
