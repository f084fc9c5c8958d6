"""The images that a detector gets most wrong: real ones with the highest scores, generated ones with the lowest."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import rankdata

from bench.errors import BenchError
from bench.store.panel import Panel
from datamodules import UnreadableImageError, decode_image

MOST_SHOWN = 8
LONGEST_SIDE, QUALITY = 128, 60
"""Of thumbnails."""


@dataclass(frozen=True)
class WrongImage:
    """An image on the wrong side of images of the other class.

    Args:
        source: Its generator, or where a real image is from.
        score: Mean over seeds.
        rank: Its place among all images, 1 for the highest score; by the mean rank over seeds.
        total: Number of all images.
        passed: The share of the other class that it lies on the wrong side of, by that place.
    """

    path: str
    source: str
    score: float
    rank: int
    total: int
    passed: float


@dataclass(frozen=True)
class Thumbnail:
    """A small picture as ``data:image/webp;base64,...``, or why there is none; sizes in pixels."""

    uri: str = ""
    width: int = 0
    height: int = 0
    reason: str = ""


def most_wrong(panel: Panel, detector: str, condition: str) -> dict[int, list[WrongImage]]:
    """Finds the images of each class that are most wrong, the worst first; equal ones by their names.

    Ranks rather than scores are averaged over seeds, so that a seed of wider scores does not decide.

    Returns:
        By label (0 for real, 1 for generated); images that are on the right side of all others are left out.
    """
    part = panel.part(detector, condition)
    # 1 for the lowest score; the panel's images are sorted by path.
    ascending = np.mean([rankdata(scores) for scores in part.scores], axis=0) if len(part.rows) else np.empty(0)
    wrong = {}
    for label in (0, 1):
        chosen, others = np.flatnonzero(part.labels == label), np.sort(ascending[part.labels != label])
        badness = -ascending if label else ascending
        order = chosen[np.argsort(-badness[chosen], kind="stable")][:MOST_SHOWN]
        images = [
            WrongImage(
                path=panel.images["path"][int(part.rows[i])],
                source=panel.images["generator"][int(part.rows[i])],
                score=float(part.scores[:, i].mean()),
                rank=int((ascending > ascending[i]).sum()) + 1,
                total=len(part.rows),
                passed=_passed(others, float(ascending[i]), label),
            )
            for i in order
        ]
        wrong[label] = [image for image in images if image.passed > 0]
    return wrong


def thumbnail_of(path: str, read_bytes: Callable[[str], bytes]) -> Thumbnail:
    """Shrinks a picture to at most ``LONGEST_SIDE``; a file that is gone or broken is no error of the page's."""
    try:
        image = decode_image(read_bytes(path))
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        image.save(file, "WEBP", quality=QUALITY, method=4)
    except UnreadableImageError as error:
        return Thumbnail(reason=f"unreadable: {error}")
    except (OSError, LookupError, ValueError, RuntimeError, BenchError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Thumbnail(reason=f"cannot be read: {words}")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/webp;base64,{text}", image.width, image.height)


def _passed(others: NDArray[np.float64], place: float, label: int) -> float:
    """Returns the share of the other class that lies on the wrong side of a place; equal places are none."""
    if not len(others):
        return 0.0
    below, not_above = (int(np.searchsorted(others, place, side)) for side in ("left", "right"))
    return (len(others) - not_above if label else below) / len(others)
