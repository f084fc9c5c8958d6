"""Examines a dataset: what its sources are like, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from datamodules.base import DetectionData
from datamodules.benchmark import BenchmarkData, Count
from datamodules.checks.examination import examine
from datamodules.checks.faults import WRONG, Finding, expected_count, find_faults, native_sizes
from datamodules.grouping import look_alikes, merged, same_content
from datamodules.identity import identity_of
from datamodules.image_dataset import NO_SHA256

Spread = tuple[float, float, float]
"""Least, median and greatest."""


@dataclass(frozen=True)
class SourceFacts:
    """What the images of a generator, or of a source of real images, are like.

    Args:
        label: 0 = real, 1 = generated.
        name: The source's.
        images: Number of images, readable or not.
        expected: The published number, where there is one and all images were taken.
        unreadable: How many of them cannot be read.
        native_size: The published width and height.
        formats: Number of images of each format, by content, the most frequent first.
        endings: Number of images of each ending, as it is written.
        sizes: Number of images of each width and height.
        width: Its spread; None without a readable image, as the height's.
        height: Its spread.
        jpeg_quality: The spread of the images that are JPEG; None without any.
    """

    label: int
    name: str
    images: int
    expected: Count | None
    unreadable: int
    native_size: int | None
    formats: Mapping[str, int]
    endings: Mapping[str, int]
    sizes: Mapping[str, int]
    width: Spread | None
    height: Spread | None
    jpeg_quality: Spread | None


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Args:
        title: The dataset.
        rows: Its sources, real ones first.
        findings: What is wrong, then what is to be noted.
        groups: ``path, declared, group`` of the images that share a group, as declared, by their bytes, as
            near-duplicates or as frames of a video.
        identity: Of the data set: a sha256 over its images' bytes and labels; None where it is not known.
    """

    title: str
    rows: tuple[SourceFacts, ...]
    findings: tuple[Finding, ...]
    groups: pl.DataFrame
    identity: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.severity != WRONG for finding in self.findings)


def list_for_check(datamodule: DetectionData) -> None:
    """Lists the images of a dataset, also those of what is there in part, so that all of it can be examined."""
    if isinstance(datamodule, BenchmarkData):
        datamodule.keeps_incomplete = True
    datamodule.prepare_data()
    datamodule.setup()


def check(datamodule: DetectionData, allow_one_class: bool = False) -> Diagnosis:
    """Reads every image of a dataset once and says what is wrong.

    Args:
        datamodule: The dataset; if it takes a sample, numbers are not compared with the published ones.
        allow_one_class: Whether it may lack a class.

    Raises:
        ReaderLostError: A process that read images was killed.
        DatasetNotFoundError: There are no images.
    """
    list_for_check(datamodule)
    ending = pl.col("path").str.extract(r"(\.[^./#]+)(?:#\d+)?$").fill_null("")
    items = datamodule.items.with_columns(ending.alias("ending"))
    images = pl.concat([items, examine(datamodule)], how="horizontal")
    parts = images.partition_by("label", "generator", as_dict=True)
    rows = tuple(_source_facts(datamodule, parts[key]) for key in sorted(parts))
    whole = len(images) == len(datamodule.listing) and not getattr(datamodule, "incomplete", None)
    identity = identity_of(images.with_columns(pl.col("sha256").fill_null(NO_SHA256))) if whole else None
    findings = find_faults(datamodule, images, allow_one_class)
    return Diagnosis(datamodule.title, rows, findings, _groups(images), identity)


def _groups(images: pl.DataFrame) -> pl.DataFrame:
    read = images.select(pl.when(pl.col("reason").is_null()).then("sha256")).to_series()
    links = np.concatenate([same_content(read), look_alikes(images)])
    groups = images.select("path", merged(images["group"], links), declared="group")
    shared = (pl.len().over("group") > 1) | (pl.col("group") != pl.col("path"))
    return groups.filter(shared).select("path", "declared", "group")


def _source_facts(datamodule: DetectionData, images: pl.DataFrame) -> SourceFacts:
    label, name = int(images["label"][0]), str(images["generator"][0])
    readable = images.filter(pl.col("reason").is_null())
    return SourceFacts(
        label=label,
        name=name,
        images=len(images),
        expected=expected_count(datamodule, name),
        unreadable=len(images) - len(readable),
        native_size=native_sizes(datamodule).get(name),
        formats=_tally(readable["format"]),
        endings=_tally(images["ending"]),
        sizes=_tally(readable.select(pl.format("{}x{}", "width", "height")).to_series()),
        width=_spread(readable["width"]),
        height=_spread(readable["height"]),
        jpeg_quality=_spread(readable["jpeg_quality"]),
    )


def _tally(values: pl.Series) -> dict[str, int]:
    counted = values.alias("value").value_counts(name="n").sort(["n", "value"], descending=[True, False])
    return dict(counted.iter_rows())


def _spread(values: pl.Series) -> Spread | None:
    found = values.drop_nulls().to_numpy()
    return (float(found.min()), float(np.median(found)), float(found.max())) if len(found) else None
