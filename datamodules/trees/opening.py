"""Opens what a user gives as data: a folder, a zip or a tar file; of anything else says what reads it."""

import re
from collections.abc import Mapping
from pathlib import Path

from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.trees.tars import TarTree
from datamodules.trees.tree import FolderTree, Tree
from datamodules.trees.zips import ZipTree

VIDEOS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"))
TABLES = frozenset((".csv", ".tsv", ".json", ".jsonl"))
_COMPRESSED = re.compile(r"\.(tar\.\w+|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
_OTHER_ARCHIVES = frozenset((".7z", ".rar", ".gz", ".bz2", ".xz", ".zst"))


def open_tree(root: Path, flag: str = "--data-root") -> Tree:
    """Opens a folder or an archive.

    Args:
        root: What was given.
        flag: The option that it was given by.

    Raises:
        DatasetNotFoundError: There is nothing.
        DataOptionError: It is a file of another kind; the message says what to do with it.
    """
    if root.is_dir():
        return FolderTree(root)
    if not root.exists():
        raise DatasetNotFoundError(f"There is no folder {root}. Give the folder, or a .zip or .tar, with {flag} DIR.")
    ending = root.suffix.lower()
    if _COMPRESSED.search(root.name):
        raise DataOptionError(f"{root} is compressed as a whole: unpack it, or repack it as an uncompressed .tar.")
    if ending == ".zip":
        return ZipTree(root)
    if ending == ".tar":
        return TarTree(root)
    raise DataOptionError(f"{root} is no folder, .zip or .tar: {advice({ending: 1}, root) or f'give one with {flag}'}.")


def advice(endings: Mapping[str, int], root: Path | None = None) -> str:
    """Says of files that are no images by their endings what reads them; nothing where nothing does.

    Args:
        endings: Number of files of each ending, in lower case.
        root: Where they lie.
    """
    at = f" --data-root {root}" if root is not None else ""
    words = []
    if ".parquet" in endings:
        words.append(f"--dataset parquet{at} reads .parquet files")
    if tables := sorted(endings.keys() & TABLES):
        words.append(f"--dataset manifest{at} reads lists of images with labels ({', '.join(tables)})")
    if ".tar" in endings:
        words.append(f"--dataset shards{at} reads WebDataset .tar files, --data-root FILE.tar one that holds folders")
    if ".zip" in endings:
        words.append("--data-root FILE.zip reads one archive, --real FILES --generated FILES several")
    if any(_COMPRESSED.search(f"x{ending}") or ending in _OTHER_ARCHIVES for ending in endings):
        words.append("unpack compressed archives")
    if videos := sorted(endings.keys() & VIDEOS):
        words.append(f"{', '.join(videos)}: extract frames first, e.g. ffmpeg -i VIDEO FOLDER/%05d.png")
    return "; ".join(words)
