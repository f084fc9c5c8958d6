"""The catalogue: which datasets there are, what they should hold, where to get them, and what is on this disk."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from bench.terminal import print_table, text_of
from datamodules import (
    DATASETS,
    GENERATED,
    REAL,
    BenchmarkDataModule,
    Count,
    DatasetNotFoundError,
    DemoDataModule,
    DetectionDataModule,
    FolderDataModule,
    GenImageDataModule,
    index_of,
)
from datamodules.archives import ENDING, list_archive
from datamodules.benchmark import ANY_SPLIT
from datamodules.demo import PHOTOGRAPHS
from datamodules.demo_images import load_manifest
from datamodules.genimage import NATURE
from datamodules.listing import list_files
from datamodules.reading import IMAGE_ENDINGS

CLASSES = {REAL: "real", GENERATED: "generated"}
COLUMNS = ("dataset", "class", "name", "title", "size", "expected", "found")
HERE = "ships with the suite"
OWN = "your own images, as real/<source>/... and generated/<generator>/..."


@dataclass(frozen=True)
class Place:
    """Where images were found, relative to the root, and how many there are by their names."""

    path: str
    images: int


@dataclass(frozen=True)
class Entry:
    """A generator of a dataset, or a source of its real images.

    Args:
        dataset: The dataset's name.
        dataset_title: Its name in full.
        label: 0 = real, 1 = generated; None where a dataset has no sources of its own.
        name: The source's name, as in tables of scores and, for a generator, on the command line.
        title: Its name for people.
        size: Width and height of its images in pixels, where they are published.
        expected: The published number of images of each split, or of ``all``.
        licence: Of the dataset.
        download_page: Where to get it.
        found: What there is under the root, the place that is taken first; empty without a root.
    """

    dataset: str
    dataset_title: str
    label: int | None
    name: str
    title: str
    size: int | None
    expected: Mapping[str, Count]
    licence: str
    download_page: str
    found: tuple[Place, ...] = ()


def list_entries(root: Path | None = None, datasets: Sequence[str] | None = None) -> list[Entry]:
    """Lists every generator and every source of real images of every dataset.

    Args:
        root: A folder to look for them in; files are counted by their names and not opened, but for archives' headers.
        datasets: The datasets to list; all by default.

    Raises:
        DatasetNotFoundError: There is no such folder, or it may not be read.
        UnknownDataNameError: There is no such dataset.
    """
    if root is not None and not root.is_dir():
        raise DatasetNotFoundError(f"There is no folder {root}.")
    entries: list[Entry] = []
    for name in datasets or DATASETS:
        cls = index_of(DATASETS, name)
        try:
            entries += _entries_of(cls, root)
        except OSError as error:
            raise DatasetNotFoundError(f"May not read {error.filename}: {error.strerror}.") from error
    return entries


def _entries_of(cls: type[DetectionDataModule], root: Path | None) -> list[Entry]:
    if issubclass(cls, BenchmarkDataModule):
        return _with_found(_published(cls), _places(cls, root)) if root is not None else _published(cls)
    blank = Entry(cls.name, cls.name, None, "", "", None, {}, cls.licence, "")
    if cls is DemoDataModule:
        return _demo(replace(blank, download_page=HERE))
    if cls is FolderDataModule:
        blank = replace(blank, dataset_title=OWN)
        return _with_found([], _own(root), blank) or [blank] if root is not None else [blank]
    return [blank]


def _published(cls: type[BenchmarkDataModule]) -> list[Entry]:
    """Lists what a benchmark's constants say."""
    blank = Entry(cls.name, cls.full_name, REAL, "", "", None, {}, cls.licence, cls.download_page)
    if issubclass(cls, GenImageDataModule):
        # Of photographs only the validation split's number is known.
        reals = [
            replace(
                blank,
                name=NATURE + one.name,
                title=f"photographs beside {one.title}",
                expected={split: count for split, count in one.counts.items() if split == "val"},
            )
            for one in cls.known
        ]
    else:
        reals = [
            replace(
                blank,
                name=f"{cls.name}-{split}",
                title=f"photographs, {split} split",
                expected={split: cls.real_counts[split]} if split in cls.real_counts else {},
            )
            for split in cls.splits
        ]
    generated = [
        replace(blank, label=GENERATED, name=one.name, title=one.title, size=one.size, expected=one.counts)
        for one in cls.known
    ]
    return reals + generated


def _demo(blank: Entry) -> list[Entry]:
    manifest = load_manifest()
    counts = Counter((entry.label, entry.generator or PHOTOGRAPHS) for entry in manifest)
    return [
        replace(blank, label=label, name=name, title=name, expected={ANY_SPLIT: Count(number, "the manifest")})
        for (label, name), number in sorted(counts.items())
    ]
