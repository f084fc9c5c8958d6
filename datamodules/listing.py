"""Lists the image files under a folder."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from datamodules.image_formats import IMAGE_ENDINGS

File = tuple[str, int, int]
DEEPEST = 4
"""No search for a dataset's folders goes deeper than this, whatever they are called: links may go in a circle."""
UNWRITABLE_NAME = "a name that is not UTF-8"
LITTER = "._* or __MACOSX"
_SILENT = (".DS_Store", "Thumbs.db")


def list_files(folder: Path, ignored: Counter[str], endings: Collection[str] = IMAGE_ENDINGS) -> Iterator[File]:
    """Walks a folder in sorted order, following links but never in a circle.

    Args:
        folder: Where to start.
        ignored: Counts, by ending, the files that are no images by their ending.
        endings: The endings, in lower case, of the files that count.

    Yields:
        Path relative to ``folder`` with forward slashes, size in bytes, and time of change in nanoseconds. A file
        that cannot be looked at has size -1: it is listed, so that reading it can say why not.
    """
    yield from _walk(os.fspath(folder), "", ignored, endings, frozenset())


def _walk(
    folder: str, prefix: str, ignored: Counter[str], endings: Collection[str], above: frozenset[tuple[int, int]]
) -> Iterator[File]:
    status = os.stat(folder)  # noqa: PTH116 - os.scandir's entries, a million times, without Path objects
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in _sorted_entries(folder):
        if not _is_clean(entry.name, ignored):
            continue
        if _is_folder(entry):
            yield from _walk(entry.path, f"{prefix}{entry.name}/", ignored, endings, above | {here})
            continue
        if not _has_ending(entry.name, ignored, endings):
            continue
        try:
            status = entry.stat()
            yield prefix + entry.name, status.st_size, status.st_mtime_ns
        except OSError:
            yield prefix + entry.name, -1, 0


def is_listed(path: str, ignored: Counter[str], endings: Collection[str] = IMAGE_ENDINGS) -> bool:
    """Says whether a file of an archive is one that :func:`list_files` would list; if not, it is counted."""
    parts = path.split("/")
    return all(_is_clean(part, ignored) for part in parts) and _has_ending(parts[-1], ignored, endings)


def _is_clean(name: str, ignored: Counter[str]) -> bool:
    if not is_text(name):
        ignored[UNWRITABLE_NAME] += 1
    elif is_litter(name):
        ignored[LITTER] += 1
    else:
        return True
    return False


def _has_ending(name: str, ignored: Counter[str], endings: Collection[str]) -> bool:
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
    if ending not in endings and name not in _SILENT:
        ignored[ending or name] += 1
    return ending in endings


def is_litter(name: str) -> bool:
    """Says whether macOS put a file or folder beside the real ones, in an archive or on a disk of another system.

    Examples:
        >>> is_litter("._cat.jpg"), is_litter("__MACOSX"), is_litter(".cat.jpg")
        (True, True, False)
    """
    return name.startswith("._") or name == "__MACOSX"


def normalised(name: str) -> str:
    """Reduces a name to what people keep of it: letters and digits, without regard to case.

    Examples:
        >>> normalised("Imagenet256-DiT_XL-2")
        'imagenet256ditxl2'
    """
    return "".join(character for character in name.casefold() if character.isalnum())


def depth_of(parts: Sequence[str]) -> int:
    """Counts the names along a path, an archive's folder in a folder of the same name as one.

    Examples:
        >>> depth_of(["data", "GenImage", "genimage", "ADM"])
        3
    """
    names = [normalised(part) for part in parts]
    return sum(name != above for name, above in zip(names, ["", *names], strict=False))


def find_folders(
    root: Path,
    wanted: Callable[[tuple[str, ...]], bool],
    enter: Callable[[tuple[str, ...]], bool],
) -> Iterator[str]:
    """Searches the folders (and ``.npz`` archives) under a root, level by level, each level in sorted order.

    Args:
        root: Where to start.
        wanted: Says of a path, given as the names along it, whether it is one that is looked for. Such a folder is
            not searched further. An archive's name comes without its ending.
        enter: Says whether to look into a folder that is not wanted; it must bound the depth.

    Yields:
        Paths relative to the root, with forward slashes.
    """
    level: list[tuple[str, ...]] = [()]
    while level:
        deeper = []
        for parts in level:
            for entry in _sorted_entries(os.path.join(root, *parts)):  # noqa: PTH118
                stem, ending = os.path.splitext(entry.name)  # noqa: PTH122
                folder = _is_folder(entry)
                if not is_text(entry.name) or is_litter(entry.name) or not (folder or ending.lower() == ".npz"):
                    continue
                if wanted((*parts, entry.name if folder else stem)):
                    yield "/".join((*parts, entry.name))
                elif folder and enter((*parts, entry.name)):
                    deeper.append((*parts, entry.name))
        level = deeper


def _sorted_entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Says whether an entry is a folder; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_text(name: str) -> bool:
    """Says whether a name can be written down: Linux allows any bytes, tables hold UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
