"""The images that a detector gets most wrong: real ones with the highest scores, generated ones with the lowest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.store.panel import Panel

MOST_SHOWN = 8


@dataclass(frozen=True)
class WrongImage:
    """An image on the wrong side of images of the other class.

    Args:
        path: Its name.
        source: Its generator, or where a real image is from.
        score: Mean over seeds.
        rank: Its place among all images, 1 for the highest score; by the mean rank over seeds.
        of: Number of all images.
        passed: The share of the other class that it lies on the wrong side of, by that place.
    """

    path: str
    source: str
    score: float
    rank: int
    of: int
    passed: float


def most_wrong(panel: Panel, detector: str, condition: str, most: int = MOST_SHOWN) -> dict[int, list[WrongImage]]:
    """Finds the most wrong images of each class, the worst first; equal ones by their names.

    Ranks rather than scores are averaged over seeds, so that a seed of wider scores does not decide.

    Args:
        panel: The scores.
        detector: One of its detectors.
        condition: One of its conditions.
        most: How many of each class.

    Returns:
        By label (0 for real, 1 for generated); images that are on the right side of all others are left out.
    """
    part = panel.part(detector, condition)
    # 1 for the lowest score; the panel's images are sorted by path.
    ascending = np.mean([rankdata(scores) for scores in part.scores], axis=0) if len(part.rows) else np.empty(0)
    found = {}
    for label in (0, 1):
        own, others = np.flatnonzero(part.labels == label), np.sort(ascending[part.labels != label])
        badness = -ascending if label else ascending
        order = own[np.argsort(-badness[own], kind="stable")][:most]
        found[label] = [
            WrongImage(
                path=panel.images["path"][int(part.rows[i])],
                source=panel.images["generator"][int(part.rows[i])],
                score=float(part.scores[:, i].mean()),
                rank=int((ascending > ascending[i]).sum()) + 1,
                of=len(part.rows),
                passed=_passed(others, float(ascending[i]), label),
            )
            for i in order
        ]
    return {label: [image for image in images if image.passed > 0] for label, images in found.items()}


def _passed(others: NDArray[np.float64], place: float, label: int) -> float:
    """Returns the share of the other class that lies on the wrong side of a place; equal places are none."""
    if not len(others):
        return 0.0
    below, not_above = (int(np.searchsorted(others, place, side)) for side in ("left", "right"))
    return (len(others) - not_above if label else below) / len(others)
