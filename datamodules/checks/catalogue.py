"""The catalogue: which datasets there are, what they should hold, where to get them, and what is on this disk."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.archives import ENDING, list_archive
from datamodules.base import DetectionData
from datamodules.benchmark import ANY_SPLIT, BenchmarkData, Count, Source
from datamodules.demo import PHOTOGRAPHS, DemoData
from datamodules.demo_images import load_manifest
from datamodules.errors import DatasetNotFoundError
from datamodules.folder import FolderData
from datamodules.genimage import NATURE, GenImageData
from datamodules.hub import HubData
from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.items import GENERATED, REAL
from datamodules.listing import list_files
from datamodules.registry import dataset_names, find_data
from datamodules.shards import ShardsData
from datamodules.tables.manifest import ManifestData
from datamodules.tables.parquet import ParquetData

TITLES = {
    DemoData.name: "photographs and what two small generators make of them; ships with the suite",
    FolderData.name: "your own images in folders, .zip or .tar: real/<source>/... and generated/<generator>/...",
    ShardsData.name: "tar files that the pack command wrote, or WebDataset tars with .json or .cls labels",
    ManifestData.name: "a CSV, TSV, JSON Lines or Parquet file that names your images, a row an image",
    HubData.name: "Parquet files of a data set on the Hugging Face hub, as hf:OWNER/NAME:CONFIG@REVISION",
    ParquetData.name: "Parquet files with the images in them, as the library datasets writes them",
}


@dataclass(frozen=True)
class Place:
    """Where images were found, relative to the root, and how many there are by their names."""

    path: str
    images: int


@dataclass(frozen=True)
class CatalogueEntry:
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


Places = dict[tuple[int, str], list[Place]]


def list_entries(root: Path | None = None, datasets: Sequence[str] | None = None) -> list[CatalogueEntry]:
    """Lists every generator and every source of real images of every dataset.

    Args:
        root: A folder to look for them in; images are counted by their names and not opened.
        datasets: The datasets to list; all by default.

    Raises:
        DatasetNotFoundError: There is no such folder, or it may not be read.
        UnknownDataNameError: There is no such dataset.
    """
    if root is not None and not root.is_dir():
        raise DatasetNotFoundError(f"There is no folder {root}. Give the folder with the data sets as --data-root DIR.")
    classes = [find_data(name) for name in datasets or dataset_names()]
    try:
        return [entry for cls in classes for entry in _entries_of(cls, root)]
    except DatasetNotFoundError:
        raise
    except OSError as error:
        raise DatasetNotFoundError(f"May not read {error.filename}: {error.strerror}.") from error


def _entries_of(cls: type[DetectionData], root: Path | None) -> list[CatalogueEntry]:
    blank = CatalogueEntry(cls.name, TITLES.get(cls.name, cls.name), None, "", "", None, {}, cls.licence, "")
    if issubclass(cls, BenchmarkData):
        blank = replace(blank, dataset_title=cls.full_name, download_page=cls.download_page)
        published = list(_published(cls, blank))
        return published if root is None else _with_found(published, _places(cls, root), blank)
    if cls is DemoData:
        return _demo(blank)
    found = _own(root) if cls is FolderData and root is not None else {}
    return _with_found([], found, blank) or [blank]


def _published(cls: type[BenchmarkData], blank: CatalogueEntry) -> Iterator[CatalogueEntry]:
    """Yields what a benchmark's constants say, real images first."""
    if issubclass(cls, GenImageData):
        reals = [(NATURE + one.name, f"photographs beside {one.title}", cls.splits) for one in cls.known]
    else:
        reals = [(f"{cls.name}-{split}", f"photographs, {split} split", (split,)) for split in cls.splits]
    for name, title, splits in reals:
        yield replace(blank, label=REAL, name=name, title=title, expected=_expected(cls, name, splits))
    for one in cls.known:
        count = _expected(cls, one.name, cls.splits)
        yield replace(blank, label=GENERATED, name=one.name, title=one.title, size=one.size, expected=count)


def _expected(cls: type[BenchmarkData], name: str, splits: Sequence[str]) -> dict[str, Count]:
    """Asks for the number of a source's images in each split; one number for all splits is said once."""
    counts = {split: cls(Path(), real_split=split).expected(name) for split in splits}
    known = {split: count for split, count in counts.items() if count is not None}
    same = len(known) == len(cls.splits) and len(set(known.values())) == 1
    return {ANY_SPLIT: next(iter(known.values()))} if same else known


def _demo(blank: CatalogueEntry) -> list[CatalogueEntry]:
    counts = Counter((entry.label, entry.generator or PHOTOGRAPHS) for entry in load_manifest())
    return [
        replace(blank, label=label, name=name, title=name, expected={ANY_SPLIT: Count(number, "the manifest")})
        for (label, name), number in sorted(counts.items())
    ]


def _with_found(entries: Sequence[CatalogueEntry], places: Places, blank: CatalogueEntry) -> list[CatalogueEntry]:
    """Adds what was found, and entries for sources that nobody published."""
    rest = dict(places)
    known = [replace(one, found=tuple(rest.pop((one.label or REAL, one.name), ()))) for one in entries]
    others = [replace(blank, label=key[0], name=key[1], title=key[1], found=tuple(rest[key])) for key in sorted(rest)]
    return known + others


def _places(cls: type[BenchmarkData], root: Path) -> Places:
    places: Places = {}
    for source in dict.fromkeys(_sources(cls, root)):
        places.setdefault((source.label, source.name), []).append(Place(source.path, _count(root, source.path)))
    return places


def _sources(cls: type[BenchmarkData], root: Path) -> Iterator[Source]:
    """Yields what is found for any split; of an archive that was unpacked in part, that part."""
    for split in (None, *cls.splits):
        yield from cls(root, real_split=split).find_sources()


def _count(root: Path, path: str) -> int:
    if (root / path).is_file():
        return sum(1 for _ in list_archive(root / path, path))
    total = 0
    for name, _, _ in list_files(root / path, Counter(), IMAGE_ENDINGS | {ENDING}):
        total += _count(root, f"{path}/{name}") if name.lower().endswith(ENDING) else 1
    return total


def _own(root: Path) -> Places:
    counts: Counter[tuple[int, str, str]] = Counter()
    with suppress(DatasetNotFoundError):
        for item in FolderData(root).list_items():
            folder = "/".join(item.path.split("/")[:-1][:2])
            counts[item.label, item.generator, folder] += 1
    places: Places = {}
    for (label, name, folder), number in counts.items():
        places.setdefault((label, name), []).append(Place(folder, number))
    return places
