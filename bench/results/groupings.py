"""Whether images count as independent that are not, and what intervals would be under other groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from bench.results.summary import Summary, summarise
from bench.statistics.number import Number
from bench.store.findings import Finding, Severity
from bench.store.panel import Panel
from datamodules import UnreadableImageError
from datamodules.grouping import frames_of_videos, look_alikes, merged

if TYPE_CHECKING:
    from datamodules import DetectionData

GIVEN, DUPLICATES, ALONE = "given", "duplicates", "none"


@dataclass(frozen=True)
class VideoFrames(Finding):
    """Numbered images that are nearly alike and share no group; ``runs`` are what their names have in common."""

    runs: Sequence[str]
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True)
class OtherGroups(Finding):
    """What the mean AUROCs' intervals are under another definition of groups.

    Args:
        definition: ``duplicates`` or ``none``.
        groups: Numbers of groups, as given and under the definition.
        aurocs: By detector, as given and under the definition.
    """

    definition: str
    groups: tuple[int, int]
    aurocs: Mapping[str, tuple[Number, Number]]


class _PictureHash:
    """Gives an image's perceptual hash; none of one that cannot be read or is nearly flat."""

    def __init__(self, datamodule: "DetectionData") -> None:
        self.read_bytes, self.picture = datamodule.read_bytes, datamodule.picture

    def __call__(self, path: str, label: int = 0, size: int | None = None) -> int | None:
        from datamodules.checks.examination import hash_of

        try:
            return hash_of(self.picture(self.read_bytes(path), path))
        except (UnreadableImageError, OSError):
            return None


def find_frames(datamodule: "DetectionData") -> list[VideoFrames]:
    """Looks at the names of all images, and at a few dozen pictures where the names are numbered."""
    runs = frames_of_videos(datamodule.items, _PictureHash(datamodule))
    return [VideoFrames(runs)] if runs else []


def under_other_groups(
    panel: Panel, summary: Summary, definition: str, datamodule: "DetectionData"
) -> list[OtherGroups]:
    """Computes the mean AUROCs of the first condition anew, with other groups; nothing under those given.

    With ``none`` every image is a group of its own. With ``duplicates`` those given are merged where images are
    near-duplicates or frames of a video, for which every picture is read.
    """
    if definition == GIVEN:
        return []
    images = panel.images
    if definition == DUPLICATES:
        from datamodules.raw_files import measured_files

        hashes = list(measured_files(datamodule, datamodule.items, _PictureHash(datamodule)))
        known = datamodule.items.select("path", hash=pl.Series(hashes, dtype=pl.UInt64))
        images = images.join(known, on="path", how="left", maintain_order="left")
        images = images.with_columns(merged(images["group"], look_alikes(images))).drop("hash")
    else:
        images = images.with_columns(group="path")
    condition = panel.scorings[0].condition
    rows = [number for number, scoring in enumerate(panel.scorings) if scoring.condition == condition]
    scorings = tuple(panel.scorings[number] for number in rows)
    other = replace(panel, images=images, scorings=scorings, scores=panel.scores[rows], present=panel.present[rows])
    given = {row.detector: row.numbers["auroc"] for row in summary.means if row.condition == condition}
    aurocs = {row.detector: (given[row.detector], row.numbers["auroc"]) for row in summarise(other, ["auroc"]).means}
    return [OtherGroups(definition, (panel.images["group"].n_unique(), images["group"].n_unique()), aurocs)]
