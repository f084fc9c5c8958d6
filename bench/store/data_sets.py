"""Which listings are of one data set: those of the same content, whatever they are called and wherever they lie."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.store.contrasts import ContrastRule
from bench.store.findings import SharedTitle
from bench.store.listings import Listing, read_listings
from bench.store.reader import scan_rows
from bench.store.runs import Run
from bench.store.stored_rows import StoredRows

_IMAGE = ("content", "label")
_CONTENT = (
    pl.when(pl.col("sha256") == "").then(pl.format("no bytes of {}", "path")).otherwise("sha256").alias("content")
)
"""What an image of a data set is, beside its label."""


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Args:
        listings: All of it, oldest last run first.
        runs: Those that scored it, oldest first.
    """

    listings: Sequence[Listing]
    runs: Sequence[Run]

    @cached_property
    def latest(self) -> Listing:
        """The listing of its latest run, whose names of sources and groups count."""
        keys = [run.listing for run in self.runs]
        last = {key: at for at, key in enumerate(keys)}
        return max(self.listings, key=lambda listing: last.get(listing.key, -1))

    @property
    def identity(self) -> str | None:
        """What its content is; None while some of it has not been read."""
        return next((listing.identity for listing in self.listings if listing.identity), None)

    @property
    def folders(self) -> list[Path]:
        """Where scores of its images may lie."""
        return list(dict.fromkeys(listing.scores for listing in self.listings))

    def listing_of(self, run: Run) -> Listing:
        """Returns the listing that a run was made for; the latest for a run of an older version."""
        return next((listing for listing in self.listings if listing.key == run.listing), self.latest)

    def paths_here(self, run: Run, paths: Iterable[str]) -> list[str]:
        """Translates the paths of a run's listing into those of the latest."""
        listing, named = self.listing_of(run), list(paths)
        if listing is self.latest:
            return named
        images = listing.images.filter(pl.col("path").is_in(named)).select(_CONTENT, "label").unique()
        return self.latest.images.with_columns(_CONTENT).join(images, on=_IMAGE)["path"].to_list()

    def rule_here(self, run: Run, rule: ContrastRule) -> ContrastRule:
        """Translates the images that a run's contrast is limited to."""
        return rule if rule.members is None else replace(rule, members=frozenset(self.paths_here(run, rule.members)))


def data_sets(listings: Iterable[Listing], runs: Sequence[Run]) -> list[DataSet]:
    """Sorts listings into data sets.

    Listings of one identity are of one data set. One that has not been read whole belongs to another of the same title,
    paths, labels and sizes, unless an image of one path is known to be another one there.

    Args:
        listings: With every sha256 that the rows of their runs tell; see `completed`.
        runs: All runs.
    """
    groups: list[list[Listing]] = []
    for listing in sorted(listings, key=lambda listing: (listing.identity is None, listing.title, listing.key)):
        group = next((group for group in groups if _same(listing, group[0])), None)
        if group is None:
            groups.append([listing])
        else:
            group.append(listing)
    keys = [{listing.key for listing in group} for group in groups]
    return [
        DataSet(group, [run for run in runs if run.listing in of_group])
        for group, of_group in zip(groups, keys, strict=True)
    ]


def shared_title(listing: Listing) -> list[SharedTitle]:
    """Looks for other data sets of a listing's title in its store."""
    contents = len(data_sets(read_listings(listing.output, listing.title), ()))
    return [SharedTitle(listing.title, contents)] if contents > 1 else []


def completed(listing: Listing, runs: Iterable[Run]) -> Listing:
    """Fills in what the rows of a listing's own runs tell of images that it does not know, as after a killed run."""
    if listing.identity is not None:
        return listing
    own = [run for run in runs if run.listing == listing.key]
    parts = [part for run in own for part in sorted(run.folder.glob("part-*.parquet"))]
    if not parts:
        return listing
    told = scan_rows(parts).select("path", "sha256").collect()
    unknown = listing.images.filter(pl.col("sha256").is_null()).select("path")
    return listing.knowing(told.join(unknown, on="path", how="semi"))


def places(table: StoredRows, images: pl.DataFrame) -> NDArray[np.int64]:
    """Finds the images of stored rows among those of a data set, by content; -1 for one that is not among them.

    Of copies, which have one content, the first is found.
    """
    first = images.select(_CONTENT, "label").with_row_index("place").unique(_IMAGE, keep="first", maintain_order=True)
    stored = table.images.table.select(_CONTENT, "label").join(first, on=_IMAGE, how="left", maintain_order="left")
    return stored["place"].cast(pl.Int64).fill_null(-1).to_numpy()


def first_copies(images: pl.DataFrame) -> NDArray[np.int64]:
    """Returns for each image the first one of its content, which is as a rule itself."""
    numbered = images.select(_CONTENT, "label").with_row_index("image")
    return numbered.select(pl.col("image").first().over(_IMAGE)).to_series().to_numpy().astype(np.int64)


def _same(listing: Listing, other: Listing) -> bool:
    if listing.identity is not None and other.identity is not None:
        return listing.identity == other.identity
    return (listing.title, listing.layout) == (other.title, other.layout) and listing.agrees(other)
