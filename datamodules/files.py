"""Single image files, as a user names them: files, folders and patterns."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from datamodules.base import DetectionDataModule, Item
from datamodules.errors import DatasetNotFoundError
from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.listing import UNWRITABLE_NAME, list_files

UNKNOWN = -1
"""The label of an image of which nobody has said whether it is real."""


def find_files(paths: Iterable[str], ignored: Counter[str] | None = None) -> list[str]:
    """Finds the image files that some paths name.

    A file is taken whatever its ending. A folder gives the image files under it, by their endings, in sorted order; a
    pattern such as ``photos/*.jpg`` or ``photos/**`` gives those of its matches. A file that is named twice is taken
    once, where it comes first.

    Args:
        paths: Files, folders and patterns.
        ignored: Counts, by ending, the files in folders and among a pattern's matches that are no images by their
            ending.

    Returns:
        The files in order, written as they were named.

    Raises:
        DatasetNotFoundError: A path does not exist, gives no image, or may not be looked at.
    """
    counted: Counter[str] = Counter() if ignored is None else ignored
    found: dict[str, str] = {}
    for path in paths:
        count = 0
        try:
            for file in _files_of(path, counted):
                found.setdefault(os.path.abspath(file), file)  # noqa: PTH100 - a hundred thousand times, links kept
                count += 1
        except DatasetNotFoundError:
            raise
        except OSError as error:
            raise DatasetNotFoundError(f"May not read {_shown(error.filename)}: {error.strerror}.") from error
        if not count:
            raise DatasetNotFoundError(f"There is no image {'under' if Path(path).is_dir() else 'among'} {path}.")
    return list(found.values())


def _files_of(path: str, ignored: Counter[str]) -> Iterator[str]:
    if not path or "\0" in path:
        raise DatasetNotFoundError(f"There is no file or folder {path!r}.")
    if os.path.isdir(path):  # noqa: PTH112 - as above
        yield from (os.path.join(path, name) for name, _, _ in list_files(Path(path), ignored))  # noqa: PTH118
    elif os.path.exists(path):  # noqa: PTH110 - as above
        if _shown(path) != path:
            raise DatasetNotFoundError(f"The file {_shown(path)} has {UNWRITABLE_NAME}: rename it.")
        yield path
    elif glob.has_magic(path):
        yield from _matches(path, ignored)
    else:
        raise DatasetNotFoundError(f"There is no file or folder {_shown(path)}.")


def _matches(pattern: str, ignored: Counter[str]) -> Iterator[str]:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
    if not matches:
        raise DatasetNotFoundError(f"No file matches {_shown(pattern)}.")
    walked: set[str] = set()
    for match in matches:
        if not walked.isdisjoint(_folders_above(match)):
            continue  # ``**`` matches a folder and everything in it
        if os.path.isdir(match):  # noqa: PTH112 - as above
            walked.add(os.path.normpath(match))
            yield from _files_of(match, ignored)
            continue
        ending = os.path.splitext(match)[1].lower()  # noqa: PTH122 - as above
        if _shown(match) != match:
            ignored[UNWRITABLE_NAME] += 1
        elif ending in IMAGE_ENDINGS:
            yield match
        else:
            ignored[ending or os.path.basename(match)] += 1  # noqa: PTH119 - as above


def _folders_above(path: str) -> Iterator[str]:
    folder = os.path.normpath(path)
    while (above := os.path.dirname(folder) or os.curdir) != folder:  # noqa: PTH120 - as above
        yield above
        folder = above


def _shown(path: object) -> str:
    """Writes a path down, whatever its bytes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


class FilesDataModule(DetectionDataModule):
    """Files of which nothing is known: no label, no source, every file a group of its own.

    They are read, decoded and cut exactly as those of ``folder``, and come in the order given.

    Args:
        files: Paths of files, each once; see :func:`find_files`.
        **options: Those of :class:`DetectionDataModule`.
    """

    name = "files"

    def __init__(self, files: Sequence[str], **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(Path(), **options)
        self.files = files

    def list_items(self) -> Iterator[Item]:
        """Yields the files; nothing is asked about their size or age."""
        for file in self.files:
            yield Item(file, UNKNOWN, "", file, -1, 0)

    def setup(self, stage: str | None = None) -> None:
        """Lists the files, and plans batches in the order given."""
        super().setup(stage)
        order = pl.DataFrame({"path": self.files}, schema={"path": pl.String})
        rows = order.join(self.items.select("path").with_row_index(), on="path", maintain_order="left")["index"]
        size = self.batch_size
        self.batches = [rows[start : start + size].to_list() for start in range(0, len(rows), size)]
        if len(self.batches) == 1:
            self.num_workers = 0  # to start a process takes longer than to read a few files
