"""Lists the image files under a folder."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from datamodules.reading import IMAGE_ENDINGS

File = tuple[str, int, int]


def list_files(folder: Path, ignored: Counter[str]) -> Iterator[File]:
    """Walks a folder in sorted order, following links but never in a circle.

    Args:
        folder: Where to start.
        ignored: Counts, by ending, the files that are no images by their ending.

    Yields:
        Path relative to ``folder`` with forward slashes, size in bytes, and time of change in nanoseconds. A file
        that cannot be looked at has size -1: it is listed, so that reading it can say why not.
    """
    yield from _walk(os.fspath(folder), "", ignored, frozenset())


def _walk(folder: str, prefix: str, ignored: Counter[str], above: frozenset[tuple[int, int]]) -> Iterator[File]:
    status = os.stat(folder)  # noqa: PTH116 - os.scandir's entries, a million times, without Path objects
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    with os.scandir(folder) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for entry in children:
        if entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/", ignored, above | {here})
            continue
        ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
        if ending not in IMAGE_ENDINGS:
            ignored[ending or entry.name] += 1
            continue
        try:
            status = entry.stat()
            yield prefix + entry.name, status.st_size, status.st_mtime_ns
        except OSError:
            yield prefix + entry.name, -1, 0
