"""What the names of folders say of the images in them: class, source, split. A function of paths alone.

The field's layouts are ``real|generated``, ``real|fake``, ``0_real|1_fake`` and ``nature|ai``, in any case, with the
sources inside of the class folders, or with a pair of class folders inside of each generator's, as in ForenSynths
(``progan/airplane/0_real``) and GenImage (``ADM/imagenet_ai_0508_adm/val/ai``).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from datamodules.class_names import class_of
from datamodules.errors import DataOptionError
from datamodules.generator_names import is_known
from datamodules.items import GENERATED, PARTIAL, REAL
from datamodules.listing import normalised

UNNAMED = "unnamed"
PLAIN = {"real": REAL, "generated": GENERATED}
"""The class folders of this suite. Images straight in one of them belong to a source of its name."""
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What folders of splits are called, in any case; they name no source."""
_PLAIN_WORDS = ("real", "fake", "generated")
_GENIMAGE = ("nature", "ai")

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What a folder's name says of the images straight in it.

    Args:
        label: 0 = real, 1 = generated.
        kind: ``partial`` for edited images; else None.
        source: The generator, or the source of real images; ``unnamed`` where no folder names one.
        content: Folders that are neither class, source nor split, such as ForenSynths' ``airplane``.
        split: ``train``, ``val`` or ``test``, where a folder says so.
        paired: Whether the class folder lies in the source's: then its generated images face its real ones.
        own: Whether the class folder is ``real`` or ``generated``, at the top.
    """

    label: int
    kind: str | None
    source: str
    content: str
    split: str | None
    paired: bool
    own: bool


def read_layout(folders: Collection[str]) -> dict[str, Place]:
    """Reads the folders that hold images.

    Args:
        folders: Paths relative to the root with forward slashes; the root itself is ``""``.

    Returns:
        The place of each folder that is one of a class, or lies in one.

    Raises:
        DataOptionError: Two folders along one path are of different classes.
    """
    paths = {folder: tuple(folder.split("/")) for folder in folders if folder}
    beside = _classes_beside(paths.values())
    found = {folder: at for folder, parts in paths.items() if (at := _class_folder(parts, beside)) is not None}
    inside = [_names(paths[folder][:at]) for folder, at in found.items()]
    wrapper = _wrapper(inside)
    return {folder: _place(paths[folder], at, wrapper) for folder, at in found.items()}


def passed_by(folders: Collection[str], placed: Collection[str]) -> list[str]:
    """Names the outermost folders that nothing is taken from.

    Args:
        folders: All folders.
        placed: Those that images are taken from.
    """
    taken = {above for folder in placed for above in _upwards(folder)}
    outermost = set[str]()
    for folder in folders:
        if folder and folder not in taken:
            outermost.add(next(above for above in _upwards(folder) if above not in taken))
    return sorted(outermost)


def split_of(parts: Sequence[str]) -> str | None:
    """Returns the split that the outermost folder of one names, along a path."""
    return next((SPLITS[name] for name in map(normalised, parts) if name in SPLITS), None)


def opposed(folder: str, label: int) -> str | None:
    """Returns the first name along a path that is plainly one of the other class."""
    return next((part for part in folder.split("/") if _is_plain(part) and _label(part) not in (label, None)), None)


def _upwards(folder: str) -> Iterator[str]:
    """Yields a folder and all above it, the outermost first."""
    parts = folder.split("/")
    for number in range(len(parts)):
        yield "/".join(parts[: number + 1])


def _label(name: str) -> int | None:
    """Returns the label of a name of a class; edited images are generated."""
    kind = class_of(name)
    return None if kind is None else REAL if kind == "real" else GENERATED


def _is_plain(name: str) -> bool:
    """Says whether a name can hardly mean anything but a class; ``human``, ``ai`` or ``original`` may be content."""
    return class_of(name) is not None and normalised(name).strip("01") in _PLAIN_WORDS


def _classes_beside(paths: Collection[Parts]) -> dict[Parts, set[int]]:
    """Returns the classes of the folders in each folder."""
    beside: dict[Parts, set[int]] = {}
    for prefix in {parts[: number + 1] for parts in paths for number in range(len(parts))}:
        label = _label(prefix[-1])
        if label is not None:
            beside.setdefault(prefix[:-1], set()).add(label)
    return beside


def _class_folder(parts: Parts, beside: dict[Parts, set[int]]) -> int | None:
    """Finds the folder of a class along a path: the outermost plain name, or else the outermost other one."""
    plain = [number for number, part in enumerate(parts) if _is_plain(part)]
    own = bool(plain) and plain[0] == 0 and parts[0] in PLAIN
    known = plain or [
        number
        for number, part in enumerate(parts)
        if class_of(part)
        and len(beside.get(parts[: number + 1], ())) < 2
        and (number == 0 or len(beside[parts[:number]]) > 1 or normalised(part) in _GENIMAGE)
    ]
    # Inside of this suite's own folders a source may be called 'real' or 'fake'; '0_real' and '1_fake' mean a class.
    checked = [number for number in known if not own or number == 0 or parts[number][0] in "01"]
    labels = {_label(parts[number]): parts[number] for number in reversed(checked)}
    if len(labels) > 1:
        raise DataOptionError(
            f"{'/'.join(parts)} lies in folders of both classes, {labels[REAL]!r} and {labels[GENERATED]!r}: rename "
            "one, or give the folders of each class with --real DIR --generated DIR."
        )
    return known[0] if known else None


def _names(parts: Parts) -> Parts:
    return tuple(part for part in parts if normalised(part) not in SPLITS)


def _wrapper(paths: list[Parts]) -> int:
    """Counts the folders around all of the sources', such as an archive's: no known generator, with folders inside."""
    shared = 0
    while (
        len({path[: shared + 1] for path in paths}) == 1
        and all(len(path) > shared + 1 for path in paths)
        and not is_known(paths[0][shared])
    ):
        shared += 1
    return shared


def _place(parts: Parts, at: int, wrapper: int) -> Place:
    word, above = parts[at], _names(parts[:at])[wrapper:]
    own = at == 0 and word in PLAIN
    below = parts[1:] if own else _names(parts[at + 1 :])
    names = (*above, *below)
    kind = class_of(word)
    return Place(
        label=REAL if kind == "real" else GENERATED,
        kind=PARTIAL if kind == PARTIAL else None,
        source=names[0] if names else word.casefold() if word.casefold() in PLAIN else UNNAMED,
        content="/".join(names[1:]),
        split=split_of(parts),
        paired=bool(above),
        own=own,
    )
