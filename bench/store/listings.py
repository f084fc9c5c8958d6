"""Data sets as they were listed, before any of their images were chosen: what a store's scores are of.

A listing lies under ``<output>/sets/<title>/<key>.parquet``, and the ``run.json`` of a run names its key. Its images'
sha256 are filled in as they are read; those of unchanged files (path, size and time of change) are taken over from
older listings. Once all are known, the listing has an identity (`datamodules.identity`), which is the data set's.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from bench.store.checked_table import read_table, write_table
from bench.store.damage import Damage, DamagedFileError
from bench.store.files import file_name
from datamodules.identity import SLICE, identity_of

LISTED: dict[str, Any] = {
    **dict.fromkeys(("path", "generator", "group", "kind", "sha256"), pl.String),
    "label": pl.Int8,
    **dict.fromkeys(("bytes", "mtime_ns"), pl.Int64),
}
_FILE = ("path", "bytes", "mtime_ns")


@dataclass(frozen=True)
class Listing:
    """The images of a data set.

    Args:
        output: The results folder.
        title: What the store calls the data set.
        key: Names the listing: a hash of the title and all that was listed.
        images: With the columns of ``LISTED``, sorted by path; ``sha256`` is null where it is not known, and empty of a
            file of which not one byte could be read.
        kept: Whether its file says the same.
    """

    output: Path
    title: str
    key: str
    images: pl.DataFrame
    kept: bool = False

    @cached_property
    def layout(self) -> str:
        """A hash of what a copy of the same files keeps: paths, labels and sizes."""
        return _hash_of(self.images.select("path", "label", "bytes"))

    @cached_property
    def identity(self) -> str | None:
        """The data set's identity, once all of its images have been read."""
        return identity_of(self.images)

    @property
    def read(self) -> int:
        """How many of the images have been read."""
        return len(self.images) - self.images["sha256"].null_count()

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self.output / "sets" / file_name(self.title) / f"{self.key}.parquet"

    @property
    def scores(self) -> Path:
        """The folder of the scores that are filed under its title."""
        return self.output / "scores" / file_name(self.title)

    def knowing(self, hashes: pl.DataFrame, on: Iterable[str] = ("path",)) -> "Listing":
        """Fills in what is now known: ``sha256``, a row for each of the columns ``on``."""
        keys = list(on)
        known = hashes.select(*keys, new="sha256").unique(keys, keep="last")
        images = self.images.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")
        now = images.select(sha256=pl.coalesce("new", "sha256")).to_series()
        if now.equals(self.images["sha256"], null_equal=True):
            return self
        return replace(self, images=self.images.with_columns(now), kept=False)

    def agrees(self, other: "Listing") -> bool:
        """Says whether no image of a path is known to have another sha256 in the other listing."""
        both = self.images.join(other.images, on="path").filter(pl.col("sha256") != pl.col("sha256_right"))
        return both.is_empty()

    def save(self) -> "Listing":
        """Writes it down, unless its file says the same.

        Raises:
            BenchError: It cannot be written.
        """
        if not self.kept:
            write_table(self.images, self.file, {"title": json.dumps(self.title)})  # it may be no Unicode
        return replace(self, kept=True)


def listing_of(output: Path, title: str, items: pl.DataFrame) -> Listing:
    """Makes the listing of items as `datamodules.items.ITEM_SCHEMA` has them, with every sha256 that is known."""
    images = items.with_columns(sha256=pl.lit(None, dtype=pl.String)).select(*LISTED).cast(pl.Schema(LISTED))
    key = _hash_of(images.drop("sha256"), title)
    listing = Listing(output, title, key, images)
    there = _read(listing.file)
    listing = there if isinstance(there, Listing) else listing
    others = [file for file in _files(listing.file.parent) if file != listing.file]
    for earlier in map(_read, others if listing.identity is None else ()):
        if isinstance(earlier, Listing):  # a damaged one is told where the store is read
            files = earlier.images.filter(pl.col("sha256").is_not_null(), pl.col("mtime_ns").is_not_null())
            listing = listing.knowing(files, _FILE)
    return listing


def listing_at(output: Path, listing: Listing) -> Listing:
    """Returns the listing as it is to be kept in another results folder, with what is known there."""
    moved = replace(listing, output=output, kept=False)
    there = _read(moved.file)
    return moved.knowing(there.images.drop_nulls("sha256")) if isinstance(there, Listing) else moved


def read_listings(output: Path, title: str | None = None) -> list[Listing]:
    """Reads every listing of a results folder, or those of one title.

    Raises:
        DamagedFileError: One cannot be used.
    """
    folders = sorted((output / "sets").glob("*")) if title is None else [output / "sets" / file_name(title)]
    found = [_read(file) for folder in folders for file in _files(folder)]
    for listing in found:
        if isinstance(listing, DamagedFileError):
            raise listing
    return [listing for listing in found if isinstance(listing, Listing)]


def damaged_listings(output: Path) -> Iterator[Damage]:
    """Examines every listing of a results folder."""
    for file in sorted((output / "sets").glob("*/*.parquet")):
        found = _read(file)
        if isinstance(found, DamagedFileError):
            yield found.damage


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _read(file: Path) -> Listing | DamagedFileError:
    found = read_table(file, LISTED)
    if isinstance(found, str):
        return DamagedFileError(file, found)
    table, told = found
    try:
        title = str(json.loads(told["title"]))
    except (KeyError, ValueError):
        return DamagedFileError(file, "it does not say of which data set it is")
    return Listing(file.parent.parent.parent, title, file.stem, table, kept=True)


def _hash_of(table: pl.DataFrame, title: str = "") -> str:
    digest = hashlib.sha256(os.fsencode(title))
    line = pl.concat_str(pl.all().cast(pl.String).fill_null("\1"), separator="\0")
    for part in table.iter_slices(SLICE):
        digest.update("\n".join([*part.select(line).to_series(), ""]).encode())
    return digest.hexdigest()[:16]
