"""A run in which not one image could be read: its tables are empty, and it has failed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.results.comparison import Comparison
from bench.store.findings import UnreadableImages
from bench.store.panel import Panel
from datamodules import UnreadableImageError

if TYPE_CHECKING:
    from datamodules import DetectionData


@dataclass(frozen=True)
class NothingRead:
    """That not one image could be read.

    Args:
        images: How many there are.
        reasons: How many by the reason why; empty where the reasons are not at hand.
    """

    images: int
    reasons: Mapping[str, int]


def nothing_read(comparison: Comparison) -> NothingRead | None:
    """Says of a run whether nothing could be read, and why."""
    lost = [finding for finding in comparison.findings if isinstance(finding, UnreadableImages)]
    return _nothing(comparison.panel, Counter(reason for finding in lost for _, reason in finding.files))


def nothing_stored(panels: Iterable[Panel]) -> NothingRead | None:
    """Says of a whole store whether it holds no score at all."""
    found = [_nothing(panel, {}) for panel in panels]
    if not found or None in found:
        return None
    return NothingRead(sum(panel.images for panel in found if panel is not None), {})


def nothing_readable(datamodule: "DetectionData") -> NothingRead | None:
    """Reads images until one can be read."""
    reasons: Counter[str] = Counter()
    for path in datamodule.items["path"]:
        try:
            datamodule.decode(datamodule.read_bytes(path), path)
        except (UnreadableImageError, OSError) as error:
            reasons[getattr(error, "strerror", None) or str(error)] += 1
        else:
            return None
    return NothingRead(reasons.total(), reasons)


def _nothing(panel: Panel, reasons: Mapping[str, int]) -> NothingRead | None:
    if np.isfinite(panel.scores).any() or not panel.present.any():
        return None
    return NothingRead(int(panel.present.any(axis=0).sum()), reasons)
