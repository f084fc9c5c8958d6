"""The files of a folder or an archive: which there are, and the bytes of each."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from datamodules.listing import File, list_files
from datamodules.reading import read_file

ARCHIVES = (".zip", ".tar")


def name_of(root: Path) -> str:
    """Returns what a folder is called, and what an archive is without its ending."""
    return root.stem if root.suffix.lower() in ARCHIVES and root.is_file() else root.resolve().name


class Tree(ABC):
    """Files under one root, read where they lie. An instance may be sent to other processes.

    Args:
        root: The folder or the archive.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        """What it is called."""
        return name_of(self.root)

    @abstractmethod
    def folders(self) -> list[str]:
        """Returns the names of the folders straight in the root."""

    @abstractmethod
    def files(self, ignored: Counter[str], inside: str = "") -> Iterator[File]:
        """Yields the image files, as :func:`datamodules.listing.list_files` does.

        Args:
            ignored: Counts what is passed by, by ending or in words.
            inside: A folder under the root with a slash behind it, which the paths count from; the root by default.
        """

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Reads the bytes of a file.

        Raises:
            UnreadableImageError: They are not whole, or may not be read; the message is the reason.
            OSError: They cannot be read.
        """

    @abstractmethod
    def holds(self, path: str) -> bool:
        """Says whether there is such a file, which need not be an image."""


class FolderTree(Tree):
    """The files of a folder."""

    def folders(self) -> list[str]:
        """Returns the names of the folders straight in the root."""
        return sorted(child.name for child in self.root.iterdir() if child.is_dir())

    def files(self, ignored: Counter[str], inside: str = "") -> Iterator[File]:
        """Yields the image files."""
        return list_files(self.root / inside, ignored)

    def read(self, path: str) -> bytes:
        """Reads the bytes of a file."""
        return read_file(self.root / path)

    def holds(self, path: str) -> bool:
        """Says whether there is such a file."""
        return (self.root / path).is_file()
