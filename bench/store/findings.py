"""Findings: what a reader must know of some numbers, as typed facts; ``bench.report.notes`` writes their sentences.

Each kind stands where it arises; here are those of the store itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["note", "warning"]


class Finding:
    """A fact that a reader must know: a note, or a warning for what makes numbers doubtful."""

    severity: ClassVar[Severity] = "note"


@dataclass(frozen=True)
class UnreadableImages(Finding):
    """Images without pixels, which have no score, by path with the reason."""

    files: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class IgnoredFiles(Finding):
    """Files that were passed by for their endings, by ending."""

    endings: Mapping[str, int]


@dataclass(frozen=True)
class IncompleteSeed(Finding):
    """A seed that lacks images which the others have, and is left out."""

    detector: str
    condition: str
    seed: int
    images: int
    wanted: int


@dataclass(frozen=True)
class ChangedImages(Finding):
    """Images that changed since they were scored; the scores of their older content are left out."""

    images: int


@dataclass(frozen=True)
class DamagedFiles(Finding):
    """Files of the store that were damaged and are set aside, with the reason; what they held is made again."""

    files: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class UnknownContrasts(Finding):
    """No run told which real images face which generator, so all face each."""


@dataclass(frozen=True)
class SharedTitle(Finding):
    """Data sets of one title whose contents differ."""

    title: str
    contents: int
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True)
class ContradictedImages(Finding):
    """Images that are called real and generated, byte for byte the same: sha256 and a path of either class."""

    images: Sequence[tuple[str, str, str]]
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True)
class Content(Finding):
    """What the data set is.

    Args:
        identity: See `datamodules.identity`; None while some images have not been read.
        images: Of the whole data set.
        read: Of these.
    """

    identity: str | None
    images: int
    read: int
