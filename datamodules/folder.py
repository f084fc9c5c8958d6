"""One's own images: ``DIR/real/<source>/...`` and ``DIR/generated/<generator>/...``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.base import DetectionDataModule
from datamodules.errors import DataOptionError, DatasetNotFoundError, hinted
from datamodules.groups_file import GROUPS_FILE, read_groups, unknown_paths
from datamodules.items import GENERATED, REAL, Item
from datamodules.listing import list_files

CLASS_FOLDERS = {"real": REAL, "generated": GENERATED}
CONTENTS = ("image", "dire-map")


class FolderDataModule(DetectionDataModule):
    """Any folder of images, with one folder a class and, in it, one a source.

    Images straight in ``real/`` or ``generated/`` belong to a source of that name. One of the two classes may be
    missing. A file ``groups.csv`` beside them, with columns ``path`` and ``group``, says which images are not
    independent (crops of one photograph, images of one prompt); every other image is a group of its own.

    Args:
        root: The folder.
        content: What the files hold: an ``image``, or a ``dire-map`` that was made of one.
        **options: As for :class:`DetectionDataModule`.

    Attributes:
        not_here: Paths that ``groups.csv`` names and that are not among the images.
    """

    name = "folder"

    def __init__(self, root: str | Path, *, content: str = "image", **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(root, **options)
        if content not in CONTENTS:
            raise DataOptionError(f"--content must be one of {', '.join(CONTENTS)}, got {content!r}.")
        self.content, self.not_here = content, list[str]()

    @property
    def protocol(self) -> dict[str, Any]:
        """The base's, and the content where it is not images."""
        return super().protocol | ({} if self.content == CONTENTS[0] else {"content": self.content})

    @property
    def default_title(self) -> str:
        """The folder's own name, so that several folders can share one store."""
        return f"folder:{self.root.resolve().name}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file of groups names that is not here."""
        if not self.not_here:
            return ()
        files = "1 file that is" if len(self.not_here) == 1 else f"{len(self.not_here):,} files that are"
        return (f"{GROUPS_FILE} names {files} not here, the first {self.not_here[0]}.",)

    def list_items(self) -> Iterator[Item]:
        """Yields the images of both classes."""
        if not self.root.is_dir():
            raise DatasetNotFoundError(f"There is no folder {self.root}. Give the folder with --data-root DIR.")
        children = sorted(child.name for child in self.root.iterdir() if child.is_dir())
        present = [name for name in CLASS_FOLDERS if (self.root / name).is_dir()]
        self.passed_by = [name for name in children if name not in present]
        if not present:
            raise DatasetNotFoundError(
                f"{self.root} holds neither a folder 'real' nor a folder 'generated'; expected "
                f"real/<source>/... and generated/<generator>/...; found {_names(self.root)}."
            )
        file = self.root / GROUPS_FILE
        groups, grouped = read_groups(file), set[str]()
        for name in present:
            for path, size, mtime in list_files(self.root / name, self.ignored):
                source, nested, _ = path.partition("/")
                whole = f"{name}/{path}"
                grouped |= {whole} & groups.keys()
                yield Item(
                    whole, CLASS_FOLDERS[name], source if nested else name, groups.get(whole, whole), size, mtime
                )
        self.not_here = unknown_paths(groups, grouped, file)


def _names(folder: Path) -> str:
    names = sorted(hinted(child.name) if child.is_dir() else child.name for child in folder.iterdir())
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") or "nothing"
