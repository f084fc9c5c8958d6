"""What the published benchmarks have in common: known generators, found on a disk by their folders' names."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from datamodules.archives import ENDING, decode_pixels, list_archive, read_pixels, refuse, split_item
from datamodules.base import DetectionData
from datamodules.errors import DatasetNotFoundError, UnknownDataNameError
from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.items import GENERATED, REAL, Item
from datamodules.listing import list_files, normalised

ANY_SPLIT = "all"


@dataclass(frozen=True, slots=True)
class Count:
    """How many images there should be, and who says so."""

    number: int
    source: str


@dataclass(frozen=True)
class Generator:
    """A generator of a published benchmark.

    Args:
        name: As on the command line.
        title: As in a table.
        folders: Names of its folder or archive; case and punctuation do not matter, nor does the dataset's own name
            before or after. Where several are found, the first one counts.
        size: Width and height of its images in pixels.
        counts: Expected number of images of each split, or of ``all``.
    """

    name: str
    title: str
    folders: tuple[str, ...]
    size: int
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the images of a generator, or a source of real images, lie: a folder or archive under the root."""

    name: str
    label: int
    path: str


class BenchmarkData(DetectionData):
    """A published benchmark, as its archives unpack.

    Args:
        root: The folder that the archives were unpacked in.
        real_split: The split to take.
        options: Those of :class:`~datamodules.base.DetectionData`. ``generators`` takes names, titles and
            folders' names; without it the generators that are found are taken, and ``absent`` names the others.

    Attributes:
        keeps_incomplete: Whether images of generators that lack a part are listed, too, as an examination wants it.
        incomplete: What is missing of each generator that lacks a part.
    """

    full_name: ClassVar[str] = ""
    download_page: ClassVar[str] = ""
    known: ClassVar[tuple[Generator, ...]] = ()
    affixes: ClassVar[tuple[str, ...]] = ()
    """The dataset's own name, normalised, as it stands before or after a generator's in folders' names."""
    splits: ClassVar[tuple[str, ...]] = ("val", "train")
    """The first is the default."""
    real_counts: ClassVar[Mapping[str, Count]] = {}
    split_notes: ClassVar[Mapping[str, str]] = {}

    def __init__(self, root: str | Path, *, real_split: str | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(root, **options)
        self.real_split = real_split or self.splits[0]
        if self.real_split not in self.splits:
            raise UnknownDataNameError("split", self.real_split, self.splits)
        self.split_is_asked_for = real_split is not None
        self.generators = None if self.generators is None else self._canonical(self.generators)
        self.absent: tuple[str, ...] = ()
        self.keeps_incomplete = False
        self.incomplete: dict[str, str] = {}
        self.taken: tuple[Source, ...] = ()
        self.left_out: tuple[Source, ...] = ()

    @abstractmethod
    def find_sources(self) -> Iterator[Source]:
        """Yields every place under the root that looks like one of the sources, the best one of each first."""

    @abstractmethod
    def looked_for(self, names: Sequence[str]) -> str:
        """Says in words which folders were looked for, for generators or, with no names, for the real images."""

    def faces(self, generator: str, real: str) -> bool:
        """Says whether a source of real images faces a generator."""
        return True

    @property
    def contrasts(self) -> dict[str, tuple[str, ...]]:
        """Which sources of real images face each generator."""
        reals = self.sources(REAL)
        return {name: tuple(real for real in reals if self.faces(name, real)) for name in self.sources(GENERATED)}

    @property
    def notes(self) -> tuple[str, ...]:
        """The real images' split, and what was not found or not taken."""
        reals = ", ".join(f"{source.name} ({source.path})" for source in self.taken if source.label == REAL)
        notes = [f"Real images: {reals}."]
        notes += [self.split_notes[self.real_split]] if self.real_split in self.split_notes else []
        notes += [f"Not found under the root: {', '.join(self.absent)}."] if self.absent else []
        paths = {(source.label, source.name): source.path for source in self.taken}
        for source in self.left_out:
            notes.append(f"{source.name}: taken from {paths[source.label, source.name]}, not from {source.path}.")
        return tuple(notes)

    def expected(self, name: str) -> Count | None:
        """How many images a generator, or a source of real images, should have; None where nobody says."""
        for generator in self.known:
            if generator.name == name:
                return generator.counts.get(self.real_split, generator.counts.get(ANY_SPLIT))
        return None if name == self.name else self.real_counts.get(self.real_split)

    def locate(self) -> tuple[Source, ...]:
        """Finds the folders of every generator that is there whole, and of their reals, whichever were chosen.

        Raises:
            DatasetNotFoundError: A folder is missing; the message says which names were looked for, or what goes on
                without it.
        """
        if not self.root.is_dir():
            raise DatasetNotFoundError(f"There is no folder {self.root}. {self._remedy}")
        self.incomplete = {}
        found: dict[tuple[int, str], Source] = {}
        others = []
        for source in self.find_sources():
            if found.setdefault((source.label, source.name), source) is not source:
                others.append(source)
        self._check_whole(self._chosen({*self.incomplete, *(name for label, name in found if label == GENERATED)}))
        whole = {name for label, name in found if label == GENERATED} - self.incomplete.keys()
        wanted = {
            (label, name)
            for label, name in found
            if self.keeps_incomplete
            or (name in whole if label == GENERATED else any(self.faces(generator, name) for generator in whole))
        }
        if not self.keeps_incomplete and not any(label == REAL for label, _ in wanted):
            raise DatasetNotFoundError(f"No real images under {self.root}: {self.looked_for(())}. {self._remedy}")
        self.left_out = tuple(source for source in others if (source.label, source.name) in wanted)
        return tuple(source for key, source in found.items() if key in wanted)

    def list_items(self) -> Iterator[Item]:
        """Yields the images of every source."""
        self.taken = self.locate()
        for source in self.taken:
            empty = True
            for item in self._items_of(source):
                empty = False
                yield item
            if not empty:
                continue
            if source.label == REAL or source.name in (self.generators or ()):
                raise DatasetNotFoundError(
                    f"There is no image of {source.name} in {self.root / source.path}. {self._remedy}"
                )
            self.absent += (source.name,)

    def read_bytes(self, path: str) -> bytes:
        """Reads a file's bytes, or the raw pixels of an archive's image."""
        item = split_item(path)
        if item is not None:
            return read_pixels(self.root / item[0], item[1], self.max_pixels)
        if path.lower().endswith(ENDING):
            refuse(self.root / path)
        return super().read_bytes(path)

    def decode(self, data: bytes, path: str) -> Image.Image:
        """Decodes a file, or makes a picture of raw pixels."""
        item = split_item(path)
        return super().decode(data, path) if item is None else decode_pixels(self.root / item[0], data)

    def generator_of(self, folder: str) -> tuple[int, str] | None:
        """Says which generator a folder's name means, with the name's rank among that generator's names."""
        name = normalised(folder)
        stripped = {name, *(name.removeprefix(affix) for affix in self.affixes)}
        stripped |= {name.removesuffix(affix) for affix in self.affixes}
        for generator in self.known:
            for rank, alias in enumerate((*generator.folders, generator.name)):
                if normalised(alias) in stripped:
                    return rank, generator.name
        return None

    @property
    def _remedy(self) -> str:
        return f"Give the folder with the unpacked archives as --data-root DIR; they are at {self.download_page}"

    def _canonical(self, names: Sequence[str]) -> tuple[str, ...]:
        chosen: list[str] = []
        for name in names:
            found = {one.name for one in self.known if normalised(one.title) == normalised(name)}
            match = self.generator_of(name)
            found |= {match[1]} if match else set()
            if len(found) != 1:
                raise UnknownDataNameError("generator", name, [generator.name for generator in self.known])
            chosen += found
        return tuple(dict.fromkeys(chosen))

    def _chosen(self, found: set[str]) -> Sequence[str]:
        everything = [generator.name for generator in self.known]
        names = [name for name in everything if name in found] if self.generators is None else self.generators
        missing = [name for name in names or everything if name not in found]
        if missing:
            raise DatasetNotFoundError(
                f"Nothing of {', '.join(missing)} under {self.root}: {self.looked_for(missing)}. {self._remedy}"
            )
        self.absent = tuple(name for name in everything if name not in found) if self.generators is None else ()
        return names

    def _check_whole(self, names: Sequence[str]) -> None:
        """Raises if a generator that was chosen lacks a part; those that were not are left alone."""
        lacking = [name for name in names if name in self.incomplete]
        if self.keeps_incomplete or not lacking:
            return
        others = [name for name in names if name not in self.incomplete]
        without = f" --generators {' '.join(others)} goes on without {', '.join(lacking)}." if others else ""
        raise DatasetNotFoundError(f"{self.incomplete[lacking[0]]}; unpack the archive whole.{without} {self._remedy}")

    def _items_of(self, source: Source) -> Iterator[Item]:
        place = self.root / source.path
        if place.is_file():
            files: Iterator[tuple[str, int, int]] = iter([(source.path, -1, place.stat().st_mtime_ns)])
        else:
            listed = list_files(place, self.ignored, IMAGE_ENDINGS | {ENDING})
            files = ((f"{source.path}/{path}", size, mtime) for path, size, mtime in listed)
        for path, size, mtime in files:
            archive = path.lower().endswith(ENDING)
            for name, length in list_archive(self.root / path, path) if archive else ((path, size),):
                yield Item(name, source.label, source.name, name, length, mtime)
