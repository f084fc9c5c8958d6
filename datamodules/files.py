"""Single image files, as a user names them: files, folders and patterns."""

import glob
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from datamodules.base import DetectionData
from datamodules.errors import DatasetNotFoundError
from datamodules.image_formats import IMAGE_ENDINGS
from datamodules.items import Item
from datamodules.listing import LITTER, UNWRITABLE_NAME, is_litter, list_files

LIST_ENDINGS = (".csv", ".json", ".jsonl", ".lst", ".ndjson", ".tsv", ".txt")
"""Of files that may be lists of images; one of them that is an image all the same is taken."""
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
    paths = list(paths)
    if paths and all(map(_is_list, paths)):
        name = shlex.quote(_shown(paths[0]))
        listed = Path(paths[0]).suffix.lower() != ".parquet"
        raise DatasetNotFoundError(
            f"{_shown(paths[0])} is {'text' if listed else 'a table'}, not an image. For a table with a row an image: "
            f"python -m bench score {name} --append FILE, which writes a copy of it with the scores."
            + (f" A list of files, one a line, is read on stdin: python -m bench score - < {name}" if listed else "")
        )
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
        if os.path.isdir(match) and is_litter(os.path.basename(os.path.normpath(match))):  # noqa: PTH112, PTH119
            walked.add(os.path.normpath(match))
            ignored[LITTER] += 1
            continue
        if os.path.isdir(match):  # noqa: PTH112 - as above
            walked.add(os.path.normpath(match))
            yield from _files_of(match, ignored)
            continue
        ending = os.path.splitext(match)[1].lower()  # noqa: PTH122 - as above
        if _shown(match) != match:
            ignored[UNWRITABLE_NAME] += 1
        elif is_litter(os.path.basename(match)):  # noqa: PTH119 - as above
            ignored[LITTER] += 1
        elif ending in IMAGE_ENDINGS:
            yield match
        else:
            ignored[ending or os.path.basename(match)] += 1  # noqa: PTH119 - as above


def _is_list(path: str) -> bool:
    """Says whether a file is text that is named as such, or a Parquet file."""
    if Path(path).suffix.lower() == ".parquet" and os.path.isfile(path):  # noqa: PTH113 - as above
        return True
    if Path(path).suffix.lower() not in LIST_ENDINGS or "\0" in path or not os.path.isfile(path):  # noqa: PTH113
        return False
    try:
        with Path(path).open(encoding="utf-8") as stream:
            return "\0" not in stream.read(1 << 12)
    except (OSError, ValueError):
        return False  # it is scored, or has its reason


def _folders_above(path: str) -> Iterator[str]:
    folder = os.path.normpath(path)
    while (above := os.path.dirname(folder) or os.curdir) != folder:  # noqa: PTH120 - as above
        yield above
        folder = above


def _shown(path: object) -> str:
    """Writes a path down, whatever its bytes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


class FilesData(DetectionData):
    """Files of which nothing is known: no label, no source, every file a group of its own.

    They are read, decoded and cut exactly as those of ``folder``, and come in the order given.

    Args:
        files: Paths of files, each once; see :func:`find_files`.
        **options: Those of :class:`DetectionData`.
    """

    name = "files"

    def __init__(self, files: Sequence[str], **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(Path(), **options)
        self.files = [_shown(file) for file in files]
        self._named = {shown: file for shown, file in zip(self.files, files, strict=True) if shown != file}

    def list_items(self) -> Iterator[Item]:
        """Yields the files; nothing is asked about their size or age."""
        for file in self.files:
            yield Item(file, UNKNOWN, "", file, -1, 0)

    def read_bytes(self, path: str) -> bytes:
        """Reads a file, which may lie in a folder whose name is no Unicode: its path is then written out."""
        return super().read_bytes(self._named.get(path, path))

    def setup(self, stage: str | None = None) -> None:
        """Lists the files, and plans batches in the order given."""
        super().setup(stage)
        order = pl.DataFrame({"path": self.files}, schema={"path": pl.String})
        rows = order.join(self.items.select("path").with_row_index(), on="path", maintain_order="left")["index"]
        size = self.batch_size
        self.batches = [rows[start : start + size].to_list() for start in range(0, len(rows), size)]
        if len(self.batches) == 1:
            self.num_workers = 0  # to start a process takes longer than to read a few files
