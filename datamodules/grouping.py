"""Which images are not independent of each other though nobody has said so: copies, near-duplicates, frames of a video.

Images of the same bytes always count as one group. The others are guessed from perceptual hashes
(`datamodules.fingerprints`), so they are named, and grouped only by a file of groups that the user has seen.

*Near-duplicates* differ in at most `NEAR` bits of 64. *Frames of a video* have names that are alike but for a number at
their end, at least `FEWEST_FRAMES` of them in one folder with consecutive numbers, and neighbours that differ in at
most `MOST_MOVED` bits: numbered names alone say nothing, as data sets number unrelated images, too, and two photographs
of different things differ in some 32 bits.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from datamodules.fingerprints import near_pairs

NEAR = 4
FEWEST_FRAMES = 8
MOST_MOVED = 12
LOOKED_AT = 6, 3
"""Runs of numbered names, and pairs of neighbours in each, of which the pictures are looked at."""

Links = NDArray[np.intp]
"""``(k, 2)`` positions of two images that belong to one group."""
HashOf = Callable[[str], int | None]
"""Gives an image's perceptual hash by its path; none where it has none."""


def merged(groups: pl.Series, links: Links) -> pl.Series:
    """Merges the groups of ``n`` images that are linked; a merged group has the first of its names.

    Examples:
        >>> merged(pl.Series(["a", "b", "c", "d"]), np.array([[1, 3], [2, 3]])).to_list()
        ['a', 'b', 'b', 'b']
    """
    if not len(links):
        return groups
    codes = groups.rank("dense").to_numpy() - 1
    names = groups.unique().sort()
    one, two = codes[links].T
    size = len(names)
    _, component = connected_components(coo_array((np.ones(len(one)), (one, two)), shape=(size, size)), directed=False)
    _, first, place = np.unique(component, return_index=True, return_inverse=True)
    return names.gather(first[place][codes]).rename(groups.name)


def same_content(keys: pl.Series) -> Links:
    """Links images of the same sha256, or another key of their bytes; one without a key is linked to none."""
    keyed = pl.DataFrame({"key": keys}).with_row_index("image").filter(pl.col("key").is_not_null())
    keyed = keyed.filter(pl.col("key") != "") if keys.dtype == pl.String else keyed
    if keyed["key"].n_unique() == len(keyed):
        return np.empty((0, 2), dtype=np.intp)
    keyed = keyed.sort("key", "image")
    same = (keyed["key"] == keyed["key"].shift(1)).fill_null(False).to_numpy()
    images = keyed["image"].to_numpy().astype(np.intp)
    return np.stack([images[np.flatnonzero(same) - 1], images[same]], axis=1)


def near_duplicates(hashes: pl.Series) -> Links:
    """Links images whose hashes differ in at most `NEAR` bits; one without a hash is linked to none."""
    known = np.flatnonzero(hashes.is_not_null().to_numpy())
    values, first = np.unique(hashes.drop_nulls().to_numpy(), return_index=True)
    return np.concatenate([same_content(hashes), known[first[near_pairs(values, NEAR)]]])


def numbered_neighbours(items: pl.DataFrame) -> pl.DataFrame:
    """Finds images with consecutive numbers at the ends of their names, none of which shares a group with another.

    Args:
        items: With ``path`` and ``group``.

    Returns:
        ``run, image, next``: what the names of a run have in common, and the positions of two neighbours.
    """
    name = r"^(.*?)(\d{1,18})\.[^./]+$"
    run, number = pl.col("path").str.extract(name, 1), pl.col("path").str.extract(name, 2).cast(pl.Int64)
    numbered = items.select("group", run=run, number=number).with_row_index("image").drop_nulls("run")
    alone = numbered.filter(pl.col("group").n_unique().over("run") == pl.len().over("run")).sort("run", "number")
    following = alone.select(
        "run", "image", "number", pl.col("image", "number").shift(-1).over("run").name.prefix("next_")
    )
    pairs = following.filter(pl.col("next_number") == pl.col("number") + 1)
    return pairs.filter(pl.len().over("run") >= FEWEST_FRAMES - 1).select("run", "image", next="next_image")


def frames_of_videos(items: pl.DataFrame, hash_of: HashOf) -> list[str]:
    """Finds runs of numbered names that are frames of a video: at least half of the neighbours are nearly alike.

    Of some runs, spread evenly, and some pairs in each (`LOOKED_AT`) the pictures are looked at: at most 36 of a data
    set of any size. A run that is not looked at is not named.

    Returns:
        What the names of each such run have in common.
    """
    pairs = numbered_neighbours(items)
    paths = items["path"]
    runs = pairs["run"].unique().sort()
    found = []
    for run in runs.gather(_spread(len(runs), LOOKED_AT[0])):
        of_run = pairs.filter(pl.col("run") == run)
        moved = [
            _moved(hash_of(paths[one]), hash_of(paths[two]))
            for _, one, two in of_run[_spread(len(of_run), LOOKED_AT[1])].iter_rows()
        ]
        if np.median(moved) <= MOST_MOVED:
            found.append(str(run))
    return found


def frame_links(items: pl.DataFrame, hash_of: HashOf) -> Links:
    """Links the neighbours of every run of numbered names that are nearly alike."""
    paths = items["path"]
    pairs = [(one, two) for _, one, two in numbered_neighbours(items).iter_rows()]
    near = [pair for pair in pairs if _moved(*(hash_of(paths[image]) for image in pair)) <= MOST_MOVED]
    return np.array(near, dtype=np.intp).reshape(-1, 2)


def look_alikes(images: pl.DataFrame) -> Links:
    """Links near-duplicates and the frames of a video, for images with ``path``, ``group`` and ``hash``."""
    hashes = dict(images.select("path", "hash").iter_rows())
    return np.concatenate([near_duplicates(images["hash"]), frame_links(images, hashes.__getitem__)])


def _spread(count: int, most: int) -> list[int]:
    """Chooses at most so many of a number, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist() if count else []


def _moved(first: int | None, second: int | None) -> float:
    return float("inf") if first is None or second is None else (first ^ second).bit_count()
