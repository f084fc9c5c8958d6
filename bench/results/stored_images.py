"""The image files behind stored scores, where a user has them: found by the paths under which the store lists them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bench.errors import BenchError
from bench.results.comparison import Comparison
from datamodules.trees.opening import open_tree
from datamodules.trees.tree import Tree


def with_images(comparisons: Sequence[Comparison], roots: Sequence[Path]) -> list[Comparison]:
    """Lets comparisons of stored scores read their images; one of which no image is there stays without.

    Args:
        comparisons: Of stored scores.
        roots: Folders, ``.zip`` or ``.tar`` files: those of ``--data-root``, or of ``--real`` and ``--generated``.

    Raises:
        BenchError: None of them holds an image of any comparison.
        DataError: One of them cannot be opened.
    """
    trees = [open_tree(root) for root in roots]
    readers = [StoredImages(comparison, trees) for comparison in comparisons]
    there = [any(map(reader.holds, reader.sha256)) for reader in readers]
    if trees and not any(there):
        first = next((path for comparison in comparisons for path in comparison.panel.images["path"]), "none")
        raise BenchError(
            f"--data-root {' '.join(map(str, roots))} has no image of the store, such as {first}: give the folder that "
            "was scored."
        )
    pairs = zip(comparisons, readers, there, strict=True)
    return [replace(comparison, read_bytes=reader.read) if found else comparison for comparison, reader, found in pairs]


class StoredImages:
    """The files of one comparison's images; one that is not what was scored is not given out.

    Args:
        comparison: Of stored scores.
        trees: Where files may lie.
    """

    def __init__(self, comparison: Comparison, trees: Sequence[Tree]) -> None:
        images = comparison.panel.images
        self.sha256 = dict(zip(images["path"], images["sha256"], strict=True))
        self.trees = trees

    def holds(self, path: str) -> bool:
        """Says whether there is a file of an image's name."""
        return any(tree.holds(name) for tree, name in self._places(path))

    def read(self, path: str) -> bytes:
        """Reads the bytes of an image.

        Raises:
            BenchError: There is no such file, or it is not the one that was scored.
            UnreadableImageError: As for `datamodules.trees.tree.Tree.read`.
            OSError: Likewise.
        """
        there = False
        for tree, name in self._places(path):
            if tree.holds(name):
                there, data = True, tree.read(name)
                if hashlib.sha256(data).hexdigest() == self.sha256.get(path):
                    return data
        raise BenchError("it is not the file that was scored" if there else "there is no such file")

    def _places(self, path: str) -> list[tuple[Tree, str]]:
        """Returns where an image may lie: a store's listing may be anybody's, and leads nowhere else."""
        name = PurePosixPath(path)
        if name.is_absolute() or ".." in name.parts:
            return []
        places = [(tree, path) for tree in self.trees]
        # Of --real and --generated each folder was listed as <class>/<its name>/...
        return places + [(tree, "/".join(name.parts[2:])) for tree in self.trees if name.parts[1:2] == (tree.name,)]
