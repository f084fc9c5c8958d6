"""Images that look like frames of videos, and count as independent of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.store.findings import Finding, Severity
from datamodules import DetectionDataModule, UnreadableImageError
from datamodules.checks.examination import hash_of
from datamodules.grouping import frames_of_videos


@dataclass(frozen=True)
class VideoFrames(Finding):
    """Numbered images that are nearly alike and share no group; ``runs`` are what their names have in common."""

    runs: Sequence[str]
    severity: ClassVar[Severity] = "warning"


def find_frames(datamodule: DetectionDataModule) -> list[VideoFrames]:
    """Looks at the names of all images, and at a few dozen pictures where the names are numbered."""

    def hash_at(path: str) -> int | None:
        try:
            return hash_of(datamodule.decode(datamodule.read_bytes(path), path))
        except (UnreadableImageError, OSError):
            return None

    runs = frames_of_videos(datamodule.items, hash_at)
    return [VideoFrames(runs)] if runs else []
