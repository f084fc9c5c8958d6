"""Opens what a user gives as data: a folder, a zip or a tar file; of anything else says what reads it."""

from pathlib import Path

from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.trees.advice import COMPRESSED, advice
from datamodules.trees.tars import TarTree
from datamodules.trees.tree import FolderTree, Tree
from datamodules.trees.zips import ZipTree


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
    if COMPRESSED.search(root.name):
        raise DataOptionError(f"{root} is compressed as a whole: unpack it, or repack it as an uncompressed .tar.")
    if ending == ".zip":
        return ZipTree(root)
    if ending == ".tar":
        return TarTree(root)
    raise DataOptionError(f"{root} is no folder, .zip or .tar: {advice({ending: 1}, root) or f'give one with {flag}'}.")
