"""The numbers of a comparison, with their intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.statistics.bootstrap import Interval
from bench.statistics.influence import InfluenceValues
from bench.statistics.standard_errors import StandardError

MEAN, ALL = "mean", "all images"
WITH_INTERVAL = ("auroc", "ap_generated", "ap_real")
"""Names of the metrics that tables show."""


@dataclass(frozen=True)
class Number:
    """A metric of one detector against one generator, or its mean over generators.

    Args:
        value: Mean over seeds; nan where it is undefined.
        interval: 95 % interval over images and seeds, or None.
        seeds_sd: Standard deviation over seeds, or None with one seed.
        reason: Why there is no value or no interval.
        error: Standard error over images and seeds, where it is known.
        seeds: The value of each seed.
        n_groups: Numbers of groups with real and with generated images, means over generators for a mean.
    """

    value: float
    interval: Interval | None = None
    seeds_sd: float | None = None
    reason: str | None = None
    error: StandardError | None = None
    seeds: tuple[float, ...] = ()
    n_groups: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Row:
    """All numbers of one detector under one condition against one generator (or ``mean``)."""

    detector: str
    condition: str
    generator: str
    n_real: int
    n_generated: int
    n_unreadable: int
    numbers: dict[str, Number]


@dataclass(frozen=True)
class Change:
    """What a condition does to a detector: its mean AUROC there minus the one on the clean images, paired."""

    detector: str
    condition: str
    auroc: Number


@dataclass(frozen=True)
class Summary:
    """The numbers of a comparison.

    Args:
        rows: For each detector and condition a row for each generator and, with two and more, one for their mean.
        changes: What each condition changes.
        influences: What tests start from: by detector and condition, the AUROC of each generator and of the mean, where
            it is defined and has groups enough for an interval.
    """

    rows: list[Row]
    changes: list[Change]
    influences: Mapping[tuple[str, str], Mapping[str, InfluenceValues]] = field(default_factory=dict)
