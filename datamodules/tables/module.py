"""Datasets whose images a table names: what manifests and Parquet files have in common."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from datamodules.base import DetectionData
from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.items import CHUNK, GENERATED, PARTIAL, REAL, Item
from datamodules.listing import list_files
from datamodules.reading import UnreadableImageError, decode_image
from datamodules.tables import labelling
from datamodules.tables.columns import read_columns, shown
from datamodules.tables.facts import read_rows
from datamodules.tables.finding import find_tables, fixed_part, missing_parts
from datamodules.tables.frames import picked
from datamodules.tables.labels import LabelOptions
from datamodules.tables.paths import under_one_folder
from datamodules.tables.row_groups import Places, stored_bytes, stored_name
from datamodules.tables.sources import dates_of, pairs_of
from datamodules.tables.table import Table

COMMON = frozenset(("metadata", "labels", "manifest", "index", "data", "train", "test"))
"""What many a manifest is called: the folder that it lies in then says more."""


class TableData(DetectionData):
    """Images that tables name or hold, a row an image.

    Args:
        root: A table, a folder with some below it, or a pattern.
        split: Splits to take, separated by commas; all by default.
        columns: Columns by their roles, as in ``image=Image label=Label_A``; see :mod:`datamodules.tables.columns`.
        image_root: Folder that paths in the tables count from; each table's own by default.
        generated_label: Values of the column of labels that mean generated; see :mod:`datamodules.tables.labelling`.
        real_label: Values that mean real.
        label_from_path: A regular expression; see :mod:`datamodules.tables.path_labels`.
        real: Folders with real images beside those of the tables; a folder's name is their source.
        **options: As for :class:`DetectionData`.
    """

    endings: ClassVar[tuple[str, ...]]
    """Of the tables' names, in lower case."""
    what: ClassVar[str]
    """What a table is called."""

    def __init__(
        self,
        root: str | Path | None,
        *,
        split: str | None = None,
        columns: Sequence[str] | None = None,
        image_root: str | None = None,
        generated_label: str | None = None,
        real_label: str | None = None,
        label_from_path: str | None = None,
        real: Sequence[str] | None = None,
        **options: Any,  # noqa: ANN401 - the base's
    ) -> None:
        if root is None:  # with --real alone
            raise DataOptionError(f"--dataset {self.name} needs --data-root: a {self.what}, a folder or a pattern.")
        super().__init__(root, **options)
        self.splits = None if split is None else [name.strip() for name in split.split(",")]
        self.given = read_columns(columns or ())
        self.image_root = None if image_root is None else Path(image_root)
        self.labels = LabelOptions(generated_label, real_label, label_from_path)
        self.real_folders = list(real or ())
        self.base = self.image_root or Path()
        self.images: Places = {}
        self.masks: Places = {}
        self.names: Places = {}
        self.mask_of: dict[str, str] = {}
        self.decided: list[str] = []

    @property
    def default_title(self) -> str:
        """The name of the folder or the file, so that several sets can share one store."""
        root = self.root.absolute()
        if not root.is_dir():
            root = root.parent if root.is_file() and root.stem.casefold() in COMMON else fixed_part(root)
        return f"{self.name}:{root.stem if root.is_file() else root.name}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about labels, sources and splits."""
        return (*super().notes, *self.decided)

    def missing_class(self) -> str | None:
        """Says which class has no image, and how to add it."""
        missing = super().missing_class()
        if missing is None or self.sources(REAL):
            return missing
        return f"{missing}; photographs beside it are added with --real DIR"

    def list_items(self) -> Iterator[Item]:
        """Yields the images of the rows, and those of the folders of real images."""
        tables, lacking = self._tables()
        rows, decided = read_rows(tables, self.splits, self.labels)
        for table in tables:
            self.images |= table.images
            self.masks |= table.masks
            self.names |= table.stored_names
        self.declared_pairs = pairs_of(rows)
        self.release_dates, odd = dates_of(rows)
        undated = [f"Release dates that are none, such as 2024-08-01, and were passed by: {shown(odd)}."] if odd else []
        self.decided = [*decided, *lacking, *undated]
        rows, shared = under_one_folder(rows)
        self.base = shared or self.base
        masked = picked(rows, ["path", "mask"], pl.col("meaning") == PARTIAL, pl.col("mask").is_not_null())
        self.mask_of = dict(masked.iter_rows())
        rows = rows.select("path", "meaning", "generator", "group", "bytes", "mtime_ns")
        for part in rows.iter_slices(CHUNK):
            for path, meaning, generator, group, size, changed in part.iter_rows():
                label, kind = REAL if meaning == labelling.REAL else GENERATED, PARTIAL if meaning == PARTIAL else None
                yield Item(path, label, generator, group, size, changed, kind)
        for folder in map(Path, self.real_folders):
            if not folder.is_dir():
                raise DatasetNotFoundError(f"There is no folder {folder} (--real).")
            for name, size, changed in list_files(folder, self.ignored):
                yield Item(f"{folder.absolute().as_posix()}/{name}", REAL, folder.absolute().name, None, size, changed)

    def read_bytes(self, path: str) -> bytes:
        """Reads a file, or the bytes that a row of a Parquet file holds.

        Raises:
            UnreadableImageError: There are none.
        """
        return stored_bytes(self.images, self.base, path)

    def file_name(self, path: str) -> str:
        """Returns the name that is stored beside an image, of the file that it was."""
        return stored_name(self.names, path)

    def edited_share(self, path: str) -> float | None:
        """Returns the share of an edited image's pixels that its mask marks; None without a mask that can be read."""
        if path not in self.mask_of:
            return None
        try:
            mask = decode_image(stored_bytes(self.masks, self.base, self.mask_of[path]), self.max_pixels)
        except (UnreadableImageError, OSError):
            return None
        return float((np.asarray(mask.convert("L")) > 127).mean())

    def _tables(self) -> tuple[list[Table], list[str]]:
        folder, names = find_tables(self.root, self.endings, self.what)
        self.base = self.image_root or folder
        if not self.base.is_dir():
            raise DatasetNotFoundError(f"There is no folder {self.base} (--image-root).")
        lacking = missing_parts(names)
        numbers = "by the numbers of those that are"
        note = [f"Files that are not here, {numbers}: {len(lacking):,}, the first {lacking[0]}."] if lacking else []
        return [Table(folder / name, name, folder, self.image_root, dict(self.given)) for name in names], note
