"""What a run costs: seconds, passes, memory."""

import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from detectors import Backbone


class CostMeter:
    """Measures the test loop of one device.

    A clean pass that several detectors share is paid by the first of them, so a detector's seconds depend on its place;
    passes do not.
    """

    def __init__(self) -> None:
        self.started, self.worked = time.monotonic(), 0.0
        self.before = self.spared_before = 0
        self.backbones: Sequence[Backbone] = ()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.scores: Counter[str] = Counter()

    def start(self, backbones: Sequence[Backbone]) -> None:
        """Begins to measure; passes that the networks have made before do not count."""
        self.started, self.backbones, self.before, self.spared_before = time.monotonic(), backbones, 0, 0
        self.before, self.spared_before = self.passes, self.spared_blocks

    def stop(self) -> None:
        """Notes when this device has done its share; from now on it waits for the others."""
        self.worked = time.monotonic() - self.started

    @property
    def passes(self) -> int:
        """Images that have gone through the networks and their perturbed copies on this device."""
        return sum(backbone.counter.images for backbone in self.backbones) - self.before

    @property
    def spared_blocks(self) -> int:
        """Blocks that these images need not pass, as another pass had given their output; added up."""
        return sum(backbone.counter.spared_blocks for backbone in self.backbones) - self.spared_before

    @contextmanager
    def timing(self, detector: str, images: int) -> Iterator[None]:
        """Adds the time inside to a detector's."""
        before = time.monotonic()
        yield
        self.seconds[detector] += time.monotonic() - before
        self.scores[detector] += images

    def cost(self, images: int, worked: Sequence[float], batch_size: int) -> dict[str, Any]:
        """Sums up.

        Args:
            images: That were read, on all devices.
            worked: Seconds of each device until it had done its share.
            batch_size: Images that passed at once in the end: fewer than asked for where memory did not suffice.

        Returns:
            Plain values; passes, and seconds and scores by detector, are those of the first device, and the peaks are
            bytes of the process and of the accelerator.
        """
        kilo = 1 if sys.platform == "darwin" else 1024
        return {
            "images": images,
            "devices": len(worked),
            "seconds": round(time.monotonic() - self.started, 3),
            "seconds_by_device": [round(seconds, 3) for seconds in worked],
            "batch_size": batch_size,
            "backbone_passes": self.passes,
            "spared_block_passes": self.spared_blocks,
            "seconds_by_detector": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "scores_by_detector": dict(self.scores),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo,
            "peak_device_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        }
