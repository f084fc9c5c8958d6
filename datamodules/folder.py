"""One's own images, in a folder, a zip or a tar file: ``real/<source>/...`` and ``generated/<generator>/...``."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from datamodules.base import DetectionData
from datamodules.class_names import class_of
from datamodules.errors import DataOptionError, DatasetNotFoundError, UnknownDataNameError, hinted
from datamodules.groups_file import GROUPS_FILE, read_groups, unknown_paths
from datamodules.items import REAL, Item
from datamodules.listing import File, normalised
from datamodules.reading import UnreadableImageError
from datamodules.trees.advice import advice
from datamodules.trees.decisions import Decisions
from datamodules.trees.layout import PLAIN, SPLITS, Place, opposed, passed_by, read_layout, split_of
from datamodules.trees.opening import open_tree
from datamodules.trees.tree import Tree, name_of

CONTENTS = ("image", "dire-map", "face-crop")
APART = "--real DIR [DIR ...] --generated DIR [DIR ...] take folders and archives wherever they lie"


class FolderData(DetectionData):
    """A folder of images, or a ``.zip`` or ``.tar`` of one, whose folders' names say which class an image is of.

    Read are ``real`` and ``generated`` (or ``fake``), ``0_real`` and ``1_fake``, ``nature`` and ``ai``, in any case. In
    a class folder there is one folder a source; or the pair of class folders lies in each generator's folder, at any
    depth, whose generated images then face its real ones. :mod:`datamodules.trees.layout` has the rules.

    Images straight in ``real/`` or ``generated/`` belong to a source of that name, those of other class folders without
    a source are ``unnamed``. One of the two classes may be missing. A file ``groups.csv`` beside the folders, with
    columns ``path`` and ``group``, says which images are not independent (crops of one photograph, images of one
    prompt); every other image is a group of its own.

    Args:
        root: The folder or the archive; not needed with ``real`` or ``generated``.
        content: What the files hold: an ``image``, a ``dire-map`` that was made of one, or a ``face-crop``, the square
            around a face.
        split: Take the images of folders of this name alone: ``train``, ``val`` or ``test``.
        real: Folders or archives of real images, wherever they lie: the name of each is a source, and what is in it
            belongs to it. Images are called ``real/<name>/...``, as if they lay there.
        generated: The same of generated images: the name of each is a generator.
        **options: As for :class:`DetectionData`.

    Attributes:
        not_here: Paths that ``groups.csv`` names and that are not among the images.
    """

    name = "folder"

    def __init__(
        self,
        root: str | Path | None,
        *,
        content: str = "image",
        split: str | None = None,
        real: Sequence[str] | None = None,
        generated: Sequence[str] | None = None,
        **options: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(root or "", **options)
        if content not in CONTENTS:
            raise DataOptionError(f"--content must be one of {', '.join(CONTENTS)}, got {content!r}.")
        if split is not None and normalised(split) not in SPLITS:
            raise UnknownDataNameError("split", split, sorted(set(SPLITS.values())))
        if root is None and not (real or generated):
            raise DataOptionError(f"--dataset folder needs --data-root DIR; or {APART}.")
        if root is not None and (real or generated):
            raise DataOptionError("--real and --generated take the place of --data-root: leave it out.")
        self.content, self.not_here = content, list[str]()
        self.split = None if split is None else SPLITS[normalised(split)]
        self.given = {"real": tuple(real or ()), "generated": tuple(generated or ())}
        self.decisions = Decisions()

    @property
    def protocol(self) -> dict[str, Any]:
        """The base's, and the content where it is not images."""
        return super().protocol | ({} if self.content == CONTENTS[0] else {"content": self.content})

    @property
    def default_title(self) -> str:
        """The folder's own name, so that several folders can share one store."""
        names = ["+".join(name_of(Path(root)) for root in roots) for roots in self.given.values() if roots]
        return f"folder:{'-vs-'.join(names) or name_of(self.root)}"

    @property
    def notes(self) -> tuple[str, ...]:
        """How the folders' names were understood, and what the file of groups names that is not here."""
        if not self.not_here:
            return self.decisions.notes
        files = "1 file that is" if len(self.not_here) == 1 else f"{len(self.not_here):,} files that are"
        return (*self.decisions.notes, f"{GROUPS_FILE} names {files} not here, the first {self.not_here[0]}.")

    @cached_property
    def trees(self) -> dict[str, Tree]:
        """The folder or archive, or those that were given for each class, by what their images' paths begin with."""
        if not any(self.given.values()):
            return {"": open_tree(self.root)}
        found: dict[str, Tree] = {}
        for word, roots in self.given.items():
            for root in roots:
                tree = open_tree(Path(root), f"--{word}")
                other = found.setdefault(f"{word}/{tree.name}/", tree)
                if other is not tree:
                    raise DataOptionError(
                        f"--{word} {other.root} and {root} are both called {tree.name!r}, which names the source: give "
                        f"one by a link of another name (ln -s {root} NAME)."
                    )
        return found

    def missing_class(self) -> str | None:
        """Says which class has no image, and what to do."""
        missing = super().missing_class()
        if missing and any(self.given.values()):
            missing = f"{self.title} has no {'generated' if self.sources(REAL) else 'real'} images"
        return f"{missing}; {APART}" if missing else None

    def list_items(self) -> Iterator[Item]:
        """Yields the images of both classes."""
        self.decisions = Decisions(asked=self.split)
        seen = set[str]()
        for item, split in self._together(self.trees[""]) if "" in self.trees else self._given():
            seen |= {split} if split is not None else set()
            if self.split in (None, split):
                yield item
        if self.split is not None and self.split not in seen:
            raise UnknownDataNameError("split", self.split, seen)

    def declared_groups(self) -> dict[str, str]:
        """Reads the groups of images from the ``groups.csv`` beside the class folders, in an archive, too.

        Raises:
            DataOptionError: It is no such file, or the folders were given one by one, and none lies beside all.
        """
        if "" not in self.trees:
            raise DataOptionError(
                f"A {GROUPS_FILE} lies in the folder of --data-root: link the others into it (ln -s)."
            )
        tree = self.trees[""]
        file = self.root / GROUPS_FILE
        try:
            return read_groups(tree.read(GROUPS_FILE), file) if tree.holds(GROUPS_FILE) else {}
        except (OSError, UnreadableImageError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DataOptionError(f"May not read {file}: {reason}.") from error

    def read_bytes(self, path: str) -> bytes:
        """Reads the bytes of an image where they lie."""
        if "" in self.trees:
            return self.trees[""].read(path)
        word, name, rest = path.split("/", 2)
        return self.trees[f"{word}/{name}/"].read(rest)

    def _together(self, tree: Tree) -> Iterator[tuple[Item, str | None]]:
        """Yields the images of one tree with their splits."""
        groups = self.declared_groups()
        grouped, real, generated = set[str](), set[str](), set[str]()
        for (path, size, mtime), place in self._placed(tree):
            if self.split in (None, place.split):
                self.decisions.add(path, place)
                grouped |= {path} & groups.keys()
            if place.paired:
                (real if place.label == REAL else generated).add(place.source)
            yield Item(path, place.label, place.source, groups.get(path), size, mtime, place.kind), place.split
        self.not_here = unknown_paths(groups, grouped, self.root / GROUPS_FILE)
        self.declared_pairs = {name: {name} for name in generated & real}

    def _placed(self, tree: Tree) -> Iterator[tuple[File, Place]]:
        """Yields the images of one tree that are of a class, with their places."""
        top = tree.folders()
        inside = [f"{word}/" for word in PLAIN] if PLAIN.keys() <= set(top) else [""]
        files = [
            (start + path, size, mtime) for start in inside for path, size, mtime in tree.files(self.ignored, start)
        ]
        folders = {_folder_of(path) for path, _, _ in files}
        layout = read_layout(folders)
        classes = {name for name in top if class_of(name)}
        if not layout and (files or not classes or advice(self.ignored)):
            raise self._unread(top)
        self.passed_by = passed_by({*folders, *top}, {*layout, *classes})
        elsewhere = tuple(f"{name}/" for name in self.passed_by)
        for path, size, mtime in files:
            place = layout.get(_folder_of(path))
            if place is not None:
                yield (path, size, mtime), place
            elif not path.startswith(elsewhere):
                self.decisions.pass_by(path)

    def _unread(self, top: Sequence[str]) -> DatasetNotFoundError:
        """Says what was expected, what was found, and every way out."""
        found = ", ".join([*map(hinted, top[:5]), *(["..."] if len(top) > 5 else [])])
        others = ", ".join(f"{number:,} {ending}" for ending, number in self.ignored.most_common(5))
        there = "; ".join(filter(None, (found, others))) or "nothing"
        elsewhere = advice(self.ignored, self.root) or "--dataset manifest reads a list of paths and labels"
        return DatasetNotFoundError(
            f"{self.root} holds neither a folder 'real' nor a folder 'generated' with images; expected "
            "real/<source>/... and generated/<generator>/..., or pairs of folders such as 0_real and 1_fake, real and "
            f"fake, nature and ai; found {there}. {elsewhere}. {APART}; a link (ln -s) "
            "stands for what lies elsewhere."
        )

    def _given(self) -> Iterator[tuple[Item, str | None]]:
        """Yields the images of the trees that were given for each class, with their splits."""
        for at, tree in self.trees.items():
            word, name, _ = at.split("/")
            empty = True
            for path, size, mtime in tree.files(self.ignored):
                folder = _folder_of(path)
                other = opposed(folder, PLAIN[word])
                if other is not None:
                    raise DataOptionError(
                        f"--{word} {tree.root} holds {path}, which lies in a folder {other!r} of the other class: give "
                        f"the folder of one class, or {tree.root} as --data-root alone."
                    )
                empty = False
                yield Item(at + path, PLAIN[word], name, None, size, mtime), split_of(folder.split("/"))
            if empty:
                reads = advice(self.ignored) or "look for another folder"
                raise DatasetNotFoundError(f"There is no image in --{word} {tree.root}: {reads}.")


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]
